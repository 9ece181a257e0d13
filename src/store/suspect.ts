import { type RawBuilder, sql } from 'kysely';
import type { Database, Trx } from './open.ts';

const WITHDRAWN = 'urn:caseref:event:1:withdrawn';

/** Messages of one partner, by the keys that signed them, that came after an instant. Instants as Date. */
export interface Doubt {
  readonly issuer: string;
  readonly kids: readonly string[];
  /** From when the keys may have been in other hands. */
  readonly since: Date;
  /** When we learned of it. */
  readonly at: Date;
}

interface Name {
  readonly originator: string;
  readonly id: string;
}

/** How many messages of each key nobody answers for any more, and at most `most` of the references that they brought. */
export interface Marked {
  readonly counts: Readonly<Record<string, number>>;
  readonly brought: readonly Name[];
}

/** Clocks of two processes may differ by this much; a key that is kept signs on after its doubt was over. */
const SLACK_MS = 10 * 60_000;

const names = (given: readonly Name[]) =>
  sql`jsonb_to_recordset(${JSON.stringify(given.map(({ originator, id }) => ({ originator, id })))}::jsonb)
    as w (originator text, id uuid)`;

/** Nobody answers for the message: its own key is doubted, and no other one has said it again. */
export const isSuspect = (m: string): RawBuilder<boolean> =>
  sql`(${sql.ref(`${m}.suspect_at`)} is not null and ${sql.ref(`${m}.attested_at`)} is null)`;

/** Whether a key was in doubt at the instant at which it was heard. */
const inDoubt = (issuer: string, kid: RawBuilder<unknown>, at: RawBuilder<unknown>) => sql`exists (
  select 1 from key_doubt d where d.issuer = ${issuer} and d.kid = ${kid} and ${at} > d.since and ${at} <= d.until)`;

/**
 * Remembers the doubt and marks what it reaches, in the store and at once, whatever the number. A message is judged by its own
 * key and by every other one that said it again: it is suspect where all of them are doubted.
 */
export async function markMessages(trx: Trx, { issuer, kids, since, at }: Doubt, most: number): Promise<Marked> {
  const lost = [...kids];
  await sql`
    insert into key_doubt as d (issuer, kid, since, until)
    select ${issuer}, kid, ${since}, ${new Date(at.getTime() + SLACK_MS)} from unnest(${lost}::text[]) as lost (kid)
    on conflict (issuer, kid) do update set since = least(d.since, excluded.since), until = greatest(d.until, excluded.until)`.execute(
    trx,
  );
  const own = sql`((m.kid = any(${lost}::text[]) and m.received_at > ${since})
    or ${inDoubt(issuer, sql`m.kid`, sql`m.received_at`)})`;
  const fallen = sql`
    update message m set attested_kid = b.kid, attested_at = b.at,
      suspect_at = case when b.kid is null and ${own} then coalesce(m.suspect_at, ${at}) else m.suspect_at end
    from (
      select f.jti, other.kid, other.at from message f left join lateral (
        select a.kid, a.at from message_attestation a where a.issuer = f.issuer and a.jti = f.jti
          and not (a.kid = any(${lost}::text[]) and a.at > ${since}) and not ${inDoubt(issuer, sql`a.kid`, sql`a.at`)}
        order by a.at limit 1) other on true
      where f.issuer = ${issuer} and f.attested_kid = any(${lost}::text[]) and f.attested_at > ${since}) b
    where m.issuer = ${issuer} and m.jti = b.jti
    returning m.kid, m.event, m.originator, m.reference_id, ${isSuspect('m')} as suspect`;
  const marked = sql`
    update message m set suspect_at = ${at}
    where m.issuer = ${issuer} and m.kid = any(${lost}::text[]) and m.received_at > ${since}
      and m.suspect_at is null and m.attested_at is null
    returning m.kid, m.event, m.originator, m.reference_id, true as suspect`;
  const first = await summary(trx, fallen, most);
  const second = await summary(trx, marked, most);
  const counts: Record<string, number> = { ...first.counts };
  for (const [kid, n] of Object.entries(second.counts)) counts[kid] = (counts[kid] ?? 0) + n;
  return { counts, brought: [...first.brought, ...second.brought] };
}

async function summary(trx: Trx, update: RawBuilder<unknown>, most: number): Promise<Marked> {
  const { rows } = await sql<Marked>`
    with u as (${update}), s as (select * from u where suspect)
    select coalesce((select jsonb_object_agg(kid, n) from (select kid, count(*)::int as n from s group by kid) c), '{}') as counts,
      coalesce((select jsonb_agg(b) from (
        select distinct originator, reference_id as id from s
        where event in ('urn:caseref:event:1:submitted', 'urn:caseref:event:1:revised') and reference_id is not null
        limit ${most}) b), '[]') as brought`.execute(trx);
  return rows[0] ?? { counts: {}, brought: [] };
}

export interface Wronged extends Name {
  readonly state: string;
  /** What policy or a person had decided on it; null where it never came. */
  readonly effect: string | null;
  /** Withdrawals of it that stand, what the last of them gave as reason and when they want it erased. */
  readonly standing: number;
  readonly reason: string | null;
  readonly purge_after: Date | null;
}

/**
 * References of a partner that suspect withdrawals sealed or erased, alone or beside others, locked. What an operator erased
 * by order is not among them, nor a tombstone that is doubted already.
 */
export async function wrongedReferences(trx: Trx, issuer: string): Promise<Wronged[]> {
  const { rows } = await sql<Wronged>`
    select r.originator, r.id, r.state, d.effect, v.standing, v.reason, v.purge_after
    from (
      select distinct m.originator, m.reference_id from message m where m.issuer = ${issuer} and m.event = ${WITHDRAWN}
        and m.outcome in ('sealed', 'purged', 'retained') and ${isSuspect('m')}) w
    join reference r on r.originator = w.originator and r.id = w.reference_id and r.direction = 'in'
    left join decision d on d.originator = r.originator and d.id = r.id and d.partner = r.originator and d.direction = 'in'
    cross join lateral (
      select count(*)::int as standing, min(m.purge_after) as purge_after,
        (array_agg(m.reason order by m.received_at desc, m.jti))[1] as reason
      from message m where m.originator = r.originator and m.reference_id = r.id and m.event = ${WITHDRAWN}
        and m.outcome in ('sealed', 'purged', 'retained') and not ${isSuspect('m')}) v
    where ((r.state = 'sealed' and r.veiled_state is null) or (r.state = 'restricted' and r.withdrawn_reason is not null)
        or (r.state = 'purged' and r.doubted_at is null and v.standing = 0))
      and (r.state <> 'purged' or not exists (
        select 1 from event e where e.type = 'reference.erased' and e.originator = r.originator and e.reference_id = r.id))
    order by r.originator, r.id for update of r`.execute(trx);
  return rows;
}

/**
 * Undoes what suspect withdrawals did to references that are still there. Where another withdrawal stands, its own reason and
 * time of erasure count; where none does, the reference is as it was before. What an operator keeps restricted stays so.
 */
export async function undoSeals(trx: Trx, wronged: readonly Wronged[], at: Date): Promise<void> {
  if (wronged.length === 0) return;
  const rows = wronged.map(({ originator, id, effect, standing, reason, purge_after }) => {
    const state = standing > 0 ? 'sealed' : effect === 'hold' ? 'held' : 'open';
    return { originator, id, state, standing, reason, purge_after };
  });
  await sql`
    update reference r set state = case when r.state = 'restricted' then r.state else w.state end,
      sealed_at = case when w.standing > 0 then r.sealed_at end, purge_after = w.purge_after, withdrawn_reason = w.reason,
      updated_at = ${at}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as w (originator text, id uuid, state text, standing int, reason text, purge_after timestamptz)
    where r.originator = w.originator and r.id = w.id`.execute(trx);
}

/**
 * Says of tombstones that only suspect withdrawals made them: the originator may bring these references back. The floor of
 * their revision is the highest that a message brought which stands.
 */
export async function doubtTombstones(trx: Trx, given: readonly Name[], at: Date): Promise<void> {
  if (given.length === 0) return;
  await sql`
    update reference r set doubted_at = ${at}, updated_at = ${at}, revision = coalesce((
      select max(m.revision) from message m
      where m.issuer = r.originator and m.originator = r.originator and m.reference_id = r.id and not ${isSuspect('m')}), 0)
    from ${names(given)} where r.originator = w.originator and r.id = w.id and r.state = 'purged'`.execute(trx);
}

/** A withdrawal that stands speaks of these: their tombstones are in doubt no more. */
export async function firmTombstones(trx: Trx, given: readonly Name[]): Promise<void> {
  if (given.length === 0) return;
  await sql`
    update reference r set doubted_at = null from ${names(given)}
    where r.originator = w.originator and r.id = w.id and r.doubted_at is not null`.execute(trx);
}

/** Makes room on doubted tombstones for what their originator sends again, in the transaction that writes it. */
export async function openTombstones(trx: Trx, given: readonly Name[], at: Date): Promise<void> {
  if (given.length === 0) return;
  await sql`
    update reference r set doubted_at = null, sealed_at = null, withdrawn_reason = null, revision = -1, created_at = ${at}
    from ${names(given)} where r.originator = w.originator and r.id = w.id and r.doubted_at is not null`.execute(trx);
  await lowerDecisions(trx, given);
}

/** What is decided next counts, whatever the number of the revision that was decided on last. */
async function lowerDecisions(trx: Trx, given: readonly Name[]): Promise<void> {
  await sql`
    update decision d set revision = -1 from ${names(given)}
    where d.originator = w.originator and d.id = w.id and d.partner = w.originator and d.direction = 'in'`.execute(trx);
}

/** A revision that nobody doubts, under one that a lost key may have signed. */
export interface Former extends Name {
  readonly state: string;
  readonly created_at: Date;
  readonly wrapped: Buffer;
  readonly revision: number;
  readonly body: Buffer;
}

/** Ids of a partner's references, after one, whose newest revision is suspect and not the first. */
export async function overwrittenAfter(trx: Trx, issuer: string, after: string, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select r.id from message m
    join reference r on r.originator = m.issuer and r.id = m.reference_id and r.direction = 'in' and r.id > ${after}::uuid
    join reference_revision v on v.originator = r.originator and v.id = r.id and v.revision = r.revision and v.jti = m.jti
    where m.issuer = ${issuer} and ${isSuspect('m')} and exists (
      select 1 from reference_revision f where f.originator = r.originator and f.id = r.id and f.revision < r.revision)
    order by r.id limit ${limit}`.execute(trx);
  return rows.map(({ id }) => id);
}

/** The newest revision of each of these references that nobody doubts, with its content, locked. */
export async function lockFormer(trx: Trx, issuer: string, ids: readonly string[]): Promise<Former[]> {
  const { rows } = await sql<Former>`
    select r.originator, r.id, r.state, r.created_at, k.wrapped, f.revision, f.body
    from reference r join reference_key k on k.originator = r.originator and k.id = r.id
    cross join lateral (
      select v.revision, v.body from reference_revision v left join message m on m.issuer = v.originator and m.jti = v.jti
      where v.originator = r.originator and v.id = r.id and not coalesce(${isSuspect('m')}, false)
      order by v.revision desc limit 1) f
    where r.originator = ${issuer} and r.id = any(${[...ids]}::uuid[])
    order by r.id for update of r`.execute(trx);
  return rows;
}

/** Sets the suspect revisions of references aside, in the transaction that puts another one in their place. They are kept. */
export async function setAsideRevisions(trx: Trx, given: readonly Name[]): Promise<void> {
  if (given.length === 0) return;
  await sql`
    with gone as (
      delete from reference_revision v using ${names(given)}, message m
      where v.originator = w.originator and v.id = w.id and m.issuer = v.originator and m.jti = v.jti and ${isSuspect('m')}
      returning v.originator, v.id, v.revision, v.body, v.jti, v.at)
    insert into doubted_revision (originator, id, revision, body, jti, at) select * from gone on conflict do nothing`.execute(
    trx,
  );
  await sql`
    update reference r set revision = -1 from ${names(given)} where r.originator = w.originator and r.id = w.id`.execute(
    trx,
  );
  await lowerDecisions(trx, given);
}

/** Forgets the addresses by which references are found, before those of another content are written. */
export async function dropIndexes(trx: Trx, given: readonly Name[]): Promise<void> {
  if (given.length === 0) return;
  await sql`delete from reference_index i using ${names(given)} where i.originator = w.originator and i.id = w.id`.execute(
    trx,
  );
}

/** Messages of a partner that are suspect and not attested, newest first, and how many there are. */
export async function suspectMessages(db: Database, issuer: string, limit: number) {
  const query = db
    .selectFrom('message')
    .where('issuer', '=', issuer)
    .where('suspect_at', 'is not', null)
    .where('attested_at', 'is', null)
    // What an earlier revision said was overtaken by a later one, which answers for itself.
    .where(
      sql<boolean>`(event not in ('urn:caseref:event:1:submitted', 'urn:caseref:event:1:revised') or exists (
        select 1 from reference r join reference_revision v
          on v.originator = r.originator and v.id = r.id and v.revision = r.revision
        where r.originator = message.originator and r.id = message.reference_id and v.jti = message.jti))`,
    );
  const counted = await query.select((s) => s.fn.countAll<number>().as('n')).executeTakeFirst();
  const rows = await query
    .select(['jti', 'event', 'kid', 'received_at', 'suspect_at', 'originator', 'reference_id'])
    .orderBy('received_at', 'desc')
    .orderBy('jti')
    .limit(limit)
    .execute();
  return { count: Number(counted?.n ?? 0), rows };
}
