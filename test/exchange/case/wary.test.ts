// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRefusal } from '../../../src/domain/refusal.ts';
import { findMissed, listAlerts } from '../../../src/exchange/alerts.ts';
import { MOST_OF_ONE, MOST_STATEMENTS } from '../../../src/exchange/case/log.ts';
import { settleDue } from '../../../src/exchange/case/round.ts';
import { recordStatement } from '../../../src/exchange/case/say.ts';
import { showCase } from '../../../src/exchange/case/show.ts';
import { addDeny, removeDeny } from '../../../src/exchange/denies.ts';
import { setPolicy } from '../../../src/exchange/policies.ts';
import { purgeDue } from '../../../src/exchange/purge.ts';
import { createShare } from '../../../src/exchange/share.ts';
import { befriend } from '../../support/exchange.ts';
import { freshJti } from '../../support/foreign-partner.ts';
import { inventedReference } from '../../support/invented.ts';
import { type Json, self, sender, type TestKey, testKey } from '../../support/tokens.ts';
import { type LostKeyBench, lostKeyBench } from '../lost-key.ts';

// A partner that means harm, beside honest ones: what it may not stop, learn, fill or undo.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const curious = 'https://node.hotline-c.example';
const curiousKey: TestKey = testKey();
let bench: LostKeyBench;
beforeAll(async () => {
  bench = await lostKeyBench();
  await befriend(bench.node.exchange, curious, {}, curiousKey);
  const all = { id: 'all', when: { category: ['*'] } };
  const policy = {
    ...{ partner: sender, legal: { basis: 'Invented act', transfer: 'none' } },
    ...{ send: { rules: [{ ...all, then: 'send' }] } },
    ...{ receive: { rules: [{ ...all, then: 'accept' }], mayHold: true } },
  };
  expect(isRefusal(await setPolicy(bench.node.exchange, sender, policy))).toBe(false);
});
afterAll(() => bench.node.close());

const instant = (ms = bench.now()) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
const hold = (until: number) => ({
  ...{ step: 'placed', until: instant(until), ground: 'investigation', authority: 'police' },
});

/** An own reference, hosted where police are competent, that every partner was sent. */
async function ours(): Promise<string> {
  const made = { ...inventedReference(1), url: `https://host.example/${crypto.randomUUID()}`, category: 'csam' };
  const shared = await createShare(bench.node.exchange)({ ...made, jurisdiction: { hosting: 'DE' } });
  if (Array.isArray(shared)) throw new Error(`refused: ${shared[0]?.code}`);
  return shared.id;
}

async function hear(
  event: string,
  payload: Json,
  id: string,
  { originator = self, by = sender, said }: { originator?: string; by?: string; said?: number } = {},
) {
  bench.later(2000);
  const jti = freshJti();
  const sub_id = { format: 'iss_sub', iss: originator, sub: id };
  const toe = said === undefined ? {} : { toe: Math.floor(said / 1000) };
  const key = by === curious ? { key: curiousKey } : {};
  await bench.push(event, payload, { id, jti, ...key }, { iss: by, sub_id, ...toe });
  const { outcome, code } = await bench.message(jti);
  return [outcome, ...(code === null ? [] : [code])];
}

const say = (event: 'acknowledged' | 'feedback', payload: Json, id: string, originator = sender) =>
  recordStatement(bench.node.exchange, { originator, id, event, payload });

/** A month is long for the keys of a partner that publishes none. */
async function keepKeys(): Promise<void> {
  const exp = Math.floor((bench.now() + 80 * DAY) / 1000);
  await bench.db.updateTable('partner').set({ key_set_exp: exp }).execute();
  await bench.db.updateTable('partner_key').set({ exp }).execute();
  await bench.directoryMoved();
}

/** So many entries of a log that somebody filled. */
async function fill(id: string, by: string, count: number): Promise<void> {
  const [row] = await bench.db.selectFrom('case_statement').selectAll().where('reference_id', '=', id).execute();
  if (!row) throw new Error('nothing was said');
  const { position: _, ...kept } = row;
  const rows = Array.from({ length: count }, () => ({
    ...{ ...kept, id: crypto.randomUUID(), carrier: freshJti(), state: 'refused' as const, payload: null },
    ...{ sender: by, speaker: by },
  }));
  await bench.db.insertInto('case_statement').values(rows).execute();
}

describe('the log of a reference', () => {
  test('takes so much of one partner and no more, and what others say all the same', async () => {
    const id = await ours();
    expect(await hear('feedback', { code: 'useful' }, id, { by: curious })).toEqual(['accepted']);
    await fill(id, curious, MOST_OF_ONE - 1);
    expect(await hear('feedback', { code: 'forwarded' }, id, { by: curious })).toEqual(['refused', 'too-large']);
    expect(await hear('feedback', { code: 'useful' }, id)).toEqual(['accepted']);
  });

  test('has room for a hold, and for our own words, when many have filled it', async () => {
    const id = await ours();
    await hear('feedback', { code: 'useful' }, id, { by: curious });
    for (let n = 0; n < 5; n += 1) await fill(id, `https://node.other-${n}.example`, MOST_STATEMENTS / 5);
    expect(await hear('feedback', { code: 'useful' }, id)).toEqual(['refused', 'too-large']);
    expect(await hear('hold', hold(bench.now() + DAY), id)).toEqual(['accepted']);
    expect(await bench.stateOf(id)).toBe('on-hold');
    const payload = { action: 'online', at: instant(), standing: 'observed' };
    const own = await recordStatement(bench.node.exchange, { originator: self, id, event: 'acted', payload });
    expect(own).toMatchObject({ event: 'acted' });
  });
});

test('a partner does not learn by an offer of the pen whether another’s reference is here, or was', async () => {
  const asks = [{ step: 'offered', to: self }, { step: 'confirmed' }];
  const { id } = await bench.submit();
  for (const ask of asks) {
    const of = (reference: string) => hear('handover', ask, reference, { by: curious, originator: sender });
    expect(await of(id)).toEqual(await of(crypto.randomUUID()));
  }
  await bench.push('withdrawn', { reason: 'legal', purge: false }, { id });
  for (const ask of asks)
    expect(await hear('handover', ask, id, { by: curious, originator: sender })).toEqual(['held', 'reference-unknown']);
});

test('who was never sent a reference of ours does not learn that it was withdrawn', async () => {
  const id = await ours();
  await bench.db.deleteFrom('delivery').where('reference_id', '=', id).where('partner', '=', curious).execute();
  await bench.db.updateTable('reference').set({ state: 'sealed' }).where('id', '=', id).execute();
  expect(await hear('feedback', { code: 'useful' }, id, { by: curious })).toEqual(['held', 'reference-unknown']);
  expect(await hear('feedback', { code: 'useful' }, id)).toEqual(['refused', 'reference-withdrawn']);
});

test('who was asked to give a reference up says nothing more about it, and the others do', async () => {
  const id = await ours();
  expect(await hear('feedback', { code: 'useful' }, id, { by: curious })).toEqual(['accepted']);
  const sent = bench.db.selectFrom('delivery').selectAll().where('reference_id', '=', id);
  const row = await sent.where('partner', '=', curious).where('event', '=', 'submitted').executeTakeFirstOrThrow();
  const asked = { id: crypto.randomUUID(), jti: freshJti(), event: 'withdrawn', position: row.position + 1_000_000 };
  const { payload: _, ...kept } = row;
  await bench.db
    .insertInto('delivery')
    .values({ ...kept, ...asked, payload: null })
    .execute();
  const seen = { action: 'reappeared', at: instant(), standing: 'observed' };
  expect(await hear('acted', seen, id, { by: curious })).toEqual(['refused', 'reference-withdrawn']);
  expect(await hear('acted', seen, id)).toEqual(['accepted']);
});

test('who gave the pen on does not take it back by a return dated to when it had it', async () => {
  const id = await ours();
  const own = (payload: Json) =>
    recordStatement(bench.node.exchange, { originator: self, id, event: 'handover', payload });
  await own({ step: 'offered', to: sender });
  bench.later(2000);
  const offer = bench.db.selectFrom('delivery').select('jti').where('reference_id', '=', id);
  const { jti } = await offer.where('event', '=', 'handover').where('partner', '=', sender).executeTakeFirstOrThrow();
  expect(await hear('handover', { step: 'accepted', accepts: jti }, id)).toEqual(['accepted']);
  bench.later(2000);
  await own({ step: 'confirmed' });
  bench.later(10_000);
  const had = bench.now();
  await hear('handover', { step: 'offered', to: curious }, id);
  const accepted = { step: 'accepted', accepts: freshJti() };
  expect(await hear('handover', accepted, id, { by: curious })).toEqual(['accepted']);
  expect(await hear('handover', { step: 'confirmed' }, id)).toEqual(['accepted']);
  const back = { step: 'returned', code: 'no-capacity' };
  expect(await hear('handover', back, id, { said: had })).toEqual(['refused', 'not-assignee']);
  expect((await showCase(bench.node.exchange, { originator: self, id }))?.pen.holders).toEqual([curious]);
});

test('a word from before it was an emergency stops no timer of the emergency, and closes no alert', async () => {
  const { exchange } = bench.node;
  const { id } = await bench.submit();
  await say('acknowledged', { at: instant() }, id);
  bench.later(HOUR);
  await bench.revise(2, { id }, { urgency: { level: 'emergency', code: 'live-now' } });
  bench.later(16 * MINUTE);
  await findMissed(exchange);
  const waiting = async () =>
    (await listAlerts(exchange)).filter(({ code, subject }) => code === 'emergency-unacknowledged' && subject === id);
  expect(await waiting()).toHaveLength(1);
  const shown = await showCase(exchange, { originator: sender, id });
  expect(shown?.urgency.acknowledgement).toMatchObject([{ recipient: self, state: 'overdue' }]);
  await say('feedback', { code: 'useful' }, id);
  expect(await waiting()).toHaveLength(1);
  await say('acknowledged', { at: instant() }, id);
  expect(await waiting()).toEqual([]);
  const after = await showCase(exchange, { originator: sender, id });
  expect(after?.urgency.acknowledgement).toMatchObject([{ state: 'acknowledged' }]);
});

test('an emergency waits for a person though somebody says that the content is gone', async () => {
  const { exchange } = bench.node;
  const { id } = await bench.submit({}, { urgency: { level: 'emergency', code: 'live-now' } });
  const gone = { action: 'removed', at: instant(), standing: 'final' };
  expect(await hear('acted', gone, id, { originator: sender })).toEqual(['accepted']);
  expect(await bench.stateOf(id)).toBe('removed');
  bench.later(16 * MINUTE);
  await findMissed(exchange);
  const alerts = await listAlerts(exchange);
  expect(alerts).toContainEqual(expect.objectContaining({ code: 'emergency-unacknowledged', subject: id }));
});

test('the name of a unit goes with the reference that it was said about', async () => {
  const { id } = await bench.submit();
  const unit = 'Kripo Musterstadt';
  const told = { ...hold(bench.now() + HOUR), toldBy: { channel: 'phone', unit } };
  expect(await hear('hold', told, id, { originator: sender })).toEqual(['accepted']);
  bench.later(2 * HOUR);
  await settleDue(bench.node.exchange);
  const courses = async () =>
    JSON.stringify(await bench.db.selectFrom('case_course').selectAll().where('reference_id', '=', id).execute());
  expect(await courses()).toContain('hold-ended');
  await bench.push('withdrawn', { reason: 'legal', purge: true }, { id });
  await purgeDue(bench.node.exchange);
  await settleDue(bench.node.exchange);
  expect(await courses()).not.toContain(unit);
});

test('what was said goes from the feed and from the row of an erased reference; that something was said stays', async () => {
  const { id } = await bench.submit();
  await hear('hold', hold(bench.now() + HOUR), id, { originator: sender });
  expect(await say('feedback', { code: 'already-known' }, id)).toMatchObject({ told: [sender] });
  const spoken = async () => {
    const query = bench.db.selectFrom('event').select(['type', 'code', 'body']).where('reference_id', '=', id);
    return query.where('type', 'like', 'case.%').orderBy('position').execute();
  };
  const before = await spoken();
  expect(JSON.stringify(before)).toContain('already-known');
  expect(await bench.row(id)).toMatchObject({ case_held: true });
  await bench.push('withdrawn', { reason: 'legal', purge: true }, { id });
  bench.later(MINUTE);
  await purgeDue(bench.node.exchange);
  expect(await spoken()).toEqual(before.map(({ type }) => ({ type, code: null, body: null })));
  expect(await bench.row(id)).toMatchObject({ state: 'purged', case_held: null, case_clearance: null });
});

test('policy-refused: an organisation-wide deny keeps from an originator what is made of its reference, but that a person has it', async () => {
  const { exchange } = bench.node;
  const { id } = await bench.submit();
  const deny = await addDeny(exchange, { id: 'not-there', ground: 'death-penalty', destination: ['DE'] });
  expect(isRefusal(deny)).toBe(false);
  expect(await say('feedback', { code: 'useful' }, id)).toMatchObject([{ code: 'policy-refused' }]);
  expect(await say('acknowledged', { at: instant() }, id)).toMatchObject({ told: [sender] });
  await removeDeny(exchange, 'not-there');
  expect(await say('feedback', { code: 'useful' }, id)).toMatchObject({ told: [sender] });
});

test('a case that cannot be read keeps no other case waiting', async () => {
  const [broken, other] = [await ours(), await ours()];
  for (const id of [broken, other]) await hear('hold', hold(bench.now() + HOUR), id);
  const spoilt = bench.db.updateTable('case_statement').set({ payload: Buffer.of(0) });
  await spoilt.where('reference_id', '=', broken).execute();
  bench.later(2 * HOUR);
  await expect(settleDue(bench.node.exchange)).rejects.toThrow('ciphertext');
  expect(await bench.stateOf(other)).toBe('open');
  await bench.db.updateTable('case_course').set({ due_at: null }).where('reference_id', '=', broken).execute();
});

test('a lift that says it was said when the hold began leaves the sum of holds as it was', async () => {
  const id = await ours();
  for (let placed = 0; placed < 3; placed += 1) {
    const began = bench.now();
    expect(await hear('hold', hold(began + 30 * DAY), id)).toEqual(['accepted']);
    bench.later(30 * DAY - MINUTE);
    await keepKeys();
    expect(await hear('hold', { step: 'lifted' }, id, { said: began + MINUTE })).toEqual(['accepted']);
  }
  expect(await hear('hold', hold(bench.now() + 30 * DAY), id)).toEqual(['refused', 'schema-invalid']);
  expect(await hear('hold', hold(bench.now() + 2 * MINUTE), id)).toEqual(['accepted']);
});
