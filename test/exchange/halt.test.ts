import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addDeny } from '../../src/exchange/denies.ts';
import { watchHalts } from '../../src/exchange/halt.ts';
import { removePartner } from '../../src/exchange/remove-partner.ts';
import { resumePartner, suspendPartners } from '../../src/exchange/suspend.ts';
import type { Claimed } from '../../src/store/outbox.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { operational, self, sender } from '../support/tokens.ts';

// What was claimed before a suspension or removal and is about to be posted, or is being posted.

const other = 'https://node.police-c.example';
let node: TestExchange;
let halt: ReturnType<typeof watchHalts>;
let basis: number;

beforeAll(async () => {
  node = await testExchange({ issuer: self });
  await befriend(node.exchange, sender, {}, operational);
  await befriend(node.exchange, other);
});
afterAll(() => node.close());
beforeEach(async () => {
  halt = watchHalts(node.exchange);
  // Longer than the directory of this process is taken as fresh.
  await pause(600);
  basis = (await node.exchange.directory.current()).version;
});
afterEach(() => halt.stop());

const delivery = (event: string, reissued_at: Date | null = null) =>
  ({ event, statement_id: null, reissued_at }) as unknown as Claimed;
const enter = (event: string, issuer = sender) => halt.enter(delivery(event), issuer, basis);

async function entered(event: string, issuer = sender) {
  const post = await enter(event, issuer);
  if (!post) throw new Error(`${event} was kept back`);
  return post;
}

describe('a suspension', () => {
  test('breaks off within a second what is being posted, and lets nothing begin but receipts and withdrawals', async () => {
    const posts = [await entered('submitted'), await entered('verify'), await entered('voided')];
    const elsewhere = await entered('submitted', other);
    const receipt = await entered('receipt');
    expect(posts.map(({ signal }) => signal?.aborted)).toEqual([false, false, false]);
    await suspendPartners(node.exchange, { issuer: sender, reason: 'examined' });
    await pause(900);
    expect(posts.map(({ signal }) => signal?.aborted)).toEqual([true, true, true]);
    expect(elsewhere.signal?.aborted).toBe(false);
    expect(receipt.signal).toBeUndefined();
    for (const event of ['submitted', 'revised', 'verify', 'voided']) expect(await enter(event), event).toBeUndefined();
    for (const event of ['receipt', 'withdrawn']) expect(await enter(event), event).toBeDefined();
  });

  test('that has ended lets posts begin again, with a signal of their own', async () => {
    await resumePartner(node.exchange, sender);
    await pause(600);
    basis = (await node.exchange.directory.current()).version;
    const post = await entered('submitted');
    expect(post.signal?.aborted).toBe(false);
    post.leave();
  });
});

test('what was decided under another directory is given back, except what the partner took before', async () => {
  await addDeny(node.exchange, { id: 'no-more', ground: 'legal' });
  await pause(600);
  expect(await enter('submitted')).toBeUndefined();
  expect(await halt.enter(delivery('submitted', new Date()), sender, basis)).toBeDefined();
  expect(await enter('verify')).toBeDefined();
});

test('a removal breaks off what is being posted', async () => {
  const post = await entered('verify');
  await removePartner(node.exchange, { issuer: sender, yes: true });
  await pause(900);
  expect(post.signal?.aborted).toBe(true);
  expect(await enter('submitted')).toBeUndefined();
});
