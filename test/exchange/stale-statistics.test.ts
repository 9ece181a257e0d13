import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { findHits } from '../../src/store/duplicates.ts';
import type { Trx } from '../../src/store/open.ts';
import { storeSigned } from '../../src/store/outbox.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { freshDatabase } from '../support/postgres.ts';
import { operational, self, sender, now as start } from '../support/tokens.ts';

// An import fills a store within minutes, and PostgreSQL plans by what it counted before. What is asked for each batch must not
// read all that there is meanwhile, whatever is believed of the tables.

const COUNTED = 400;
const ALL = 3000;
const BATCH = 30;
const at = new Date(start * 1000);

let node: TestExchange;
let database: Awaited<ReturnType<typeof freshDatabase>>;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  node = await testExchange({ issuer: self, store: { kind: 'postgres', url: database.url, schema: 'caseref' } });
  const { db } = node.exchange.store;
  await befriend(node.exchange, sender, {}, operational);
  const tables = ['reference', 'reference_index', 'delivery'];
  for (const table of tables) await sql`alter table ${sql.table(table)} set (autovacuum_enabled = false)`.execute(db);
  await fill(1, COUNTED);
  await sql`analyze reference, reference_index, delivery`.execute(db);
  await fill(COUNTED + 1, ALL);
});
afterAll(async () => {
  await node.close();
  await database.drop();
});

const id = (n: unknown) => sql`(lpad(to_hex(${n}), 8, '0') || '-0000-4000-8000-000000000000')::uuid`;
const idOf = (n: number) => `${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
/** The blind index of a host: fifteen references each. */
const macOf = (n: number) => Buffer.from((n % (ALL / 15)).toString(16).padStart(64, '0'), 'hex');

/** All of the first fill are signed, so that few seem to be unsigned; of the second, none. */
async function fill(first: number, last: number): Promise<void> {
  const { db } = node.exchange.store;
  const all = sql`generate_series(${first}::int, ${last}::int) as g (n)`;
  const n = sql.ref('n');
  await sql`insert into reference (originator, id, position, direction, state, revision, category, urgency, tlp, jurisdictions,
      created_at, updated_at)
    select ${self}, ${id(n)}, n, 'out', 'open', 1, 'csam', 'routine', 'AMBER', '{DE}', ${at}, ${at} from ${all}`.execute(
    db,
  );
  await sql`insert into reference_index (mac, name, originator, id, position)
    select decode(lpad(to_hex(n % ${ALL / 15}::int), 64, '0'), 'hex'), 'K3', ${self}, ${id(n)}, n from ${all}`.execute(
    db,
  );
  await sql`insert into delivery (id, position, partner, jti, event, originator, reference_id, revision, state, digest, next_at,
      created_at)
    select ${id(n)}, n, ${sender}, 'j' || n, 'submitted', ${self}, ${id(n)}, 1, 'queued',
      case when n <= ${COUNTED}::int then 'S256:' || n end, ${at}, ${at} from ${all}`.execute(db);
}

/** How many rows of a table it saw, in whichever way they were found. */
async function rowsRead(table: string, run: (trx: Trx) => Promise<void>): Promise<number> {
  const seen = async (trx: Trx) => {
    const { rows } = await sql<{ n: number }>`
      select (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as n from pg_stat_xact_user_tables
      where relname = ${table}`.execute(trx);
    return rows[0]?.n ?? 0;
  };
  return inTransaction(node.exchange.store.db, async (trx) => {
    const before = await seen(trx);
    await run(trx);
    return (await seen(trx)) - before;
  });
}

test('what is known of some addresses is found without reading all references', async () => {
  const hosts = Array.from({ length: BATCH }, (_, n) => macOf(n));
  const addresses = Array.from({ length: BATCH }, (_, n) => Buffer.alloc(32, n + 1));
  const read = await rowsRead('reference', async (trx) => {
    const hits = await findHits(trx, { addresses, hosts }, { eachAddress: 200, eachHost: 3 });
    expect(hits).toHaveLength(3 * BATCH);
    expect(hits[0]?.among).toBe(15);
  });
  expect(read).toBeLessThanOrEqual(15 * BATCH);
});

test('what was signed is stored without reading all that waits', async () => {
  const signed = Array.from({ length: BATCH }, (_, n) => {
    return { id: idOf(COUNTED + 1 + n), body: Buffer.from('bytes'), plain: null, digest: `S256:new${n}`, kid: 'k' };
  });
  const read = await rowsRead('delivery', async (trx) => {
    expect((await storeSigned(trx, signed, 1)).size).toBe(BATCH);
    expect((await storeSigned(trx, signed, 1)).size).toBe(0);
  });
  expect(read).toBeLessThanOrEqual(4 * BATCH);
});
