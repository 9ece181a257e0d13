import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { storeSigned } from '../../src/store/outbox.ts';
import { ownEpoch } from '../../src/store/recovery.ts';
import { freshJti } from '../support/foreign-partner.ts';
import { sender } from '../support/tokens.ts';
import { type LossBench, lossBench } from './loss-bench.ts';

// What is done once a loss is believed, in one transaction for one partner. On PostgreSQL, where a fresh store costs little; whole
// nodes on both stores lose their state in test/network/restore.test.ts.

const DAY = 86_400_000;
const withoutPayload = { reason: 'sent-in-error', purge: true };

let bench: LossBench;
beforeEach(async () => {
  bench = await lossBench();
});
afterEach(() => bench.close());

test('our numbers begin a new epoch, and the old one is remembered with its number', async () => {
  await bench.share(1);
  const [sent] = await bench.claim();
  const before = await bench.stream();
  await bench.lose();
  const after = await bench.stream();
  expect(after.n).toBe(0);
  expect(after.epoch).not.toBe(before.epoch);
  expect(sent?.epoch).toBe(before.epoch);
  expect(await ownEpoch(bench.db, sender, before.epoch)).toEqual({ n: 1, ended: true });
  expect(await ownEpoch(bench.db, sender, after.epoch)).toEqual({ n: 0, ended: false });
  expect(await ownEpoch(bench.db, sender, crypto.randomUUID())).toBeUndefined();
});

test('state-lost: a person is told at once, and the feed says why', async () => {
  await bench.lose('counter-overtaken');
  expect(await bench.alerts()).toEqual(['state-lost']);
  expect(await bench.events('recovery.begun')).toMatchObject([{ partner: sender, code: 'counter-overtaken' }]);
});

test('references wait, while receipts, withdrawals, voided numbers and the round trip go', async () => {
  const held = await bench.share(2);
  await bench.claim();
  await bench.arrive();
  const waits = await bench.share(3);
  await bench.lose();
  await withdraw(bench.exchange, held, withoutPayload);
  const going = await bench.claim();
  expect(going.map(({ event }) => event).sort()).toEqual(['receipt', 'verify', 'voided', 'withdrawn']);
  await bench.db.updateTable('recovery').set({ resumed_at: new Date() }).execute();
  expect((await bench.claim()).map(({ reference_id }) => reference_id)).toEqual([waits]);
});

test('what was queued and never signed is said under another jti, and a number that has no bytes is voided', async () => {
  await bench.share(4);
  const [claimed] = await bench.claim();
  const before = await bench.stream();
  await bench.lose();
  const rows = await bench.deliveries();
  expect(rows.find(({ id }) => id === claimed?.id)).toMatchObject({ state: 'dropped', last_code: 'state-lost' });
  const [renewed, ...more] = rows.filter(({ event, state }) => event === 'submitted' && state === 'queued');
  expect(more).toEqual([]);
  expect(renewed).toMatchObject({ reference_id: claimed?.reference_id, n: null, epoch: null });
  expect(renewed?.jti).not.toBe(claimed?.jti);
  expect(rows.find(({ event }) => event === 'voided')?.payload).toEqual({
    epoch: before.epoch,
    ranges: [[1, 1]],
    reason: 'dropped',
  });
});

test('whoever is signing at that moment stores nothing under the old jti', async () => {
  await bench.share(5);
  const [claimed] = await bench.claim();
  await bench.lose();
  const signed = { id: claimed?.id ?? '', body: null, plain: 'a.b.c', digest: 'S256:x', kid: 'kid' };
  expect(await storeSigned(bench.db, [signed], 1)).toEqual(new Set());
});

test('what was signed and not sent keeps its bytes, its number and its epoch', async () => {
  await bench.share(6);
  const [claimed] = await bench.claim();
  const signed = { id: claimed?.id ?? '', body: null, plain: 'a.b.c', digest: 'S256:x', kid: 'kid' };
  await storeSigned(bench.db, [signed], 1);
  await bench.lose();
  const rows = await bench.deliveries();
  expect(rows.find(({ id }) => id === claimed?.id)).toMatchObject({ state: 'queued', jti: claimed?.jti, n: 1 });
  expect(rows.filter(({ event }) => event === 'voided')).toEqual([]);
});

test('what waited when state was lost may have left in the lost time: its withdrawal goes to the partner', async () => {
  const id = await bench.share(7);
  await bench.lose();
  expect(await withdraw(bench.exchange, id, withoutPayload)).toMatchObject({
    recipients: [{ partner: sender, state: 'asked' }],
  });
});

test('on the word of the partner alone it happens once a day; the second time is an alert and nothing else', async () => {
  await bench.lose('counter-overtaken');
  const { epoch } = await bench.stream();
  await bench.lose('receipt-unknown');
  expect((await bench.stream()).epoch).toBe(epoch);
  const alert = await bench.db.selectFrom('alert').select('count').where('code', '=', 'state-lost').executeTakeFirst();
  expect(Number(alert?.count)).toBe(2);
  bench.later(DAY);
  await bench.lose('counter-overtaken');
  expect((await bench.stream()).epoch).not.toBe(epoch);
});

test.each(['store-restored', 'operator'] as const)(
  'our own word (%s) counts as often as it is said',
  async (because) => {
    await bench.lose('counter-overtaken');
    const { epoch } = await bench.stream();
    await bench.lose(because);
    expect((await bench.stream()).epoch).not.toBe(epoch);
  },
);

test('a partner that is pending or removed has no line to begin anew', async () => {
  await bench.db.updateTable('partner').set({ state: 'removed' }).execute();
  await bench.lose();
  expect(await bench.recoveries()).toEqual([]);
  expect(await bench.alerts()).toEqual([]);
});

describe('a receipt for a message that this store does not know', () => {
  test('tells that state was lost', async () => {
    await bench.receipt(freshJti());
    await bench.recover();
    expect(await bench.recoveries()).toMatchObject([{ partner: sender, because: 'receipt-unknown' }]);
    expect(await bench.alerts()).toEqual(['receipt-mismatched', 'state-lost']);
  });

  test('that was queued here and never signed tells it as well', async () => {
    await bench.share(11);
    const [queued] = await bench.deliveries();
    await bench.receipt(queued?.jti ?? '', { about: queued?.reference_id ?? '' });
    await bench.recover();
    expect(await bench.recoveries()).toMatchObject([{ because: 'receipt-unknown' }]);
  });

  test('tells it once a day, however many come', async () => {
    for (let count = 0; count < 3; count += 1) await bench.receipt(freshJti());
    await bench.recover();
    await bench.receipt(freshJti());
    await bench.recover();
    expect(await bench.recoveries()).toHaveLength(1);
  });

  test('is no news after the loss was noted, and no alert', async () => {
    await bench.lose();
    const before = await bench.alerts();
    await bench.receipt(freshJti(), { receivedAt: bench.exchange.clock() - DAY });
    await bench.recover();
    expect(await bench.recoveries()).toHaveLength(1);
    expect(await bench.alerts()).toEqual(before);
    expect(await bench.events('receipt.mismatched')).toEqual([]);
  });

  test('of a time that nobody has to remember tells nothing', async () => {
    await bench.receipt(freshJti(), { receivedAt: bench.exchange.clock() - 101 * DAY });
    await bench.recover();
    expect(await bench.recoveries()).toEqual([]);
  });

  test('that went to somebody else tells nothing', async () => {
    const { db } = bench;
    const jti = freshJti();
    await bench.share(8);
    await db
      .insertInto('partner')
      .columns([
        'issuer',
        'state',
        'name',
        'type',
        'jurisdictions',
        'coverage',
        'card',
        'card_iat',
        'identity_kid',
        'identity_jwk',
        'foreign_client',
        'is_local',
        'key_set',
        'key_set_seq',
        'key_set_exp',
        'key_set_at',
        'endpoints',
        'added_at',
        'refresh_failures',
      ])
      .expression((from) =>
        from
          .selectFrom('partner')
          .select((e) => [
            e.val('https://node.other.example').as('issuer'),
            'state',
            'name',
            'type',
            'jurisdictions',
            'coverage',
            'card',
            'card_iat',
            'identity_kid',
            'identity_jwk',
            'foreign_client',
            'is_local',
            'key_set',
            'key_set_seq',
            'key_set_exp',
            'key_set_at',
            'endpoints',
            'added_at',
            'refresh_failures',
          ]),
      )
      .execute();
    const partner = 'https://node.other.example';
    await db.updateTable('delivery').set({ partner, jti, digest: 'S256:x' }).execute();
    await bench.receipt(jti);
    await bench.recover();
    expect(await bench.recoveries()).toEqual([]);
  });

  test('withdrawn-before-loss: one for a withdrawal closes the own reference where our own witness vouches for the loss', async () => {
    const id = await bench.share(9);
    await bench.claim();
    await bench.lose('store-restored');
    await bench.receipt(freshJti(), { outcome: 'purged', about: id, receivedAt: bench.exchange.clock() - DAY });
    await bench.recover();
    expect(await bench.state(id)).toBe('sealed');
    expect(await bench.alerts()).toEqual(['state-lost', 'withdrawn-before-loss']);
    await bench.db.updateTable('recovery').set({ resumed_at: new Date(), opened_at: new Date() }).execute();
    expect((await bench.claim()).filter(({ event, decided }) => event === 'submitted' && decided)).toEqual([]);
  });

  test('closes nothing of ours on the word of the partner alone', async () => {
    const id = await bench.share(10);
    await bench.receipt(freshJti(), { outcome: 'purged', about: id });
    await bench.recover();
    expect(await bench.state(id)).toBe('open');
  });
});
