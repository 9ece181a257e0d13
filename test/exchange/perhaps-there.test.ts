import type { ServerResponse } from 'node:http';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tidyPolls } from '../../src/exchange/poll-upkeep.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import {
  eventOf,
  hangs,
  type MoodyPartner,
  meetMoody,
  moodyPartner,
  type Pushed,
  resets,
  takes,
} from '../support/moody-partner.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import type { Json } from '../support/tokens.ts';

// The partner read a message and its answer was lost. Whatever ends that message here, the partner may have it: a recall
// follows where policy withholds, and nobody is told that it never came.

const DAY = 86_400_000;

let node: TestNode;
let moody: MoodyPartner;
let count = 0;

beforeAll(async () => {
  node = await testNode();
});
afterAll(() => node.remove());
beforeEach(async () => {
  moody = await moodyPartner();
  await meetMoody(moody, node, policyFor(moody.issuer));
});
afterEach(async () => {
  await node.ask('partner.suspend', { issuer: moody.issuer, reason: 'The test is over.' });
  await moody.close();
});

const db = () => node.running.exchange.store.db;
const got = () => moody.pushed.map(eventOf);
const asked = () => eventually('it is asked back', async () => got().includes('withdrawn'));
const submit = async () => {
  count += 1;
  return (await node.ask('reference.submit', { reference: inventedReference(count) })).reference.id;
};

async function rowsOf(id: string) {
  return await db()
    .selectFrom('delivery')
    .select(['id', 'state', 'reached', 'last_code', 'n', 'digest'])
    .where('partner', '=', moody.issuer)
    .where('reference_id', '=', id)
    .orderBy('position')
    .execute();
}

async function until(what: string, id: string, holds: (row: Awaited<ReturnType<typeof rowsOf>>[number]) => boolean) {
  return await eventually(what, async () => (await rowsOf(id)).find(holds));
}

/** The partner read the whole message, and its answer was lost. */
async function lost(): Promise<string> {
  moody.mood = resets;
  const id = await submit();
  await until('an attempt without an answer', id, ({ reached }) => reached);
  return id;
}

function ruled(then: 'send' | 'hold' | 'withhold', limit: Json = {}): Json {
  const policy = policyFor(moody.issuer) as { send: { rules: Json[] } };
  const [rule] = policy.send.rules;
  return { ...policy, send: { ...policy.send, ...limit, rules: [{ ...rule, then }] } };
}

const set = (document: Json) => node.ask('policy.set', { issuer: moody.issuer, document } as never);
async function dueNow(): Promise<void> {
  await sql`update delivery set next_at = now() where partner = ${moody.issuer} and state = 'queued'`.execute(db());
  node.running.exchange.wake.outbox();
}
async function revise(id: string, expected: number): Promise<void> {
  const { id: _, ...said } = inventedReference(count) as Json;
  expect(await createRevise(node.running.exchange)(id, expected, said)).toMatchObject({ id });
}
const alertsOpen = async () =>
  (await node.ask('alert.list', {})).items.filter(({ partner }) => partner === moody.issuer).map(({ code }) => code);
const exposed = async () =>
  (await node.ask('reference.no-longer-allowed', { partner: moody.issuer })).items.map(({ id }) => id);

/** Policy turned to hold while it may have been there: what waits is over. */
async function heldThere(): Promise<string> {
  const id = await lost();
  await set(ruled('hold'));
  moody.mood = takes;
  await dueNow();
  await until('it is over', id, ({ state }) => state === 'dropped');
  return id;
}

describe('a message that may have arrived', () => {
  test('is told to a person where policy turns to hold, and nothing asks for it back by itself', async () => {
    const id = await heldThere();
    expect(await alertsOpen()).toContain('held-there');
    expect(await exposed()).toEqual([id]);
    await eventually('its number is covered', async () => got().includes('voided'));
    expect(got()).not.toContain('withdrawn');
  });

  test('is asked back where policy held it first and withholds later', async () => {
    const id = await heldThere();
    await set(ruled('withhold'));
    expect(await exposed()).toEqual([id]);
    await revise(id, 1);
    await asked();
    expect(await exposed()).toEqual([]);
  });

  test('is asked back where a revision that waits took its place, and policy withholds that', async () => {
    await set(ruled('send', { perMinute: 1 }));
    const id = await lost();
    await revise(id, 1);
    await until('it is superseded', id, ({ last_code: code }) => code === 'superseded');
    moody.mood = takes;
    await set(ruled('withhold'));
    await dueNow();
    await asked();
  });

  test('is not given up by a person, who is told what to do instead', async () => {
    const id = await lost();
    const [row] = await rowsOf(id);
    const dropped = await node.running.operations['delivery.drop']({ id: row?.id, reason: 'other' } as never);
    expect(dropped).toMatchObject({ ok: false, refusals: [{ code: 'state-conflict' }] });
    expect(JSON.stringify(dropped)).toContain(`caseref reference withdraw ${id}`);
    expect(await rowsOf(id)).toMatchObject([{ state: 'queued' }]);
    moody.mood = takes;
    await set(ruled('withhold'));
    await dueNow();
    await asked();
  });

  test('and is taken back from one partner is asked for, and counts no more as held', async () => {
    const id = await heldThere();
    const args = { partner: moody.issuer, reason: 'legal', purge: true };
    expect(await node.ask('reference.withdraw.no-longer-allowed', args as never)).toMatchObject({ withdrawn: 1 });
    await asked();
    expect(await exposed()).not.toContain(id);
  });
});

test('a message that never got there is no recall when policy withholds it, nor exposed, and may be given up', async () => {
  moody.mood = (response) => void response.writeHead(429).end();
  const id = await submit();
  const row = await until('an attempt', id, ({ last_code: code }) => code === 'http-429');
  expect(row.reached).toBe(false);
  expect(
    await node.running.operations['delivery.drop']({ id: row.id, reason: 'undeliverable' } as never),
  ).toMatchObject({
    ok: true,
  });
  moody.mood = takes;
  await set(ruled('withhold'));
  expect(await exposed()).toEqual([]);
  await revise(id, 1);
  await eventually('its number is covered', async () => got().includes('voided'));
  expect(got()).not.toContain('withdrawn');
});

describe('a post under way whose lease is taken away', () => {
  const underWay = async () => {
    moody.mood = hangs;
    const id = await submit();
    await eventually('it is under way', async () => moody.waiting > 0);
    return id;
  };

  test('by a person who tries again may have arrived', async () => {
    const id = await underWay();
    const [row] = await rowsOf(id);
    await node.ask('delivery.retry', { id: row?.id ?? '' });
    expect((await rowsOf(id))[0]).toMatchObject({ reached: true });
  });

  test('by a withdrawal may have arrived', async () => {
    const id = await underWay();
    await node.ask('reference.withdraw', { id, reason: 'sent-in-error', purge: true });
    expect((await rowsOf(id))[0]).toMatchObject({ state: 'dropped', reached: true });
  });
});

test('a post under way is not ended by a revision, which follows it', async () => {
  const held = Promise.withResolvers<ServerResponse>();
  moody.mood = held.resolve;
  const id = await submit();
  const response = await held.promise;
  await revise(id, 1);
  expect(await rowsOf(id)).toMatchObject([{ state: 'queued' }, { state: 'queued', n: null }]);
  expect(got()).toEqual(['submitted']);
  moody.mood = takes;
  takes(response, moody.pushed[0] as Pushed);
  await eventually('the revision follows', async () => moody.taken.length === 2);
  expect(got()).toEqual(['submitted', 'revised']);
});

describe('the time that a partner was suspended', () => {
  const laterBy = (ms: number) => ({ ...node.running.exchange, clock: () => Date.now() + ms });
  const age = (days: number) =>
    sql`update delivery set created_at = created_at - ${days} * interval '1 day' where partner = ${moody.issuer}`.execute(
      db(),
    );
  const stateOf = async (id: string) => (await rowsOf(id))[0]?.state;

  test('does not count towards the 14 days, neither while it lasts nor after it', async () => {
    moody.mood = resets;
    const id = await submit();
    await until('an attempt', id, ({ last_code: code }) => code !== null);
    await node.ask('partner.suspend', { issuer: moody.issuer, reason: 'Looked at.' });
    await age(20);
    await tidyPolls(node.running.exchange);
    expect(await stateOf(id)).toBe('queued');
    await node.ask('partner.resume', { issuer: moody.issuer });
    await tidyPolls(node.running.exchange);
    expect(await stateOf(id)).toBe('queued');
    await tidyPolls(laterBy(13.9 * DAY));
    expect(await stateOf(id)).toBe('queued');
    await tidyPolls(laterBy(14.1 * DAY));
    expect(await stateOf(id)).toBe('dead');
  });
});
