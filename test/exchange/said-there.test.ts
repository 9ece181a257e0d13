import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { befriend } from '../support/exchange.ts';
import { freshJti, policyFor } from '../support/foreign-partner.ts';
import { sender } from '../support/tokens.ts';
import { type LossBench, lossBench } from './loss-bench.ts';

// The store was put back to a state from before a reference was sent. Its partner answers for it, and then it is known who has it:
// what is taken back is taken back there too.

const HOUR = 3_600_000;
const other = 'https://node.other.example';
let bench: LossBench;
beforeEach(async () => {
  bench = await lossBench();
});
afterEach(() => bench.close());

/** An own reference that was sent in the lost time: the store does not know that it was. */
async function forgotten(n: number): Promise<string> {
  const id = await bench.share(n);
  await bench.db.deleteFrom('delivery').where('reference_id', '=', id).execute();
  bench.later(HOUR);
  await bench.lose('store-restored');
  return id;
}

async function says(id: string, given: { outcome?: string; receivedAt?: number } = {}): Promise<void> {
  const receivedAt = bench.exchange.clock() - HOUR / 2;
  await bench.receipt(freshJti(), { outcome: 'held', about: id, receivedAt, ...given });
  await bench.recover();
}

const takeBack = async (id: string) => withdraw(bench.exchange, id, { reason: 'sent-in-error', purge: true });
const asked = async () => (await bench.deliveries()).filter(({ event }) => event === 'withdrawn');

describe('a partner that answers for a reference of which nobody remembers that it was sent', () => {
  test.each(['held', 'accepted'])('is asked to give it up when it is withdrawn later (%s)', async (outcome) => {
    const id = await forgotten(1);
    await says(id, { outcome });
    expect(await takeBack(id)).toMatchObject({ recipients: [{ partner: sender, state: 'asked' }] });
    expect(await asked()).toMatchObject([{ payload: { reason: 'sent-in-error', purge: true } }]);
  });

  test('is asked to give up what was withdrawn before it answered, once', async () => {
    const id = await forgotten(2);
    expect(await takeBack(id)).toMatchObject({ recipients: [] });
    await says(id);
    expect(await asked()).toMatchObject([{ payload: { reason: 'sent-in-error', purge: true } }]);
    await says(id, { outcome: 'accepted' });
    expect(await asked()).toHaveLength(1);
  });

  test('is noted as who has it, without a number and without bytes', async () => {
    const id = await forgotten(3);
    await says(id);
    const [row] = (await bench.deliveries()).filter(({ reference_id }) => reference_id === id);
    expect(row).toMatchObject({
      event: 'submitted',
      state: 'receipted',
      last_code: 'said-there',
      n: null,
    });
  });
});

describe('nothing is learned', () => {
  const learned = async () => (await bench.deliveries()).filter(({ last_code }) => last_code === 'said-there');

  test('of a receipt that speaks of a time after the loss', async () => {
    const id = await forgotten(4);
    bench.later(HOUR);
    await says(id, { receivedAt: bench.exchange.clock() });
    expect(await learned()).toEqual([]);
  });

  test('where nobody but the partner says that state was lost', async () => {
    const id = await bench.share(5);
    await bench.db.deleteFrom('delivery').where('reference_id', '=', id).execute();
    bench.later(HOUR);
    await says(id);
    expect((await bench.recoveries()).map(({ because }) => because)).toEqual(['receipt-unknown']);
    expect(await learned()).toEqual([]);
  });

  test('of a refusal', async () => {
    const id = await forgotten(6);
    await says(id, { outcome: 'refused' });
    expect(await learned()).toEqual([]);
  });

  test('of a reference that the partner is known to have', async () => {
    const id = await bench.share(7);
    await bench.claim();
    bench.later(HOUR);
    await bench.lose('store-restored');
    await says(id);
    expect(await learned()).toEqual([]);
  });

  test('of a reference that somebody else keeps', async () => {
    await befriend(bench.exchange, other, policyFor(other));
    await forgotten(8);
    await says(crypto.randomUUID());
    expect(await learned()).toEqual([]);
  });
});

test('a reference that nobody here remembers cannot be withdrawn, and the refusal says how it can', async () => {
  await forgotten(10);
  expect(await takeBack(crypto.randomUUID())).toMatchObject({
    code: 'not-found',
    next: expect.stringMatching(/Submit it again with its id, then withdraw it.*caseref reconcile/),
  });
});

test('what a partner says to have takes nothing of ours out of our own faces', async () => {
  const id = await forgotten(9);
  await says(id, { outcome: 'accepted' });
  await says(id, { outcome: 'sealed' });
  expect(await bench.state(id)).toBe('open');
});
