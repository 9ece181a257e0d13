import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { hangs, type MoodyPartner, meetMoody, moodyPartner, resets, takes } from '../support/moody-partner.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';

// Five partners of one node: for one thousands of messages wait, one never answers, and the other three notice nothing of it.
// CASEREF_FAIRNESS_MESSAGES asks for more than the 2,000 that wait here.

const WAITING = Number(process.env.CASEREF_FAIRNESS_MESSAGES ?? 2000);
/** Posts that one process may have under way to one partner. */
const IN_FLIGHT = 32;
const FEW = 30;

let node: TestNode;
let huge: MoodyPartner;
let silent: MoodyPartner;
let quick: MoodyPartner[];

const rule = (id: string, category: string) =>
  Object.fromEntries([
    ['id', id],
    ['when', { category: [category] }],
    ['then', 'send'],
  ]);
const sends = (moody: MoodyPartner, ...categories: string[]) =>
  policyFor(moody.issuer, { send: { rules: categories.map((category) => rule(category, category)) } });

beforeAll(async () => {
  node = await testNode();
  [huge, silent] = await Promise.all([moodyPartner(), moodyPartner(hangs)]);
  quick = await Promise.all([moodyPartner(), moodyPartner(), moodyPartner()]);
  await meetMoody(huge, node, sends(huge, 'grooming'));
  for (const one of [silent, ...quick]) await meetMoody(one, node, sends(one, 'csam'));
}, 60_000);
afterAll(async () => {
  await Promise.all([huge, silent, ...quick].map((one) => one.close()));
  await node.remove();
});

async function importAll(count: number, category: string, from: number): Promise<void> {
  for (let at = 0; at < count; at += 500) {
    const lines = Array.from({ length: Math.min(500, count - at) }, (_, n) => ({
      line: at + n + 1,
      text: JSON.stringify({ ...inventedReference(from + at + n), category }),
    }));
    await node.ask('reference.import', { lines });
  }
}

describe('thousands of messages for a slow partner and a partner that never answers', () => {
  test('keep nothing back from three others, and nothing of their own is tried twice at once', async () => {
    const go = Promise.withResolvers<void>();
    huge.mood = async (response) => {
      await go.promise;
      response.writeHead(202).end();
    };
    await importAll(WAITING, 'grooming', 1);
    await eventually('the slow one is busy', async () => huge.waiting > 0);
    await importAll(FEW, 'csam', 100_000);
    await eventually('the others have theirs', async () => quick.every(({ taken }) => taken.length === FEW));
    // Counts, not times: while they were served nobody else was, and each of those kept to its own share.
    expect(huge.taken).toEqual([]);
    expect(silent.taken).toEqual([]);
    expect(huge.pushed.length).toBeLessThanOrEqual(IN_FLIGHT);
    expect(silent.pushed.length).toBeLessThanOrEqual(IN_FLIGHT);
    expect(new Set(silent.pushed.map(({ jti }) => jti)).size).toBe(silent.pushed.length);
    go.resolve();
    await eventually('the slow one goes on', async () => huge.taken.length > IN_FLIGHT);
    await importAll(FEW, 'csam', 200_000);
    await eventually('the others again', async () => quick.every(({ taken }) => taken.length === 2 * FEW));
    let seen = 0;
    // As long as it makes progress: this is no question of speed.
    while (huge.taken.length < WAITING) {
      await eventually('it makes progress', async () => huge.taken.length > seen);
      seen = huge.taken.length;
    }
    expect(new Set(huge.pushed.map(({ jti }) => jti)).size).toBe(WAITING);
    expect(huge.pushed).toHaveLength(WAITING);
  }, 120_000);
});

describe('a partner whose line was shut', () => {
  test('is tried by one probe and no more while that one is open, then gets everything, each with the bytes of its first attempt', async () => {
    const moody = await moodyPartner(resets);
    await meetMoody(moody, node, sends(moody, 'trafficking'));
    await importAll(100, 'trafficking', 300_000);
    const { db } = node.running.exchange.store;
    const allowance = () => node.running.exchange.transport.allowance(moody.issuer, Date.now());
    const underWay = async () => {
      const leased = db.selectFrom('delivery').select('id').where('partner', '=', moody.issuer);
      return (await leased.where('lease', 'is not', null).executeTakeFirst()) !== undefined;
    };
    await eventually('the line is shut', async () => allowance() === 0 && !(await underWay()));
    const tried = new Map(moody.pushed.map(({ jti, compact }) => [jti, compact]));
    expect(tried.size).toBeLessThanOrEqual(IN_FLIGHT);

    const before = moody.pushed.length;
    const probed = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    moody.mood = async (response) => {
      probed.resolve();
      await go.promise;
      response.writeHead(202).end();
    };
    await probed.promise;
    // Three looks of the delivery worker, which finds a hundred messages that are due or soon will be.
    const until = Date.now() + 3000;
    await eventually('three looks', async () => Date.now() > until);
    expect(moody.pushed.length - before).toBe(1);
    expect(moody.most).toBeLessThanOrEqual(IN_FLIGHT);
    moody.mood = takes;
    go.resolve();
    await eventually('the line is open', async () => allowance() > 1);
    await eventually('most have arrived', async () => moody.taken.length >= 100 - tried.size);
    await node.ask('delivery.list', { partner: moody.issuer, limit: 500 });
    const again = moody.pushed.slice(before).filter(({ jti }) => tried.has(jti));
    expect(again.length).toBeGreaterThan(0);
    expect(again.every(({ jti, compact }) => tried.get(jti) === compact)).toBe(true);
    await moody.close();
  }, 60_000);
});

describe('messages about one reference', () => {
  test('go in their order while others pass them', async () => {
    const [one] = quick as [MoodyPartner];
    const slow = new Set<string>();
    const order: string[] = [];
    const { reference } = await node.ask('reference.submit', {
      reference: { ...inventedReference(1), category: 'csam' },
    });
    await eventually('the first', async () =>
      one.pushed.some(({ claims }) => JSON.stringify(claims).includes(reference.id)),
    );
    const held = Promise.withResolvers<void>();
    one.mood = async (response, { claims }) => {
      const { sub } = claims.sub_id as { sub?: string };
      const events = Object.keys(claims.events as object);
      if (sub === reference.id) {
        slow.add(sub);
        await held.promise;
        order.push(events[0] ?? '');
      }
      response.writeHead(202).end();
    };
    const exchange = node.running.exchange;
    const { createRevise } = await import('../../src/exchange/revise.ts');
    const revised = { ...inventedReference(1), category: 'csam', features: ['self-generated'] };
    await createRevise(exchange)(reference.id, 1, revised);
    exchange.wake.outbox();
    await eventually('the revision is under way', async () => slow.size === 1);
    await node.ask('reference.withdraw', { id: reference.id, reason: 'sent-in-error', purge: true });
    const taken = one.taken.length;
    await importAll(5, 'csam', 400_000);
    await eventually('others pass', async () => one.taken.length >= taken + 5);
    expect(order).toEqual([]);
    held.resolve();
    await eventually('both', async () => order.length === 2);
    expect(order.map((type) => type.split(':').at(-1))).toEqual(['revised', 'withdrawn']);
  });
});
