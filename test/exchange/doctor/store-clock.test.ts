import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { isRefusal, type Refusal } from '../../../src/domain/refusal.ts';
import { examineStore } from '../../../src/exchange/doctor/store.ts';
import type { Store } from '../../../src/store/open.ts';
import { openReadyStore } from '../../../src/store/ready.ts';
import { type FreshDatabase, freshDatabase } from '../../support/postgres.ts';

// A machine that believes in another hour than the database server of the node.

const HOUR = 3_600_000;

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
});
afterAll(() => database.drop());

const settings = () => ({ kind: 'postgres', url: database.url, schema: 'caseref', connections: 1 }) as const;

async function opened(aheadMs: number): Promise<Store | Refusal> {
  const store = await openReadyStore(settings(), () => Date.now() + aheadMs);
  if (!isRefusal(store)) await store.close();
  return store;
}

test.each([
  [2 * HOUR, '120 minutes ahead of'],
  [-26 * HOUR, '1560 minutes behind'],
])('does not open the store where it is %i ms off', async (aheadMs, said) => {
  expect(await opened(aheadMs)).toMatchObject({ code: 'state-conflict', message: expect.stringContaining(said) });
});

test('opens it within the hour, and the examination tells', async () => {
  for (const minutes of [-50, 0, 50]) expect(isRefusal(await opened(minutes * 60_000))).toBe(false);
  const store = await openReadyStore(settings());
  if (isRefusal(store)) throw new Error(store.message);
  const told = async (aheadMs: number) =>
    (await examineStore(store, () => Date.now() + aheadMs)).filter(({ code }) => code === 'store-clock-differs');
  expect([await told(0), await told(90_000)]).toMatchObject([[], [{ level: 'bad' }]]);
  await store.close();
});
