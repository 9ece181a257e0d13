import { sql } from 'kysely';
import type { CaseReference, Issuer } from '../../src/domain/contract.types.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { indexRows, macsOf, ownerOf, referenceRow, revisionRow } from '../../src/exchange/record.ts';
import { reservePositions } from '../../src/store/feed.ts';
import { emptyRows, referenceInserts } from '../../src/store/references.ts';
import { insertAll, type NewRow } from '../../src/store/rows.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { matchKeys } from '../../src/wire/match.ts';

/** A reference as if it had been stored long ago; `from` is its originator, absent for our own. */
export interface StoredPast {
  readonly reference: CaseReference;
  readonly from?: Issuer;
  /** The partner that a message about it left for. */
  readonly sentTo?: Issuer;
  readonly state?: string;
}

const BATCH = 1000;

/** Stores references in bulk, without deciding on them; gives their ids in the same order. */
export async function storePast(exchange: Exchange, past: readonly StoredPast[], at?: Date): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < past.length; from += BATCH) {
    ids.push(...(await storeBatch(exchange, past.slice(from, from + BATCH), at ?? new Date(exchange.clock()))));
  }
  return ids;
}

async function storeBatch(exchange: Exchange, batch: readonly StoredPast[], at: Date): Promise<string[]> {
  const { vault } = exchange;
  const rows = emptyRows();
  const deliveries: NewRow[] = [];
  return inTransaction(exchange.store.db, async (trx) => {
    let position = await reservePositions(trx, batch.length * 2);
    const ids = batch.map(({ reference, from, sentTo, state = 'open' }) => {
      const name = { originator: from ?? exchange.self, id: exchange.chance.uuid() };
      const { key, wrapped } = vault.newDataKey(ownerOf(name));
      const direction = from === undefined ? 'out' : 'in';
      rows.references.push(
        referenceRow(name, reference, { position: position++, direction, state, at, ceilingDays: undefined }),
      );
      rows.keys.push({ ...name, wrapped });
      rows.revisions.push(revisionRow(vault, key, name, reference, { jti: null, at }));
      rows.indexes.push(...indexRows(name, macsOf(vault, matchKeys(reference.url))));
      if (sentTo !== undefined)
        deliveries.push(sentRow(exchange, { ...name, partner: sentTo, position: position++, at }));
      return name.id;
    });
    await insertAll(trx, [...referenceInserts(rows), { table: 'delivery', rows: deliveries }]);
    return ids;
  });
}

function sentRow(
  { chance }: Exchange,
  {
    originator,
    id,
    partner,
    position,
    at,
  }: { originator: string; id: string; partner: string; position: number; at: Date },
): NewRow {
  return {
    id: chance.uuid(),
    position,
    partner,
    jti: chance.jti(),
    event: 'submitted',
    originator,
    reference_id: id,
    revision: 1,
    priority: 1,
    state: 'receipted',
    attempts: 1,
    next_at: at,
    created_at: at,
    sent_at: at,
    settled_at: at,
    outcome: 'accepted',
  };
}

/** What every table holds, so that a write anywhere shows. */
export async function wholeStore({ store: { db } }: Exchange): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = 'public' order by 1`.execute(db);
  const tables = await Promise.all(
    rows.map(async ({ name }) => {
      const found = await sql<{ digest: string | null }>`
        select md5(string_agg(t::text, ',' order by t::text)) as digest from ${sql.table(name)} t`.execute(db);
      return `${name} ${found.rows[0]?.digest}`;
    }),
  );
  return tables.join('\n');
}
