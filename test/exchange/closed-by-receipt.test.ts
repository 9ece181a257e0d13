import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { claim } from '../../src/exchange/deliver.ts';
import { declareRestored, liftClosed, reconcile } from '../../src/exchange/reconcile.ts';
import { decideAgain } from '../../src/exchange/redecide.ts';
import { workOffReplays } from '../../src/exchange/replay.ts';
import { createReplayServer } from '../../src/exchange/replay-server.ts';
import { watch } from '../../src/exchange/watch.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { raise } from '../../src/store/feed.ts';
import { bumpDirectory } from '../../src/store/partners.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { befriend } from '../support/exchange.ts';
import { freshJti, policyFor } from '../support/foreign-partner.ts';
import { sender } from '../support/tokens.ts';
import { type LossBench, lossBench } from './loss-bench.ts';

// A receipt says that we took a reference back in the lost time. It is one partner's word, and what it closes waits for others too.

const DAY = 86_400_000;
const other = 'https://node.other.example';
let bench: LossBench;
beforeEach(async () => {
  bench = await lossBench();
});
afterEach(() => bench.close());

/** A reference that went to the partner before our state was lost, and the instant of the loss. */
async function lostAfterSending(n: number): Promise<{ id: string; at: number }> {
  const id = await bench.share(n);
  await bench.claim();
  bench.later(1000);
  await bench.lose('store-restored');
  return { id, at: bench.exchange.clock() };
}

/** The partner says that we withdrew it, an hour before the loss unless told otherwise. */
async function says(id: string, receivedAt = bench.exchange.clock() - 3_600_000): Promise<string> {
  await bench.receipt(freshJti(), { outcome: 'sealed', about: id, receivedAt });
  await bench.recover();
  return bench.state(id);
}

describe('a receipt for a withdrawal that nobody here knows closes an own reference', () => {
  test('that went to this partner before a loss that our witness vouches for', async () => {
    const { id } = await lostAfterSending(1);
    expect(await says(id)).toBe('sealed');
  });

  test('that waited for it when state was lost, and may have left in the lost time', async () => {
    const id = await bench.share(2);
    bench.later(1000);
    await bench.lose('store-restored');
    expect(await says(id)).toBe('sealed');
  });

  test('up to seven days after everything of that loss was in, and not later', async () => {
    const { id, at } = await lostAfterSending(3);
    await bench.everythingCame();
    bench.later(8 * DAY);
    expect(await says(id, at - DAY)).toBe('open');
  });

  test('when the operator vouches for the loss before it comes', async () => {
    const id = await bench.share(4);
    await bench.claim();
    bench.later(1000);
    await declareRestored(bench.exchange, { issuer: sender });
    expect(await says(id)).toBe('sealed');
  });

  test('that came since the node began without a readable witness, once the operator has said what happened', async () => {
    const id = await bench.share(5);
    await bench.claim();
    bench.later(1000);
    const at = new Date(bench.exchange.clock());
    await inTransaction(bench.db, (trx) => raise(trx, [{ code: 'witness-unusable' }], at));
    expect(await says(id)).toBe('open');
    await declareRestored(bench.exchange, { issuer: sender });
    await bench.recover();
    expect(await bench.state(id)).toBe('sealed');
  });
});

describe('it closes nothing, and is listed,', () => {
  test('where the reference is younger than the loss', async () => {
    await bench.lose('store-restored');
    await bench.everythingCame();
    bench.later(DAY);
    const id = await bench.share(6);
    await bench.claim();
    expect(await says(id, bench.exchange.clock() - 2 * DAY)).toBe('open');
    expect((await reconcile(bench.exchange, sender, { look: true })) as object).toMatchObject({
      unknown: { closed: [], claimed: [id] },
      even: false,
    });
  });

  test('where the reference never went to this partner', async () => {
    await befriend(bench.exchange, other, policyFor(other));
    const id = await bench.share(7);
    await bench.db.deleteFrom('delivery').where('partner', '=', sender).execute();
    bench.later(1000);
    await bench.lose('store-restored');
    expect(await says(id)).toBe('open');
  });

  test('where the message is said to have come after the loss', async () => {
    const { id } = await lostAfterSending(8);
    bench.later(DAY);
    expect(await says(id, bench.exchange.clock())).toBe('open');
  });

  test.each(['suspended', 'pending'] as const)('where the partner is %s', async (state) => {
    const { id } = await lostAfterSending(9);
    await bench.receipt(freshJti(), { outcome: 'sealed', about: id, receivedAt: bench.exchange.clock() - DAY });
    await bench.db.updateTable('partner').set({ state }).where('issuer', '=', sender).execute();
    await bumpDirectory(bench.db);
    await bench.recover();
    expect(await bench.state(id)).toBe('open');
  });

  test('where it was planted before the operator vouched for a loss', async () => {
    const ids = [await bench.share(10), await bench.share(11)];
    for (const id of ids) await bench.receipt(freshJti(), { outcome: 'purged', about: id });
    await bench.recover();
    await declareRestored(bench.exchange, { issuer: sender });
    await bench.recover();
    expect(await Promise.all(ids.map((id) => bench.state(id)))).toEqual(['open', 'open']);
    await liftClosed(bench.exchange, sender);
    const looked = await reconcile(bench.exchange, sender, { look: true });
    expect(looked).toMatchObject({ unknown: { claimed: [] } });
  });
});

describe('what waits for others of a reference that was closed so', () => {
  let id: string;
  const waiting = async () =>
    (await bench.deliveries()).filter(({ reference_id, event }) => reference_id === id && event === 'submitted');
  const statesFor = async (partner: string) => {
    const query = bench.db.selectFrom('delivery').select('state').where('reference_id', '=', id);
    return (await query.where('partner', '=', partner).where('event', '=', 'submitted').execute()).map((d) => d.state);
  };
  const claimFor = async (partner: string) =>
    (await claim(bench.exchange, partner, 100))
      .map(({ delivery }) => delivery)
      .filter(({ reference_id }) => reference_id === id);

  beforeEach(async () => {
    await befriend(bench.exchange, other, policyFor(other));
    id = (await lostAfterSending(12)).id;
    expect(await says(id)).toBe('sealed');
    await bench.everythingCame();
    bench.later(60_000);
  });

  test('is not taken, and does not end', async () => {
    expect(await claimFor(other)).toEqual([]);
    expect(await statesFor(other)).toEqual(['queued']);
  });

  test('goes on when the operator shows it again', async () => {
    await claimFor(other);
    expect(await liftClosed(bench.exchange, sender)).toMatchObject({ lifted: [id] });
    expect(await bench.state(id)).toBe('open');
    bench.later(60_000);
    // First it is decided again under the directory of today.
    expect(await claimFor(other)).toMatchObject([{ decided: false }]);
    expect(await claimFor(other)).toMatchObject([{ reference_id: id, decided: true }]);
  });

  test('ends when the operator finds it right and withdraws it again', async () => {
    const withdrawn = await withdraw(bench.exchange, id, { reason: 'sent-in-error', purge: true });
    expect(withdrawn).toMatchObject({ recipients: expect.arrayContaining([{ partner: other, state: 'cancelled' }]) });
    expect(await statesFor(other)).toEqual(['dropped']);
    expect((await waiting()).filter(({ state }) => state === 'queued')).toEqual([]);
    expect(await liftClosed(bench.exchange, sender)).toMatchObject({ code: 'state-conflict' });
    expect(await bench.state(id)).toBe('sealed');
  });
});

describe('what was signed for the partner itself and never left, of a reference that it had closed', () => {
  let id: string;
  let epoch: string;
  const submitted = () =>
    bench.db
      .selectFrom('delivery')
      .select(['state', 'epoch', 'n', 'last_code'])
      .where('reference_id', '=', id)
      .where('event', '=', 'submitted')
      .executeTakeFirstOrThrow();
  const claimed = async () =>
    (await claim(bench.exchange, sender, 100))
      .map(({ delivery }) => delivery)
      .filter(({ reference_id, event }) => reference_id === id && event === 'submitted');

  beforeEach(async () => {
    id = await bench.share(15);
    const [sent] = await bench.claim();
    const signed = { digest: 'S256:x', plain: 'a.b.c', lease: null, lease_until: null };
    await bench.db
      .updateTable('delivery')
      .set(signed)
      .where('id', '=', sent?.id ?? '')
      .execute();
    ({ epoch } = await bench.stream());
    bench.later(1000);
    await bench.lose('store-restored');
    expect(await says(id)).toBe('sealed');
    await bench.everythingCame();
    expect(await createReplayServer(bench.exchange).grant({ issuer: sender }, { epoch, from: 1 })).toMatchObject({
      grant: { to: 1 },
    });
    await workOffReplays(bench.exchange);
    bench.later(60_000);
  });

  test('waits under its number for the operator, who is told, though the partner asks for it', async () => {
    expect(await claimed()).toEqual([]);
    expect(await submitted()).toMatchObject({ state: 'queued', epoch, n: 1 });
    expect(await bench.alerts()).toContain('withdrawn-before-loss');
  });

  test('goes under that number when the operator shows it again', async () => {
    expect(await liftClosed(bench.exchange, sender)).toMatchObject({ lifted: [id] });
    const [found] = await claimed();
    expect(found).toMatchObject({ epoch, n: 1 });
    expect(await bench.alerts()).not.toContain('withdrawn-before-loss');
  });

  test('is covered, and the partner asked to seal it, when the operator withdraws it again', async () => {
    const withdrawn = await withdraw(bench.exchange, id, { reason: 'sent-in-error', purge: true });
    expect(withdrawn).toMatchObject({ recipients: [{ partner: sender, state: 'asked' }] });
    expect(await submitted()).toMatchObject({ state: 'dropped', last_code: 'withdrawn' });
    const voided = (await bench.deliveries()).filter(({ event }) => event === 'voided');
    expect(voided).toMatchObject([{ payload: { epoch, ranges: [[1, 1]], reason: 'withdrawn' } }]);
    expect(await bench.alerts()).not.toContain('withdrawn-before-loss');
  });
});

test('what the operator shows again ends each alert, and the log has an entry for each', async () => {
  const ids = [await bench.share(16), await bench.share(17)];
  await bench.claim();
  bench.later(1000);
  await bench.lose('store-restored');
  for (const id of ids) expect(await says(id)).toBe('sealed');
  expect(await liftClosed(bench.exchange, sender)).toMatchObject({ lifted: expect.arrayContaining(ids) });
  expect(await bench.alerts()).not.toContain('withdrawn-before-loss');
  const closed = (await bench.events('alert.closed')).filter(({ code }) => code === 'withdrawn-before-loss');
  expect(closed).toHaveLength(2);
});

test('what another process has taken for a partner when the reference is closed waits as well', async () => {
  await befriend(bench.exchange, other, policyFor(other));
  const id = await bench.share(13);
  await bench.claim();
  const [taken] = await claim(bench.exchange, other, 100);
  expect(taken?.delivery).toMatchObject({ reference_id: id, n: 1 });
  bench.later(1000);
  await bench.lose('store-restored');
  expect(await says(id)).toBe('sealed');
  await decideAgain(bench.exchange, other, taken ? [taken.delivery] : [], taken?.lease ?? '');
  const query = bench.db.selectFrom('delivery').select(['state', 'lease', 'n']).where('partner', '=', other);
  expect(await query.where('event', '=', 'submitted').execute()).toEqual([{ state: 'queued', lease: null, n: 1 }]);
  expect(await query.where('event', '=', 'voided').execute()).toEqual([]);
});

test('whoever asks for it again meanwhile is not told that it was withdrawn', async () => {
  const id = await bench.share(14);
  const [sent] = await bench.claim();
  const { epoch } = await bench.stream();
  const at = new Date(bench.exchange.clock());
  const taken = {
    state: 'sent',
    digest: 'S256:x',
    plain: 'a.b.c',
    sent_at: at,
    lease: null,
    lease_until: null,
  } as const;
  await bench.db
    .updateTable('delivery')
    .set(taken)
    .where('id', '=', sent?.id ?? '')
    .execute();
  bench.later(1000);
  await bench.lose('store-restored');
  expect(await says(id)).toBe('sealed');
  const voided = async () => (await bench.deliveries()).filter(({ event }) => event === 'voided');
  expect(await createReplayServer(bench.exchange).grant({ issuer: sender }, { epoch, from: 1 })).toMatchObject({
    grant: { to: 1 },
  });
  await workOffReplays(bench.exchange);
  expect(await voided()).toEqual([]);
  await withdraw(bench.exchange, id, { reason: 'sent-in-error', purge: true });
  bench.later(DAY);
  await createReplayServer(bench.exchange).grant({ issuer: sender }, { epoch, from: 1 });
  await workOffReplays(bench.exchange);
  expect(await voided()).toMatchObject([{ payload: { epoch, ranges: [[1, 1]], reason: 'withdrawn' } }]);
});

test('receipts for unknown messages are forgotten after a hundred days', async () => {
  await bench.lose('store-restored');
  const count = async () => (await bench.db.selectFrom('unknown_receipt').select('jti').execute()).length;
  for (let n = 0; n < 3; n += 1) await bench.receipt(freshJti(), { receivedAt: bench.exchange.clock() - DAY });
  await watch(bench.exchange);
  expect(await count()).toBe(3);
  bench.later(101 * DAY);
  await watch(bench.exchange);
  expect(await count()).toBe(0);
});
