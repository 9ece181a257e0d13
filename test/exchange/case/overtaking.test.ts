import { afterAll, beforeAll, expect, test } from 'vitest';
import { settleDue } from '../../../src/exchange/case/round.ts';
import { freshJti } from '../../support/foreign-partner.ts';
import { type Json, sender } from '../../support/tokens.ts';
import { type LostKeyBench, lostKeyBench } from '../lost-key.ts';

// What comes before something that its sender said earlier is not refused for what it does not say itself: the numbers of the
// sender show that something is still under way, and it waits for that.

const HOUR = 3_600_000;
let bench: LostKeyBench;
beforeAll(async () => {
  bench = await lostKeyBench();
});
afterAll(() => bench.node.close());

const instant = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

/** A partner that counts what it says about one reference of its own, and may send it in another order. */
async function counting() {
  const epoch = crypto.randomUUID();
  const { id } = await bench.submit();
  let counted = 0;
  async function send(event: string, payload: Json, { n, said }: { n: number; said: number }) {
    const jti = freshJti();
    const toe = Math.floor(said / 1000);
    await bench.push(event, payload, { id, jti }, { 'urn:caseref:seq': { epoch, n }, toe });
    return async () => {
      const receipts = await bench.db
        .selectFrom('delivery')
        .select('payload')
        .where('answers', '=', jti)
        .orderBy('position')
        .execute();
      return receipts.map(({ payload: given }) => {
        const { outcome, code } = (given as unknown as { content: Json }).content as { outcome: string; code?: string };
        return code === undefined ? outcome : `${outcome} ${code}`;
      });
    };
  }
  return {
    id,
    send,
    /** The number and the instant of the next thing that it says. */
    next() {
      counted += 1;
      bench.later(2000);
      return { n: counted, said: bench.now() };
    },
  };
}

const act = (action: string, standing: string, { said }: { said: number }): Json => ({
  ...{ action, standing, at: instant(said) },
});

test('a second outcome waits for the reappearance that it has overtaken', async () => {
  const { id, send, next } = await counting();
  const [removed, back, gone] = [next(), next(), next()];
  await send('acted', act('removed', 'final', removed), removed);
  const early = await send('acted', act('unavailable', 'final', gone), gone);
  expect(await early()).toEqual(['held already-final']);
  expect(await bench.stateOf(id)).toBe('removed');
  await send('acted', act('reappeared', 'observed', back), back);
  expect(await early()).toEqual(['held already-final', 'accepted']);
  expect(await bench.stateOf(id)).toBe('unavailable');
});

test('a second outcome is refused at once where nothing is under way', async () => {
  const { id, send, next } = await counting();
  const [removed, again] = [next(), next()];
  await send('acted', act('removed', 'final', removed), removed);
  const late = await send('acted', act('unavailable', 'final', again), again);
  expect(await late()).toEqual(['refused already-final']);
  expect(await bench.stateOf(id)).toBe('removed');
});

test('what waits for something that never comes is refused after 48 hours', async () => {
  const { id, send, next } = await counting();
  const [removed, , gone] = [next(), next(), next()];
  await send('acted', act('removed', 'final', removed), removed);
  const early = await send('acted', act('unavailable', 'final', gone), gone);
  bench.later(48 * HOUR);
  await settleDue(bench.node.exchange);
  expect(await early()).toEqual(['held already-final', 'refused already-final']);
  expect(await bench.stateOf(id)).toBe('removed');
});

test('the originator’s outcome waits for the return of the pen, which it relays', async () => {
  const { id, send, next } = await counting();
  const elsewhere = 'https://node.hotline-c.example';
  const [offered, accepted, confirmed, returned, removed] = [next(), next(), next(), next(), next()];
  const relay = (step: string, more: Json = {}): Json => ({
    ...{ by: elsewhere, event: 'handover', jti: freshJti(), digest: `S256:${'A'.repeat(43)}` },
    body: { step, ...more },
  });
  const offer = freshJti();
  await send('handover', { step: 'offered', to: elsewhere }, offered);
  await send('relayed', relay('accepted', { accepts: offer }), accepted);
  await send('handover', { step: 'confirmed', to: elsewhere }, confirmed);
  const early = await send('acted', act('removed', 'final', removed), removed);
  expect(await early()).toEqual(['held not-assignee']);
  await send('relayed', relay('returned', { code: 'no-capacity' }), returned);
  expect(await early()).toEqual(['held not-assignee', 'accepted']);
  expect(await bench.stateOf(id)).toBe('removed');
  expect(sender).not.toBe(elsewhere);
});
