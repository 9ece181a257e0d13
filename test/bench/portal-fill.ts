import { sql } from 'kysely';
import type { CaseReference } from '../../src/domain/contract.types.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { numberMac } from '../../src/exchange/portal/undecided.ts';
import { ownerOf, type ReferenceName, revisionRow } from '../../src/exchange/record.ts';
import { matchKeys } from '../../src/wire/match.ts';
import { inventedReference } from '../support/invented.ts';

export const DAYS = 365;
const DAY = 86_400_000;
const PART = 100_000;

export const indexesOf = ({ vault }: Exchange, url: string) => {
  const { K1, K2, K3 } = matchKeys(url);
  return {
    K1: Buffer.from(vault.index('K1', K1)),
    K2: Buffer.from(vault.index('K2', K2)),
    K3: Buffer.from(vault.index('K3', K3)),
  };
};

/**
 * A year of references as a busy node has them, the rows that placing would have made included. Every fifth is hosted in Germany, every
 * fiftieth in Bavaria; three in four are marked for the own nation of their recipient; hosts follow a law of few and many. One part in fifty came in one drop from a host in the Netherlands, one in three hundred
 * is one and the same address there. Contents are noise of the usual length: see `makeReal`.
 */
export async function fillPortal(exchange: Exchange, count: number): Promise<void> {
  const { db } = exchange.store;
  await sql`alter table reference disable trigger user`.execute(db);
  for (let from = 0; from < count; from += PART)
    await fillPart(exchange, { from, to: Math.min(count, from + PART), count });
  await sql`alter table reference enable trigger user`.execute(db);
  for (const table of [
    'reference',
    'reference_key',
    'reference_revision',
    'reference_index',
    'portal_place',
    'portal_assessed',
    'portal_handle',
  ])
    await sql`vacuum analyze ${sql.table(table)}`.execute(db);
}

async function fillPart(
  exchange: Exchange,
  { from, to, count }: { from: number; to: number; count: number },
): Promise<void> {
  const { db } = exchange.store;
  const begun = new Date(exchange.clock() - DAYS * DAY);
  const large = indexesOf(exchange, 'https://host-0.example/one');
  const often = indexesOf(exchange, 'https://host-0.example/often');
  const drop = indexesOf(exchange, 'https://drop.example/1');
  const number = Buffer.from(numberMac(exchange, 'R-2026-1'));
  const mac = (kind: string, value: unknown) => sql`sha256(convert_to(${kind} || ${value}, 'UTF8'))`;
  await sql`
    with drawn as (
      select n, (hashint8(n) & 1048575) as h, floor(power(200000, (hashtextextended(n::text, 7) & 1048575) / 1048576.0))::int - 1 as host
      from generate_series(${from}::bigint, ${to - 1}::bigint) as n),
    facts as (
      select n, n + 1 as position, md5(n::text)::uuid as id,
        case when h % 3 = 0 then 'https://node.hotline-c.example' else 'https://node.hotline-a.example' end as originator,
        case when h % 3 = 0 then 'in' else 'out' end as direction,
        case when n % 50 = 25 or n % 300 = 40 then 'NL' when n % 50 = 1 then 'DE-BY' when n % 5 = 1 then 'DE'
          else (array['NL', 'FR', 'SE', 'PL'])[1 + h % 4] end as hosting,
        (array['csam', 'csam-drawn-or-animated', 'csam-textual', 'sexualised-posing', 'csam-pointer', 'grooming'])[1 + (h / 8) % 6] as category,
        case when n % 100000 = 6 then 'emergency' when (h / 16) % 50 = 0 then 'priority' else 'routine' end as urgency,
        case when n % 20000 = 11 then 'on-hold' when (h / 32) % 10 < 6 then 'removed' else 'open' end as state,
        case when n % 100000 = 6 then 'uk-sentencing:A' when n % 50 = 25 then 'uk-sentencing:B'
          when n % 5 = 1 and n < ${count}::bigint / 12 and n % 25 = 1 then 'ncmec-industry:A1' else 'iccam:baseline' end as assessment,
        case when n % 50 = 25 then ${drop.K3}::bytea when n % 300 = 40 or host = 0 then ${large.K3}::bytea
          else ${mac('host', sql`host::text`)} end as host,
        case when n % 300 = 40 then ${often.K1}::bytea when n = 6 then ${large.K1}::bytea else ${mac('K1', sql`n::text`)} end as k1,
        case when n % 300 = 40 then ${often.K2}::bytea when n = 6 then ${large.K2}::bytea else ${mac('K2', sql`n::text`)} end as k2,
        ${begun}::timestamptz + (n::float8 / ${count} * ${DAYS}) * interval '1 day' as at
      from drawn),
    stored as (
      insert into reference (originator, id, position, direction, state, revision, category, urgency, tlp, hosting, jurisdictions,
        created_at, updated_at, expires_at)
      select originator, id, position, direction, state, 1, category, urgency, 'AMBER', hosting, array[hosting], at, at, at + interval '800 days'
      from facts),
    keys as (insert into reference_key (originator, id, wrapped) select originator, id, ${Buffer.alloc(60)}::bytea from facts),
    bodies as (
      insert into reference_revision (originator, id, revision, body, jti, at)
      select originator, id, 1, convert_to(repeat(md5(n::text), 28), 'UTF8'), md5(n::text), at from facts),
    indexes as (
      insert into reference_index (mac, name, originator, id, position)
      select k.mac, k.name, originator, id, position from facts
      cross join lateral (values ('K1', k1), ('K2', k2), ('K3', host)) as k (name, mac)),
    handles as (
      insert into portal_handle (mac, position)
      select case when n = 6 then ${number}::bytea else ${mac('number', sql`n::text`)} end, position from facts),
    places as (
      select p.place, f.* from facts f cross join lateral (
        select distinct case when n % 4 = 0 then place else place || '/national' end as place
        from unnest(array[hosting, left(hosting, 2)]) as place) p),
    assessed as (
      insert into portal_assessed (place, assessment, position) select place, assessment, position from places)
    insert into portal_place (place, position, originator, id, category, urgency, state, hosting, host, created_at, expires_at)
    select place, position, originator, id, category, urgency, state, hosting, host, at, at + interval '800 days'
    from places`.execute(db);
}

/** Gives these references contents that can be opened, each under a key of its own. */
export async function makeReal(
  exchange: Exchange,
  names: readonly (ReferenceName & { position: number })[],
): Promise<void> {
  const { vault, store } = exchange;
  for (const { originator, id, position } of names) {
    const name = { originator, id };
    const { key, wrapped } = vault.newDataKey(ownerOf(name));
    const invented = inventedReference(position) as unknown as CaseReference;
    const jurisdiction = { hosting: 'DE-BY' };
    const content = {
      ...invented,
      revision: 1,
      jurisdiction,
      marking: { tlp: 'AMBER', portal: 'concerned' },
    } as CaseReference;
    const { body } = revisionRow(vault, key, name, content, { jti: null, at: new Date() });
    const { db } = store;
    await sql`update reference_key set wrapped = ${Buffer.from(wrapped)} where originator = ${originator} and id = ${id}::uuid`.execute(
      db,
    );
    await sql`update reference_revision set body = ${Buffer.from(body as Uint8Array)}
      where originator = ${originator} and id = ${id}::uuid`.execute(db);
  }
}
