import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { followKeyPlan } from '../../src/exchange/key-plan.ts';
import { publishKeys } from '../../src/exchange/publish.ts';
import { revokeKey } from '../../src/exchange/revoke-key.ts';
import { rotateKeys } from '../../src/exchange/rotate.ts';
import { activeKey, claimsOf, done, eventsOf, HOUR, type KeyBench, keyBench } from '../support/own-keys.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

// On a real PostgreSQL, because the embedded store has one connection and one process.

let database: FreshDatabase;
let bench: KeyBench;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  bench = await keyBench({ kind: 'postgres', url: database.url, schema: 'caseref' });
});
afterAll(async () => {
  await bench.close();
  await database.drop();
});
beforeEach(() => bench.renew());

describe('two processes of one node', () => {
  test('one makes a key and the other carries the plan out', async () => {
    const { kid } = done(await rotateKeys(await bench.second(), {}));
    bench.now += 3 * HOUR;
    await followKeyPlan(bench.exchange);
    expect(bench.exchange.keys.signer()?.kid).toBe(kid);
  });

  test('both look at the same plan, and it is carried out once', async () => {
    const neighbour = await bench.second();
    done(await rotateKeys(bench.exchange, {}));
    bench.now += 3 * HOUR;
    await Promise.all([followKeyPlan(bench.exchange), followKeyPlan(neighbour)]);
    expect(await eventsOf(bench.exchange, 'keys.activated')).toHaveLength(1);
    bench.now += HOUR;
    await Promise.all([followKeyPlan(bench.exchange), followKeyPlan(neighbour)]);
    expect(await eventsOf(bench.exchange, 'keys.retired')).toHaveLength(1);
    expect(neighbour.keys.signer()?.kid).toBe(bench.exchange.keys.signer()?.kid);
  });

  test('both begin a rotation, and one of them is refused', async () => {
    const begun = await Promise.all([rotateKeys(bench.exchange, {}), rotateKeys(await bench.second(), {})]);
    expect(begun.filter((one) => isRefusal(one))).toHaveLength(1);
    expect(bench.exchange.keys.publicKeys().filter(({ state }) => state === 'future')).toHaveLength(1);
  });

  test('both publish, and each key set has a number of its own', async () => {
    const both = await Promise.all([publishKeys(bench.exchange), publishKeys(await bench.second())]);
    expect(new Set(both.map((one) => done(one).seq)).size).toBe(2);
  });

  test('both revoke, and there is one successor', async () => {
    const { kid } = await activeKey(bench.exchange);
    const wish = { kid, reason: 'compromised' };
    const both = await Promise.all([revokeKey(bench.exchange, wish), revokeKey(await bench.second(), wish)]);
    expect(both.filter((one) => isRefusal(one))).toHaveLength(1);
    const signing = bench.exchange.keys.publicKeys().filter(({ use, state }) => use === 'sig' && state === 'active');
    expect(signing).toHaveLength(1);
  });
});

describe('a publication', () => {
  /** As soon as something in this database waits for a lock. */
  async function untilOneWaits(): Promise<void> {
    const { db } = bench.exchange.store;
    for (;;) {
      const { rows } = await sql<{ n: number }>`
        select count(*)::int as n from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()`.execute(db);
      if ((rows[0]?.n ?? 0) > 0) return;
      await pause(20);
    }
  }

  /** Another transaction that locks what it names, in this order, with the publication between the two. */
  async function crossed(first: 'feed_counter' | 'node', second: 'feed_counter' | 'node') {
    const { db } = bench.exchange.store;
    const column = { feed_counter: 'position', node: 'directory_version' } as const;
    const lock = (table: 'feed_counter' | 'node') =>
      sql`update ${sql.table(table)} set ${sql.ref(column[table])} = ${sql.ref(column[table])} + 1`;
    const [held, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const other = db.transaction().execute(async (trx) => {
      await lock(first).execute(trx);
      held.resolve();
      await go.promise;
      await lock(second).execute(trx);
    });
    await held.promise;
    const publishing = publishKeys(bench.exchange);
    await untilOneWaits();
    go.resolve();
    const ended = await other.then(
      () => 'committed',
      (failure: { code?: string }) => failure.code,
    );
    return { ended, published: done(await publishing) };
  }

  test('takes its locks in the order of every change of a partner: the feed, then the node', async () => {
    const { ended, published } = await crossed('feed_counter', 'node');
    expect(ended).toBe('committed');
    expect(await claimsOf(bench.exchange)).toMatchObject({ seq: published.seq });
  });

  test('that the database ended for the sake of another transaction is really published in the end', async () => {
    for (let round = 0; round < 3; round += 1) {
      bench.now += HOUR;
      const { published } = await crossed('node', 'feed_counter');
      expect(await claimsOf(bench.exchange)).toMatchObject({ seq: published.seq });
    }
    const told = await eventsOf(bench.exchange, 'keys.published');
    expect(told.at(-1)).toMatchObject({ seq: bench.now });
  });
});
