import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isoInstant } from '../../src/domain/instant.ts';
import { declareRestored, liftClosed, openPartner, reconcile, resumeSending } from '../../src/exchange/reconcile.ts';
import { suspendPartners as suspend } from '../../src/exchange/suspend.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { storeSigned } from '../../src/store/outbox.ts';
import { freshJti } from '../support/foreign-partner.ts';
import { sender } from '../support/tokens.ts';
import { type LossBench, lossBench } from './loss-bench.ts';

// What an operator sees and repairs with `caseref reconcile`.

const HOUR = 3_600_000;
let bench: LossBench;
beforeEach(async () => {
  bench = await lossBench();
});
afterEach(() => bench.close());

async function seen(options?: { look: boolean }) {
  const found = await reconcile(bench.exchange, sender, options);
  if ('refused' in found) throw new Error(found.message);
  return found;
}

/** Something that the partner took and never answered for. */
async function unanswered(n: number): Promise<string> {
  const id = await bench.share(n);
  const [claimed] = (await bench.claim()).filter(({ reference_id }) => reference_id === id);
  const signed = { id: claimed?.id ?? '', body: null, plain: 'a.b.c', digest: `S256:${n}`, kid: 'kid' };
  await storeSigned(bench.db, [signed], 1);
  await bench.db
    .updateTable('delivery')
    .set({ state: 'sent', sent_at: new Date(bench.exchange.clock()), lease: null, lease_until: null })
    .where('id', '=', signed.id)
    .execute();
  return signed.id;
}

const stateOf = async (id: string) => (await bench.deliveries()).find((one) => one.id === id)?.state;

describe('reconcile', () => {
  test('says of a partner with which nothing differs that nothing does', async () => {
    expect(await seen({ look: true })).toMatchObject({ even: true, tasks: [], veiled: 0 });
  });

  test('counts what the partner did not answer for, and sends it once more with the same bytes', async () => {
    const id = await unanswered(1);
    bench.later(HOUR);
    const looked = await seen({ look: true });
    expect(looked.ours.unanswered).toMatchObject([{ state: 'sent', count: 1 }]);
    expect(looked).not.toHaveProperty('repairs');
    expect(await stateOf(id)).toBe('sent');
    expect((await seen()).repairs).toMatchObject({ roundTrip: { begun: true }, sentAgain: 1, replays: 0 });
    expect(await stateOf(id)).toBe('queued');
    const row = await bench.db.selectFrom('delivery').select('plain').where('id', '=', id).executeTakeFirst();
    expect(row).toEqual({ plain: 'a.b.c' });
  });

  test('leaves alone what was sent a moment ago', async () => {
    const id = await unanswered(2);
    expect((await seen()).repairs).toMatchObject({ sentAgain: 0 });
    expect(await stateOf(id)).toBe('sent');
  });

  test('asks for the numbers that are missing', async () => {
    await bench.arrive();
    const found_at = new Date(bench.exchange.clock());
    const gap = {
      partner: sender,
      epoch: bench.theirs,
      first: 2,
      last: 4,
      found_at,
      looked_at: null,
      closed_at: null,
      why: null,
    };
    await bench.db.insertInto('gap').values(gap).execute();
    const found = await seen();
    expect(found.theirs.missing).toMatchObject([{ epoch: bench.theirs, first: 2, last: 4 }]);
    expect(found.repairs).toMatchObject({ replays: 1 });
    expect((await seen({ look: true })).theirs.replays).toMatchObject([{ from: 2, state: 'wanted' }]);
  });

  test('numbers that are not in are a difference before anybody finds them missing, and not once they are said never to come', async () => {
    await bench.arrive();
    await bench.db.updateTable('incoming_stream').set({ highest: 4 }).where('epoch', '=', bench.theirs).execute();
    const looked = await seen({ look: true });
    expect(looked.theirs).toMatchObject({ streams: [{ highest: 4, open: 3 }], missing: [] });
    expect(looked.even).toBe(false);
    const run = { partner: sender, epoch: bench.theirs, first: 2, last: 9, jti: freshJti(), at: new Date() };
    await bench.db.insertInto('voided_run').values(run).execute();
    expect((await seen({ look: true })).theirs.streams).toMatchObject([{ open: 0 }]);
  });

  test('begins one round trip, however often it is asked, and says since when it waits', async () => {
    const since = (await seen()).repairs?.roundTrip.since;
    bench.later(HOUR / 2);
    expect((await seen()).repairs?.roundTrip).toEqual({ begun: false, since });
    const rows = await bench.deliveries();
    expect(rows.filter(({ event }) => event === 'verify')).toHaveLength(1);
  });

  test('is of that moment only where the partner answered a round trip within minutes', async () => {
    expect(await seen({ look: true })).not.toHaveProperty('asOf');
    await seen();
    const at = new Date(bench.exchange.clock());
    const answer = { state: 'receipted', outcome: 'accepted', settled_at: at } as const;
    await bench.db.updateTable('delivery').set(answer).where('event', '=', 'verify').execute();
    expect(await seen({ look: true })).toMatchObject({ even: true, asOf: isoInstant(at.getTime()) });
    bench.later(HOUR);
    expect(await seen({ look: true })).not.toHaveProperty('asOf');
  });

  test('names a node that does not run: nothing leaves, whatever was begun', async () => {
    const found = await reconcile(bench.exchange, sender, { running: false });
    expect(found).toMatchObject({ even: false, tasks: [{ urgent: true, next: 'caseref serve' }] });
  });

  test.each([
    ['invalid_issuer', 'does not know this node'],
    ['access_denied', 'has not confirmed this node yet, or has suspended it'],
  ])('a partner that answers %s is for its operator to mend', async (code, meaning) => {
    await seen();
    await bench.db.updateTable('delivery').set({ last_code: code }).where('event', '=', 'verify').execute();
    const { even, tasks } = await seen({ look: true });
    expect(even).toBe(false);
    expect(tasks).toMatchObject([{ urgent: true, message: expect.stringContaining(meaning) }]);
    expect(tasks[0]?.next).toContain(`caseref partner show ${bench.exchange.self}`);
  });

  test('a recovery whose round trip was given up goes on from another one', async () => {
    await bench.arrive();
    await bench.lose();
    await bench.db
      .updateTable('delivery')
      .set({ state: 'dead', last_code: 'expired' })
      .where('event', '=', 'verify')
      .execute();
    await seen();
    await bench.db
      .updateTable('delivery')
      .set({ outcome: 'accepted' })
      .where('event', '=', 'verify')
      .where('state', '=', 'queued')
      .execute();
    await bench.recover();
    expect(await bench.db.selectFrom('replay_request').select('state').execute()).toEqual([{ state: 'wanted' }]);
  });

  test('names withdrawals that did not take effect', async () => {
    const id = await bench.share(3);
    await bench.claim();
    await withdraw(bench.exchange, id, { reason: 'sent-in-error', purge: true });
    await bench.db
      .updateTable('delivery')
      .set({ state: 'receipted', outcome: 'refused' })
      .where('event', '=', 'withdrawn')
      .execute();
    const found = await seen({ look: true });
    expect(found.ours).toMatchObject({ withdrawalsUnsettled: 1, withdrawals: [{ id, outcome: 'refused' }] });
    expect(found.tasks).toMatchObject([{ urgent: true }]);
  });

  test('lists receipts for messages that this store does not know, with the references that they name', async () => {
    const id = crypto.randomUUID();
    await bench.receipt(freshJti(), { about: id });
    const { unknown, tasks } = await seen({ look: true });
    expect(unknown).toMatchObject({ receipts: 1, strange: [{ id, outcome: 'accepted' }] });
    expect(tasks.map(({ message }) => message)).toEqual([expect.stringContaining('does not know')]);
  });

  test('says of a partner that cannot be asked that it is waited for, and how a person goes on without it', async () => {
    await bench.onlyPolls();
    await bench.arrive();
    await bench.lose();
    const { recovery, tasks, veiled } = await seen({ look: true });
    expect(recovery).toMatchObject({ because: 'store-restored', sending: 'stopped', references: 'veiled' });
    expect(recovery?.waitsFor).toEqual([
      'the answer to a round trip',
      expect.stringContaining('waited for and not asked'),
    ]);
    expect(veiled).toBe(1);
    expect(tasks).toMatchObject([
      { urgent: true, message: expect.stringContaining('cannot be asked'), next: expect.stringContaining('--open') },
    ]);
  });

  test('repairs nothing with a partner that is suspended', async () => {
    await suspend(bench.exchange, { issuer: sender, reason: 'examined' });
    const found = await seen();
    expect(found).not.toHaveProperty('repairs');
    expect(found.tasks).toMatchObject([{ message: expect.stringContaining('suspended') }]);
  });

  test('partner-unknown: an organisation that is no partner is refused', async () => {
    expect(await reconcile(bench.exchange, 'https://nobody.example')).toMatchObject({ code: 'partner-unknown' });
  });
});

describe('by the word of the operator', () => {
  test('the store was put back: for one partner, and for all', async () => {
    expect(await declareRestored(bench.exchange, { issuer: sender })).toEqual({ partners: [sender] });
    expect(await declareRestored(bench.exchange, { all: true })).toEqual({ partners: [sender] });
    expect(await bench.recoveries()).toMatchObject([{ because: 'operator' }, { because: 'operator' }]);
  });

  test('references show again and go again, each by itself, and with the last of them the alert is closed', async () => {
    const id = await bench.arrive();
    await bench.lose();
    expect(await openPartner(bench.exchange, sender)).toEqual({ partner: sender, opened: 1 });
    expect(await bench.state(id)).toBe('open');
    expect(await bench.alerts()).toEqual(['state-lost']);
    expect(await resumeSending(bench.exchange, sender)).toEqual({ partner: sender, resumed: true });
    expect(await bench.alerts()).toEqual([]);
  });

  test('what the partner says that we withdrew shows again, and its alert is closed', async () => {
    const id = await bench.share(4);
    await bench.lose();
    await bench.receipt(freshJti(), { outcome: 'purged', about: id, receivedAt: bench.exchange.clock() - HOUR });
    await bench.recover();
    expect((await seen({ look: true })).unknown).toMatchObject({ closed: [id] });
    expect(await liftClosed(bench.exchange, sender)).toEqual({ partner: sender, lifted: [id] });
    expect(await bench.state(id)).toBe('open');
    expect(await bench.alerts()).toEqual(['state-lost']);
  });

  test('what was withdrawn again meanwhile stays withdrawn', async () => {
    const id = await bench.share(5);
    await bench.lose();
    await bench.receipt(freshJti(), { outcome: 'purged', about: id, receivedAt: bench.exchange.clock() - HOUR });
    await bench.recover();
    await withdraw(bench.exchange, id, { reason: 'sent-in-error', purge: true });
    expect(await liftClosed(bench.exchange, sender)).toMatchObject({ code: 'state-conflict' });
    expect(await bench.state(id)).toBe('sealed');
  });

  test.each([
    ['usage-invalid: nobody named', () => declareRestored(bench.exchange, {}), 'usage-invalid'],
    [
      'usage-invalid: one named and all meant',
      () => declareRestored(bench.exchange, { issuer: sender, all: true }),
      'usage-invalid',
    ],
    [
      'partner-unknown: restored',
      () => declareRestored(bench.exchange, { issuer: 'https://nobody.example' }),
      'partner-unknown',
    ],
    ['partner-unknown: open', () => openPartner(bench.exchange, 'https://nobody.example'), 'partner-unknown'],
    ['partner-unknown: resume', () => resumeSending(bench.exchange, 'https://nobody.example'), 'partner-unknown'],
    ['partner-unknown: lift', () => liftClosed(bench.exchange, 'https://nobody.example'), 'partner-unknown'],
    ['state-conflict: nothing is veiled', () => openPartner(bench.exchange, sender), 'state-conflict'],
    ['state-conflict: nothing is stopped', () => resumeSending(bench.exchange, sender), 'state-conflict'],
    ['state-conflict: nothing is closed', () => liftClosed(bench.exchange, sender), 'state-conflict'],
  ])('%s is refused', async (_, act, code) => {
    expect(await act()).toMatchObject({ refused: true, code });
  });
});
