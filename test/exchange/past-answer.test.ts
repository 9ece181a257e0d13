import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { decideHeldReferences } from '../../src/exchange/decide-held.ts';
import { findOverdue } from '../../src/exchange/overdue.ts';
import { workOffReplays } from '../../src/exchange/replay.ts';
import { createReplayServer } from '../../src/exchange/replay-server.ts';
import { retryDelivery } from '../../src/exchange/retry.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { outstandingTo } from '../../src/store/reconcile.ts';
import { deliveries, type LeavingBench, leavingBench } from '../support/leaving.ts';
import { DAY } from '../support/own-keys.ts';

// What a partner took, lost before it answered, and is not sent again: its receipt can never come.

let bench: LeavingBench;
beforeAll(async () => {
  bench = await leavingBench();
});
afterAll(() => bench.close());
beforeEach(() => bench.renew());

const db = () => bench.exchange.store.db;
const takeBack = (id: string) => withdraw(bench.exchange, id, { reason: 'sent-in-error', purge: true });

/** The partner lost everything and asks for it; gives why numbers of it were voided. */
async function replay(): Promise<unknown[]> {
  bench.later(11 * 60_000);
  const { issuer } = bench.recipient;
  const stream = db().selectFrom('partner_stream').select('epoch').where('partner', '=', issuer);
  const { epoch } = await stream.executeTakeFirstOrThrow();
  const granted = await createReplayServer(bench.exchange).grant({ issuer }, { epoch, from: 1 });
  expect(granted).toMatchObject({ status: 'granted' });
  await workOffReplays(bench.exchange);
  const left = await bench.leave();
  return left.filter(({ event }) => event === 'voided').map(({ payload }) => payload.reason);
}

/** How everything stands when a day has passed without a receipt. */
async function dayAfter(): Promise<unknown[]> {
  bench.later(DAY * 1000 + 60_000);
  await findOverdue(bench.exchange);
  return (await deliveries(bench)).filter(({ event }) => event !== 'voided').map(({ event, state }) => [event, state]);
}

const unanswered = async () =>
  (await outstandingTo(db(), bench.recipient.issuer)).map(({ state, count }) => [state, count]);

test('is not waited for once its reference was taken back and its number voided; the withdrawal is', async () => {
  const id = await bench.share();
  await bench.leave();
  await takeBack(id);
  expect(await unanswered()).toEqual([
    ['queued', 1],
    ['sent', 1],
  ]);
  expect(await replay()).toEqual(['withdrawn']);
  expect(await dayAfter()).toEqual([
    ['submitted', 'sent'],
    ['withdrawn', 'overdue'],
  ]);
  expect(await unanswered()).toEqual([['overdue', 1]]);
});

test('is overdue no more where it was before', async () => {
  const id = await bench.share();
  await bench.leave();
  expect(await dayAfter()).toEqual([['submitted', 'overdue']]);
  await takeBack(id);
  await bench.leave();
  expect(await dayAfter()).toContainEqual(['submitted', 'overdue']);
  expect(await replay()).toEqual(['withdrawn']);
  expect(await dayAfter()).toContainEqual(['submitted', 'sent']);
});

test('is overdue while its reference is open and a person has not decided, and not once another stands in its place', async () => {
  await bench.share();
  await bench.leave();
  await bench.policy({ outcome: 'hold' });
  expect(await replay()).toEqual(['policy']);
  expect(await dayAfter()).toEqual([['submitted', 'overdue']]);
  await decideHeldReferences(
    bench.exchange,
    { partner: bench.recipient.issuer, direction: 'out' },
    'send',
    'the tests',
  );
  await bench.leave();
  expect(await dayAfter()).toEqual([
    ['submitted', 'sent'],
    ['revised', 'overdue'],
  ]);
});

test('is not waited for where a revision says everything, however often it is tried once more', async () => {
  const id = await bench.share();
  await bench.leave();
  await bench.revise(id, { features: ['possible-new-victim'] });
  await bench.leave();
  expect(await dayAfter()).toEqual([
    ['submitted', 'overdue'],
    ['revised', 'overdue'],
  ]);
  expect(await replay()).toEqual(['dropped']);
  expect(await dayAfter()).toContainEqual(['submitted', 'sent']);
  const [first] = await deliveries(bench);
  await retryDelivery(bench.exchange, first?.id ?? '');
  expect((await bench.leave()).map(({ event }) => event)).not.toContain('submitted');
  expect(await dayAfter()).toContainEqual(['submitted', 'sent']);
});

test('is waited for again where it is sent after all', async () => {
  await bench.share();
  await bench.leave();
  await bench.policy({ outcome: 'hold' });
  expect(await replay()).toEqual(['policy']);
  await bench.policy();
  const [first] = await deliveries(bench);
  await retryDelivery(bench.exchange, first?.id ?? '');
  expect((await bench.leave()).map(({ event }) => event)).toEqual(['submitted']);
  await takeBack(first?.reference_id ?? '');
  expect(await dayAfter()).toContainEqual(['submitted', 'overdue']);
});
