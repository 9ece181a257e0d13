import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { countDeliveries } from '../../src/store/counts.ts';
import type { Trx } from '../../src/store/open.ts';
import { claimDeliveries, partnersWithWork } from '../../src/store/outbox.ts';
import { hasMore } from '../../src/store/poll.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { freshDatabase } from '../support/postgres.ts';
import { operational, self, sender, now as start } from '../support/tokens.ts';

// A partner that was away for a week: most of what there is waits for it, behind as much again that it had before. What is
// asked again and again must not read a whole table each time, or each message costs as much as all of them.

const WAITING = 14_000;
const DELIVERED = 4000;
const at = new Date(start * 1000);

let node: TestExchange;
let database: Awaited<ReturnType<typeof freshDatabase>>;
let basis: number;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  const store = { kind: 'postgres', url: database.url, schema: 'caseref' } as const;
  node = await testExchange({ issuer: self, store });
  await befriend(node.exchange, sender, {}, operational);
  const { db } = node.exchange.store;
  basis = (await node.exchange.directory.within(db)).version;
  await fill();
});
afterAll(async () => {
  await node.close();
  await database.drop();
});

async function fill(): Promise<void> {
  const { db } = node.exchange.store;
  const all = sql`generate_series(1, ${DELIVERED + WAITING}::int) as g (n)`;
  const id = sql`(lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000000')::uuid`;
  await sql`insert into reference (originator, id, position, direction, state, revision, category, urgency, tlp,
      jurisdictions, created_at, updated_at)
    select ${self}, ${id}, n, 'out', 'open', 1, 'csam', 'routine', 'AMBER', '{DE}', ${at}, ${at} from ${all}`.execute(
    db,
  );
  await sql`insert into decision (originator, id, partner, direction, revision, basis, effect, rule, policy_version, trace,
      decided_at)
    select ${self}, ${id}, ${sender}, 'out', 1, ${basis}, 'send', 'csam', 1, '[]', ${at} from ${all}`.execute(db);
  await sql`insert into delivery (id, position, partner, jti, event, originator, reference_id, revision, state, next_at,
      created_at)
    select ${id}, n, ${sender}, 'j' || n, 'submitted', ${self}, ${id}, 1,
      case when n <= ${DELIVERED} then 'receipted' else 'queued' end, ${at}, ${at} from ${all}`.execute(db);
  await sql`vacuum analyze reference, decision, delivery`.execute(db);
}

/** Runs it in a transaction and tells how many rows it saw by reading whole tables. */
async function wholesale(run: (trx: Trx) => Promise<void>): Promise<number> {
  return inTransaction(node.exchange.store.db, async (trx) => {
    // What this connection did before may not have been written down yet, and then counts here too.
    const before = await seen(trx);
    await run(trx);
    return (await seen(trx)) - before;
  });
}

async function seen(trx: Trx): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select coalesce(sum(seq_tup_read), 0)::int as n from pg_stat_xact_user_tables
    where relname in ('reference', 'decision', 'delivery')`.execute(trx);
  return rows[0]?.n ?? 0;
}

const claimed = (trx: Trx, limit: number) =>
  claimDeliveries(trx, {
    ...{ partner: sender, suspended: false, basis, limit, now: at },
    ...{ lease: crypto.randomUUID(), leaseUntil: new Date(at.getTime() + 30_000) },
  });

test('a claim reads what it claims, in the order in which it waits', async () => {
  const read = await wholesale(async (trx) => {
    const first = await claimed(trx, 64);
    expect(first.map(({ jti }) => jti)).toEqual(Array.from({ length: 64 }, (_, n) => `j${DELIVERED + 1 + n}`));
    expect(first.every(({ decided }) => decided)).toBe(true);
    expect(first.map(({ n }) => n)).toEqual(Array.from({ length: 64 }, (_, n) => n + 1));
  });
  expect(read).toBe(0);
});

test('the look for partners with work does not pass by what was delivered', async () => {
  const read = await wholesale(async (trx) => {
    expect(await partnersWithWork(trx, at)).toEqual([sender]);
  });
  expect(read).toBe(0);
  expect(await partnersWithWork(node.exchange.store.db, new Date(at.getTime() - 1))).toEqual([]);
});

test('whether a partner that polls has more to fetch is seen at what waits', async () => {
  const asked = { partner: sender, suspended: false, lease: crypto.randomUUID() };
  const read = await wholesale(async (trx) => {
    expect(await hasMore(trx, { ...asked, now: at })).toBe(true);
  });
  expect(read).toBe(0);
  const { db } = node.exchange.store;
  expect(await hasMore(db, { ...asked, now: new Date(at.getTime() - 1) })).toBe(false);
  expect(await hasMore(db, { ...asked, suspended: true, now: at })).toBe(false);
});

test('what waits is counted without what was delivered', async () => {
  const { db } = node.exchange.store;
  await sql`update delivery set state = 'receipted' where position > ${DELIVERED + 500}`.execute(db);
  await sql`vacuum analyze delivery`.execute(db);
  const read = await wholesale(async (trx) => {
    const counts = await countDeliveries(trx, ['queued', 'overdue', 'dead']);
    expect(counts.get('queued')).toBe(500);
    expect(counts.get('dead') ?? 0).toBe(0);
  });
  expect(read).toBe(0);
});
