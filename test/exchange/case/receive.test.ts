import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { settleDue } from '../../../src/exchange/case/round.ts';
import { recordStatement } from '../../../src/exchange/case/say.ts';
import { purgeDue } from '../../../src/exchange/purge.ts';
import { createShare } from '../../../src/exchange/share.ts';
import { freshJti } from '../../support/foreign-partner.ts';
import { inventedReference } from '../../support/invented.ts';
import { type Json, self, sender } from '../../support/tokens.ts';
import { type LostKeyBench, lostKeyBench } from '../lost-key.ts';

// What a partner says about references, its own and ours: taken, waiting or refused, each with its receipt.

const HOUR = 3_600_000;
let bench: LostKeyBench;
beforeAll(async () => {
  bench = await lostKeyBench();
});
afterAll(() => bench.node.close());

const instant = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
const acted = (changes: Json = {}): Json => ({
  action: 'removed',
  at: instant(bench.now()),
  standing: 'final',
  ...changes,
});
const assessed = (): Json => ({
  ...{ scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed' },
  at: instant(bench.now()),
});

/** The receipts that wait for a message, in their order. */
async function receipts(jti: string): Promise<Json[]> {
  const rows = await bench.db
    .selectFrom('delivery')
    .select('payload')
    .where('answers', '=', jti)
    .orderBy('position')
    .execute();
  return rows.map(({ payload }) => (payload as { content: Json }).content);
}
const outcome = async (jti: string) => {
  const { outcome, code, pointer } = await bench.message(jti);
  return { outcome, code, pointer };
};

/** A message about a reference that may be somebody else's. */
async function say(
  event: string,
  payload: Json,
  { id, originator = sender, jti = freshJti() }: { id: string; originator?: string; jti?: string },
) {
  const sub_id = { format: 'iss_sub', iss: originator, sub: id };
  await bench.push(event, payload, { id, jti }, { sub_id });
  return jti;
}

/** An own reference that the partner was sent. */
async function ours(): Promise<string> {
  const shared = await createShare(bench.node.exchange)({ ...inventedReference(1), category: 'csam' });
  if (Array.isArray(shared)) throw new Error(`refused: ${shared[0]?.code}`);
  return shared.id;
}

describe('what the originator says', () => {
  test('its final outcome becomes the state, a second one is refused, and a reappearance opens it again', async () => {
    const { id } = await bench.submit();
    expect(await outcome(await say('acted', acted(), { id }))).toMatchObject({ outcome: 'accepted' });
    expect(await bench.stateOf(id)).toBe('removed');
    bench.later(2000);
    expect(await outcome(await say('acted', acted({ action: 'unavailable' }), { id }))).toEqual({
      ...{ outcome: 'refused', code: 'already-final', pointer: '/action' },
    });
    await say('acted', acted({ action: 'reappeared', standing: 'observed' }), { id });
    expect(await bench.stateOf(id)).toBe('open');
    expect(await bench.eventsOf(id)).toEqual(expect.arrayContaining(['case.acted', 'case.changed']));
  });

  test('an event that comes before its reference waits for it, and both orders end in the same state', async () => {
    const id = crypto.randomUUID();
    const jti = await say('acted', acted(), { id });
    expect(await outcome(jti)).toMatchObject({ outcome: 'held', code: 'reference-unknown' });
    const [held] = await receipts(jti);
    expect(held).toMatchObject({ outcome: 'held', code: 'reference-unknown', until: instant(bench.now() + 48 * HOUR) });
    await bench.submit({ id });
    expect(await bench.stateOf(id)).toBe('removed');
    expect(await receipts(jti)).toMatchObject([{ outcome: 'held' }, { outcome: 'accepted' }]);
  });

  test('what waits for a reference that never comes is refused after 48 hours, and nothing of it is kept', async () => {
    const id = crypto.randomUUID();
    const jti = await say('assessed', assessed(), { id });
    bench.later(48 * HOUR - 1000);
    await settleDue(bench.node.exchange);
    expect(await receipts(jti)).toHaveLength(1);
    bench.later(1000);
    await settleDue(bench.node.exchange);
    expect(await receipts(jti)).toMatchObject([{ outcome: 'held' }, { outcome: 'refused', code: 'reference-unknown' }]);
    const [row] = await bench.db.selectFrom('case_statement').selectAll().where('reference_id', '=', id).execute();
    expect(row).toMatchObject({ state: 'refused', payload: null, wrapped: null });
  });

  test('the same message again has no second effect', async () => {
    const { id } = await bench.submit();
    const payload = assessed();
    const jti = freshJti();
    const sub_id = { format: 'iss_sub', iss: sender, sub: id };
    const token = bench.record('assessed', payload, { id, jti }, { sub_id });
    await bench.receive(token);
    await bench.receive(token);
    expect(
      await bench.db.selectFrom('case_statement').selectAll().where('reference_id', '=', id).execute(),
    ).toHaveLength(1);
  });

  test('about a withdrawn reference nothing more is taken, and erasure takes what was said', async () => {
    const { id } = await bench.submit();
    await say('assessed', assessed(), { id });
    await bench.push('withdrawn', { reason: 'legal', purge: true }, { id });
    expect(await outcome(await say('acted', acted(), { id }))).toMatchObject({
      outcome: 'refused',
      code: 'reference-withdrawn',
    });
    await purgeDue(bench.node.exchange);
    const rows = await bench.db.selectFrom('case_statement').select('payload').where('reference_id', '=', id).execute();
    expect(rows).toEqual([{ payload: null }]);
    expect(await outcome(await say('acted', acted(), { id }))).toMatchObject({ code: 'reference-withdrawn' });
  });
});

describe('what a partner says about our reference', () => {
  test('is taken from a holder: an assessment, an observation, feedback; a final outcome needs the pen', async () => {
    const id = await ours();
    const about = { id, originator: self };
    expect(await outcome(await say('assessed', assessed(), about))).toMatchObject({ outcome: 'accepted' });
    expect(await outcome(await say('feedback', { code: 'investigation-opened' }, about))).toMatchObject({
      outcome: 'accepted',
    });
    expect(await outcome(await say('acted', acted(), about))).toEqual({
      ...{ outcome: 'refused', code: 'not-assignee', pointer: '/standing' },
    });
    expect(await outcome(await say('acted', acted({ standing: 'observed' }), about))).toMatchObject({
      outcome: 'accepted',
    });
  });

  test('a hold of police that policy does not trust with it is refused', async () => {
    const about = { id: await ours(), originator: self };
    const hold = {
      step: 'placed',
      until: instant(bench.now() + 24 * HOUR),
      ground: 'investigation',
      authority: 'police',
    };
    expect(await outcome(await say('hold', hold, about))).toMatchObject({
      outcome: 'refused',
      code: 'hold-not-competent',
    });
  });

  test('from one who was never sent it looks as if there were none', async () => {
    const id = await ours();
    await bench.db.deleteFrom('delivery').where('reference_id', '=', id).execute();
    const jti = await say('assessed', assessed(), { id, originator: self });
    expect(await outcome(jti)).toMatchObject({ outcome: 'held', code: 'reference-unknown' });
  });

  test('a third party’s reference is for its originator to hear of', async () => {
    const about = { id: crypto.randomUUID(), originator: 'https://node.hotline-c.example' };
    expect(await outcome(await say('assessed', assessed(), about))).toMatchObject({
      outcome: 'refused',
      code: 'not-originator',
    });
  });

  test.each([
    ['free text', { code: 'useful', comment: 'x' }, 'schema-invalid'],
    ['a picture', { code: 'useful', thumbnail: 'x' }, 'media-refused'],
  ])('%s is refused at the door', async (_, payload, code) => {
    expect(await outcome(await say('feedback', payload, { id: await ours(), originator: self }))).toMatchObject({
      outcome: 'refused',
      code,
    });
  });
});

test('what a lost key said counts no more, and again when it is attested', async () => {
  const { id } = await bench.submit({ key: bench.successor });
  bench.later(10_000);
  const since = bench.now();
  bench.later(1000);
  const at = bench.now();
  const payload = acted();
  const { jti } = await bench.push('acted', payload, { id });
  expect(await bench.stateOf(id)).toBe('removed');
  await bench.lose(since);
  await settleDue(bench.node.exchange);
  expect(await bench.stateOf(id)).toBe('open');
  await bench.push('acted', payload, { id, jti, key: bench.successor, at });
  expect(await bench.stateOf(id)).toBe('removed');
});

test('our own answer goes to the originator, sealed, and a refusal names the member', async () => {
  const { id } = await bench.submit({ key: bench.successor });
  const { exchange } = bench.node;
  const own = { originator: sender, id };
  const note = { at: instant(bench.now()), ownReference: { system: 'own', id: 'CANARY-77' } };
  expect(await recordStatement(exchange, { ...own, event: 'acknowledged', payload: note })).toMatchObject({
    told: [sender],
  });
  const rows = await bench.db.selectFrom('delivery').selectAll().where('reference_id', '=', id).execute();
  expect(JSON.stringify(rows)).not.toContain('CANARY-77');
  expect(rows.find(({ event }) => event === 'acknowledged')).toMatchObject({ partner: sender, state: 'queued' });
  expect(await recordStatement(exchange, { ...own, event: 'acted', payload: acted() })).toMatchObject([
    { code: 'not-assignee', pointer: '/standing' },
  ]);
  expect(await recordStatement(exchange, { ...own, event: 'feedback', payload: { code: 'nonsense' } })).toMatchObject([
    { code: 'code-unknown', pointer: '/code' },
  ]);
  const unknown = {
    originator: sender,
    id: crypto.randomUUID(),
    event: 'feedback',
    payload: { code: 'useful' },
  } as const;
  expect(await recordStatement(exchange, unknown)).toMatchObject([{ code: 'not-found' }]);
});
