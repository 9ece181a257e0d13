import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { attestDue } from '../../src/exchange/attest.ts';
import { retryDelivery } from '../../src/exchange/retry.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import {
  deliveries,
  deliveryOf,
  type LeavingBench,
  leavingBench,
  references,
  voidedNumbers,
} from '../support/leaving.ts';

// Policy stops a message that the partner has, or may have: then stopping is not enough, it is asked to give it up. And
// what it certainly has stays on record as that.

let bench: LeavingBench;

beforeAll(async () => {
  bench = await leavingBench();
});
afterAll(() => bench.close());
beforeEach(() => bench.renew());

const asks = [{ event: 'withdrawn', payload: { reason: 'superseded', purge: true } }];
const withdrawals = (pushed: Awaited<ReturnType<LeavingBench['leave']>>) =>
  pushed.filter(({ event }) => event === 'withdrawn');

/** A reference that the partner took, and its delivery. */
async function taken() {
  await bench.policy();
  const id = await bench.share();
  expect(references(await bench.leave())).toHaveLength(1);
  return { id, delivery: (await deliveryOf(bench, 'submitted')).id };
}

/** Whoever sent it died before the answer came: its lease ends, and whoever comes next finds signed bytes and no answer. */
async function dieWhileSending(): Promise<() => Promise<void>> {
  const answer = await bench.leaveUnanswered();
  await bench.exchange.store.db.updateTable('delivery').set({ lease: null, lease_until: null }).execute();
  return answer;
}

describe('what policy withholds by now', () => {
  test('is recalled where the answer to the first attempt was lost', async () => {
    await bench.policy();
    await bench.share();
    expect(references(await bench.tryInVain())).toHaveLength(1);
    await bench.policy({ outcome: 'withhold' });
    const left = await bench.leave();
    expect(references(left)).toEqual([]);
    expect(withdrawals(left)).toMatchObject(asks);
    expect(voidedNumbers(left)).toEqual([[1, 1]]);
  });

  test('is recalled where whoever sent it died before the answer came', async () => {
    await bench.policy();
    await bench.share();
    const end = await dieWhileSending();
    await bench.policy({ outcome: 'withhold' });
    await end();
    expect(withdrawals(bench.recipient.pushed)).toMatchObject(asks);
    expect(references(bench.recipient.pushed)).toHaveLength(1);
  });

  test('is recalled where the partner took it, when somebody wants it sent once more', async () => {
    const { delivery } = await taken();
    await bench.policy({ outcome: 'withhold' });
    await retryDelivery(bench.exchange, delivery);
    const left = await bench.leave();
    expect(references(left)).toEqual([]);
    expect(withdrawals(left)).toMatchObject(asks);
  });

  test('stays on record as sent, and its number is not covered, when somebody wants it sent once more', async () => {
    const { delivery } = await taken();
    const before = await deliveryOf(bench, 'submitted');
    await bench.policy({ outcome: 'withhold' });
    await retryDelivery(bench.exchange, delivery);
    expect(voidedNumbers(await bench.leave())).toEqual([]);
    const { state, n, sent_at, digest } = before;
    expect(await deliveryOf(bench, 'submitted')).toMatchObject({ state, n, sent_at, digest });
  });

  test('does not leave once more though it was said again under another key', async () => {
    const { delivery } = await taken();
    const lost = await bench.revoke();
    await attestDue(bench.exchange);
    expect((await deliveryOf(bench, 'submitted')).kid).not.toBe(lost);
    await bench.policy({ outcome: 'withhold' });
    await retryDelivery(bench.exchange, delivery);
    const left = await bench.leave();
    expect(references(left)).toEqual([]);
    expect(withdrawals(left)).toMatchObject(asks);
    expect((await deliveryOf(bench, 'submitted')).state).toBe('sent');
  });

  test('is not recalled where it never left', async () => {
    await bench.policy();
    await bench.share();
    await bench.policy({ outcome: 'withhold' });
    expect(await bench.leave()).toEqual([]);
    expect((await deliveries(bench)).map(({ event, state }) => [event, state])).toEqual([['submitted', 'dropped']]);
  });
});

test('what the policy still sends leaves once more with the same bytes, when somebody wants it', async () => {
  const { delivery } = await taken();
  const [first] = bench.recipient.pushed;
  expect(await retryDelivery(bench.exchange, delivery)).toMatchObject({ state: 'queued' });
  expect((await bench.leave()).map(({ compact }) => compact)).toEqual([first?.compact]);
});

test('what waits to be sent once more is on record as sent when its reference is withdrawn', async () => {
  const { id, delivery } = await taken();
  await retryDelivery(bench.exchange, delivery);
  await withdraw(bench.exchange, id, { reason: 'sent-in-error', purge: true });
  const left = await bench.leave();
  expect(left.map(({ event }) => event)).toEqual(['withdrawn']);
  expect((await deliveryOf(bench, 'submitted')).state).toBe('sent');
});
