import { afterEach, beforeEach, expect, test } from 'vitest';
import { settleDue } from '../../../src/exchange/case/round.ts';
import { recordStatement } from '../../../src/exchange/case/say.ts';
import { showCase } from '../../../src/exchange/case/show.ts';
import { claim } from '../../../src/exchange/deliver.ts';
import { dropDelivery } from '../../../src/exchange/drop.ts';
import { liftClosed } from '../../../src/exchange/reconcile.ts';
import { workOffReplays } from '../../../src/exchange/replay.ts';
import { createReplayServer } from '../../../src/exchange/replay-server.ts';
import { wakeCases } from '../../../src/store/case.ts';
import { storeSigned } from '../../../src/store/outbox.ts';
import { inTransaction } from '../../../src/store/transaction.ts';
import { freshJti } from '../../support/foreign-partner.ts';
import { type Json, self, sender } from '../../support/tokens.ts';
import { type LossBench, lossBench } from '../loss-bench.ts';

// What is said about references, where state was lost, where a partner wants it once more, and where the reference may not go.

const HOUR = 3_600_000;
let bench: LossBench;
beforeEach(async () => {
  bench = await lossBench();
});
afterEach(() => bench.close());

const instant = (ms = bench.exchange.clock()) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
const acted = (changes: Json = {}): Json => ({ action: 'removed', at: instant(), standing: 'final', ...changes });

/** Our own word about a reference, on its way to the partner. */
async function say(id: string, payload: Json = acted(), originator = self, event: 'acted' | 'feedback' = 'acted') {
  bench.later(2000);
  const said = await recordStatement(bench.exchange, { originator, id, event, payload });
  expect(said).toMatchObject({ told: [sender] });
}

const rows = async (event = 'acted') =>
  bench.db.selectFrom('delivery').selectAll().where('event', '=', event).orderBy('position').execute();
const going = async (event = 'acted') => (await bench.claim()).filter((one) => one.event === event);

/** What was claimed has signed bytes and was left by its process; `left`: the partner took it. */
async function sign(event: string, left = true): Promise<void> {
  const signed = (await rows(event)).map(({ id }) => ({
    id,
    body: null,
    plain: 'a.b.c',
    digest: 'S256:x',
    kid: 'kid',
  }));
  await storeSigned(bench.db, signed, (await bench.exchange.directory.within(bench.db)).version);
  const end = left ? { state: 'sent' as const, sent_at: new Date(bench.exchange.clock()) } : {};
  await bench.db
    .updateTable('delivery')
    .set({ ...end, lease: null, lease_until: null })
    .where('event', '=', event)
    .execute();
}

/** The reference and what we said of it are at the partner. */
async function told(): Promise<string> {
  const id = await bench.share(1);
  await bench.claim();
  await sign('submitted');
  await say(id);
  await bench.claim();
  await sign('acted');
  return id;
}

async function asksAgain(epoch: string): Promise<void> {
  bench.later(60_000);
  const answer = await createReplayServer(bench.exchange).grant({ issuer: sender }, { epoch, from: 1 });
  expect(answer).toMatchObject({ status: 'granted' });
  await workOffReplays(bench.exchange);
}

const decide = (effect: 'send' | 'hold') =>
  bench.db.updateTable('decision').set({ effect }).where('direction', '=', 'out').execute();

/** Sees to what claims found that may not leave. */
async function look(): Promise<void> {
  bench.later(60_000);
  await claim(bench.exchange, sender, 100);
}

test('what waited when state was lost goes under another jti and says the same', async () => {
  const id = await bench.share(1);
  await bench.claim();
  await sign('submitted');
  await say(id);
  const [before] = await rows();
  await bench.lose();
  const [old, anew] = await rows();
  expect(old).toMatchObject({ id: before?.id, state: 'dropped', last_code: 'state-lost' });
  expect(anew).toMatchObject({ state: 'queued', statement: before?.statement });
  const telling = await bench.db.selectFrom('case_telling').selectAll().executeTakeFirst();
  expect(telling).toMatchObject({ statement: anew?.statement, jti: anew?.jti });
  const [statement] = await bench.db.selectFrom('case_statement').select('jtis').execute();
  expect(statement?.jtis).toEqual([before?.jti, anew?.jti]);
  await bench.everythingCame();
  await settleDue(bench.exchange);
  expect(await going()).toMatchObject([{ jti: anew?.jti, statement_id: before?.statement, decided: true }]);
});

test('behind a veil what the partner says counts, nobody learns of it, and all of it shows when the veil is lifted', async () => {
  const id = await bench.arrive();
  await bench.lose();
  await bench.speak('acted', acted(), id);
  bench.later(2000);
  await bench.speak(
    'assessed',
    { scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed', at: instant() },
    id,
  );
  await settleDue(bench.exchange);
  const types = async () => {
    const found = await bench.db
      .selectFrom('event')
      .select('type')
      .where('reference_id', '=', id)
      .orderBy('position')
      .execute();
    return found.map(({ type }) => type).filter((type) => type.startsWith('case.'));
  };
  expect(await types()).toEqual([]);
  expect(await bench.state(id)).toBe('sealed');
  expect(await showCase(bench.exchange, { originator: sender, id })).toBeUndefined();
  const own = { originator: sender, id, event: 'feedback', payload: { code: 'useful' } } as const;
  expect(await recordStatement(bench.exchange, own)).toMatchObject([{ code: 'reference-withdrawn' }]);
  await bench.everythingCame();
  await settleDue(bench.exchange);
  expect(await bench.state(id)).toBe('removed');
  expect(await types()).toEqual(['case.acted', 'case.assessed', 'case.changed']);
  expect(await showCase(bench.exchange, { originator: sender, id })).toMatchObject({
    actions: [{}],
    assessments: [{}],
  });
  await settleDue(bench.exchange);
  expect(await types()).toHaveLength(3);
});

test('what was said about a reference that turns out to be withdrawn is never told', async () => {
  const id = await bench.arrive();
  await bench.lose();
  await bench.speak('acted', acted(), id);
  await bench.withdraw(id);
  await bench.everythingCame();
  await settleDue(bench.exchange);
  expect(await bench.events('case.acted')).toEqual([]);
  expect(await bench.events('case.changed')).toEqual([]);
});

test.each([['signed'], ['not signed']])(
  'nothing about an own reference that a receipt closed leaves (%s), until it is opened',
  async (how) => {
    const id = await bench.share(1);
    await bench.claim();
    await sign('submitted');
    await say(id);
    if (how === 'signed') {
      await bench.claim();
      await sign('acted', false);
    }
    bench.later(1000);
    await bench.lose('store-restored');
    await bench.receipt(freshJti(), { outcome: 'sealed', about: id, receivedAt: bench.exchange.clock() - HOUR });
    await bench.everythingCame();
    expect(await bench.state(id)).toBe('sealed');
    bench.later(60_000);
    expect(await going()).toEqual([]);
    await liftClosed(bench.exchange, sender);
    await settleDue(bench.exchange);
    bench.later(60_000);
    expect(await going()).toMatchObject([{ decided: true }]);
  },
);

test('what partners say about it meanwhile waits for the operator, and counts when it is opened', async () => {
  const id = await bench.share(1);
  await bench.claim();
  await sign('submitted');
  bench.later(1000);
  await bench.lose('store-restored');
  await bench.receipt(freshJti(), { outcome: 'sealed', about: id, receivedAt: bench.exchange.clock() - HOUR });
  await bench.everythingCame();
  const jti = await bench.speak('feedback', { code: 'useful' }, id, self);
  const outcome = async () =>
    (await bench.db.selectFrom('message').select('outcome').where('jti', '=', jti).executeTakeFirst())?.outcome;
  await settleDue(bench.exchange);
  expect(await outcome()).toBe('held');
  await liftClosed(bench.exchange, sender);
  await settleDue(bench.exchange);
  expect(await outcome()).toBe('accepted');
});

test('what was said comes again when the partner asks for its number, our word about its veiled reference too', async () => {
  const theirs = await bench.arrive();
  await say(theirs, { code: 'useful' }, sender, 'feedback');
  await bench.claim();
  await sign('feedback');
  await told();
  const { epoch } = await bench.stream();
  await bench.lose();
  expect(await bench.state(theirs)).toBe('sealed');
  await asksAgain(epoch);
  await bench.db.updateTable('delivery').set({ state: 'sent' }).where('event', '=', 'submitted').execute();
  const again = (await bench.claim()).filter(({ replayed }) => replayed);
  expect(again.map(({ event, decided }) => ({ event, decided }))).toEqual([
    { event: 'feedback', decided: true },
    { event: 'acted', decided: true },
  ]);
});

test('what was signed and never left leaves in spite of a loss when its number is asked for', async () => {
  const id = await bench.share(1);
  await bench.claim();
  await sign('submitted');
  await say(id);
  await bench.claim();
  await sign('acted', false);
  const { epoch } = await bench.stream();
  await bench.lose();
  bench.later(60_000);
  expect(await going()).toEqual([]);
  await asksAgain(epoch);
  // In the order in which both were said: first what it is about.
  await bench.db.updateTable('delivery').set({ state: 'sent' }).where('event', '=', 'submitted').execute();
  expect(await going()).toMatchObject([{ epoch, replayed: true }]);
});

test('it does not come again where the reference may not go any more: its number is covered, and it stays as evidence', async () => {
  await told();
  await asksAgain((await bench.stream()).epoch);
  await bench.db.updateTable('delivery').set({ state: 'sent', priority: 1 }).where('event', '=', 'submitted').execute();
  await decide('hold');
  await look();
  expect(await rows()).toMatchObject([{ state: 'sent', n: 2 }]);
  const [covered] = await rows('voided');
  expect(covered?.payload).toMatchObject({ ranges: [[2, 2]], reason: 'policy' });
});

test('what was signed before the reference was held back does not leave, and is said anew when the reference goes again', async () => {
  const id = await bench.share(1);
  await bench.claim();
  await sign('submitted');
  await say(id);
  await bench.claim();
  await sign('acted', false);
  await decide('hold');
  await look();
  const [ended] = await rows();
  expect(ended).toMatchObject({ state: 'dropped', last_code: 'policy' });
  await settleDue(bench.exchange);
  expect(await rows()).toHaveLength(1);
  await decide('send');
  const name = { originator: self, id };
  await inTransaction(bench.db, (trx) => wakeCases(trx, [name], new Date(bench.exchange.clock())));
  await settleDue(bench.exchange);
  expect((await rows())[1]).toMatchObject({ state: 'queued', statement: ended?.statement });
});

test('a person cannot give up what may have arrived: its number would be told as one that never came', async () => {
  const id = await bench.share(1);
  await bench.claim();
  await sign('submitted');
  await say(id);
  await bench.claim();
  await sign('acted', false);
  await bench.db.updateTable('delivery').set({ reached: true, state: 'dead' }).where('event', '=', 'acted').execute();
  const [row] = await rows();
  expect(await dropDelivery(bench.exchange, row?.id ?? '', 'sent-otherwise' as never, 'operator')).toMatchObject({
    code: 'state-conflict',
  });
  expect((await rows())[0]?.state).toBe('dead');
});
