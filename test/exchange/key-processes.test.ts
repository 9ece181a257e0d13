import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { followKeyPlan } from '../../src/exchange/key-plan.ts';
import { publishKeys } from '../../src/exchange/publish.ts';
import { revokeKey } from '../../src/exchange/revoke-key.ts';
import { rotateKeys } from '../../src/exchange/rotate.ts';
import { activeKey, done, eventsOf, HOUR, type KeyBench, keyBench } from '../support/own-keys.ts';
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
