import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { workOffReplays } from '../../src/exchange/replay.ts';
import { createReplayServer } from '../../src/exchange/replay-server.ts';
import { retryDelivery } from '../../src/exchange/retry.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { deliveryOf, type LeavingBench, leavingBench, references, voidedNumbers } from '../support/leaving.ts';
import { done } from '../support/own-keys.ts';

// What a partner took and never answered for, a person wants sent again, and the partner itself asks for as well.

let bench: LeavingBench;
beforeAll(async () => {
  bench = await leavingBench();
});
afterAll(() => bench.close());
beforeEach(() => bench.renew());

/** It was taken and is overdue; a person sends it again, in vain; then the partner asks for all of our stream. */
async function askedWhileItWaits(): Promise<string> {
  const { db } = bench.exchange.store;
  const { issuer } = bench.recipient;
  const id = await bench.share();
  await bench.leave();
  await sql`update delivery set state = 'overdue' where partner = ${issuer}`.execute(db);
  done(await retryDelivery(bench.exchange, (await deliveryOf(bench, 'submitted')).id));
  await bench.tryInVain();
  bench.later(11 * 60_000);
  const stream = db.selectFrom('partner_stream').select('epoch').where('partner', '=', issuer);
  const { epoch } = await stream.executeTakeFirstOrThrow();
  const answer = await createReplayServer(bench.exchange).grant({ issuer }, { epoch, from: 1 });
  expect(answer).toMatchObject({ status: 'granted' });
  await workOffReplays(bench.exchange);
  return id;
}

test.each([
  ['a withdrawal', 'withdrawn', (id: string) => withdraw(bench.exchange, id, { reason: 'other', purge: false })],
  ['a policy', 'policy', () => bench.policy({ outcome: 'withhold' })],
] as const)(
  'where %s ends it before it leaves, the partner learns that its number does not come',
  async (_, reason, end) => {
    const id = await askedWhileItWaits();
    await end(id);
    const left = await bench.leave();
    expect(voidedNumbers(left)).toEqual([[1, 1]]);
    expect(left.find(({ event }) => event === 'voided')?.payload.reason).toBe(reason);
    expect(references(left)).toEqual([]);
    expect((await deliveryOf(bench, 'submitted')).priority).toBe(1);
  },
);

test('it leaves once where nothing ends it, and is an ordinary message then', async () => {
  await askedWhileItWaits();
  const left = await bench.leave();
  expect([references(left).length, voidedNumbers(left)]).toEqual([1, []]);
  expect(await deliveryOf(bench, 'submitted')).toMatchObject({ state: 'sent', priority: 1 });
});
