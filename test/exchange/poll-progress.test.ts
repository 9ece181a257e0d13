import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { askOnce, type Line, newLine } from '../../src/exchange/poll-client.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { freshJti } from '../support/foreign-partner.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { type PollReply, type PollSource, pollSource } from '../support/poll-source.ts';

// What a partner answers decides how soon it is asked again. Nothing is waited for here: the rest is what askOnce gives.

const LEAST_MS = 50;

let node: TestNode;
let source: PollSource;
let line: Line;

beforeAll(async () => {
  node = await testNode({ type: 'law-enforcement' });
});
afterAll(() => node.remove());
beforeEach(async () => {
  source = await pollSource();
  await source.meet(node);
  line = newLine(source.partner.issuer);
});
afterEach(() => source.close());

/** Asks once for each of these replies; gives the rests in milliseconds, those of the floor as 0. */
async function restsAfter(...replies: readonly PollReply[]): Promise<number[]> {
  const { exchange } = node.running;
  const receive = createReceive(exchange);
  source.replies.push(...replies);
  const rests: number[] = [];
  for (const _reply of replies) {
    const began = performance.now();
    const rest = (await askOnce(exchange, receive, line, new AbortController().signal)) ?? -1;
    const took = performance.now() - began;
    // As many polls a second as a partner's endpoint takes, and no more.
    expect(took + rest).toBeGreaterThanOrEqual(LEAST_MS - 1);
    rests.push(rest <= LEAST_MS ? 0 : rest);
  }
  return rests;
}

const times = <One>(count: number, make: () => One): One[] => Array.from({ length: count }, make);

function fresh(): PollReply {
  const jti = freshJti();
  return { sets: { [jti]: source.partner.token(node, { jti }) }, moreAvailable: true };
}

test('a partner that promises more and gives nothing is asked less and less often', async () => {
  const rests = await restsAfter(...times(6, () => ({ sets: {}, moreAvailable: true })));
  expect(rests).toEqual([1000, 2000, 4000, 8000, 16_000, 25_000]);
});

test('a partner that gives the same garbage each time is told once at once, and then asked less and less often', async () => {
  const rests = await restsAfter(...times(4, () => ({ sets: { x: 'garbage' } })));
  expect(rests).toEqual([0, 2000, 4000, 8000]);
  expect(source.polls[1]?.request.setErrs).toMatchObject({ x: { err: 'invalid_request' } });
});

test('a partner that gives one message again and again is asked once a second', async () => {
  const same = fresh();
  expect(await restsAfter(...times(5, () => same))).toEqual([0, 0, 1000, 1000, 1000]);
});

test('a partner that gives what is new is asked again at once', async () => {
  expect(await restsAfter(...times(6, fresh))).toEqual([0, 0, 0, 0, 0, 0]);
});

test('what is new ends the pauses', async () => {
  const nothing = { sets: {}, moreAvailable: true };
  expect(await restsAfter(nothing, nothing, fresh(), nothing, fresh())).toEqual([1000, 2000, 0, 1000, 0]);
});
