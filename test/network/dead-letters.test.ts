import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { eventOf, type MoodyPartner, meetMoody, moodyPartner, refuses, takes } from '../support/moody-partner.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import type { Json } from '../support/tokens.ts';

// What a person does at night about messages that did not arrive: looks, sends again, gives up with a reason.

let node: TestNode;
let moody: MoodyPartner;
let count = 0;

beforeAll(async () => {
  node = await testNode();
  moody = await moodyPartner();
  await meetMoody(moody, node, policyFor(moody.issuer));
});
afterAll(async () => {
  await moody.close();
  await node.remove();
});
beforeEach(() => {
  moody.mood = takes;
});

const submit = async (changes: Json = {}) => {
  count += 1;
  return (await node.ask('reference.submit', { reference: { ...inventedReference(count), ...changes } })).reference.id;
};
const deliveryOf = async (id: string) => (await node.ask('reference.show', { id })).deliveries[0];
const inState = (id: string, state: string) =>
  eventually(`it is ${state}`, async () => {
    const delivery = await deliveryOf(id);
    return delivery?.state === state ? delivery : undefined;
  });
const dead = async (changes?: Json) => {
  moody.mood = refuses('invalid_request');
  const delivery = await inState(await submit(changes), 'dead');
  moody.mood = takes;
  return delivery;
};
const alertsOpen = async () => (await node.ask('alert.list', {})).items.map(({ code }) => code);
const drop = (id: string, reason = 'told-otherwise') =>
  node.running.operations['delivery.drop']({ id, reason } as never);
const voided = () => moody.pushed.filter((one) => eventOf(one) === 'voided').map(({ claims }) => claims.events);

describe('a dead letter that a person gives up', () => {
  test('is dropped with its reason, covered by a signed voided, told in the feed, and its alert is over', async () => {
    const { id, jti, seq } = await dead();
    expect(await alertsOpen()).toContain('dead-letter');
    expect(await node.ask('delivery.drop', { id, reason: 'told-otherwise' })).toEqual({
      id,
      state: 'dropped',
      reason: 'told-otherwise',
      voided: true,
    });
    const n = seq?.n;
    const said = await eventually('the voided', async () =>
      voided().find((events) => JSON.stringify(events).includes(`[[${n},${n}]]`)),
    );
    expect(said).toEqual({ 'urn:caseref:event:1:voided': { epoch: seq?.epoch, ranges: [[n, n]], reason: 'dropped' } });
    const { items } = await node.ask('events', { limit: 500 });
    expect(items.filter(({ type }) => type === 'delivery.dropped')).toMatchObject([
      { jti, code: 'told-otherwise', partner: moody.issuer, detail: { by: 'operator' } },
    ]);
    expect(await alertsOpen()).not.toContain('dead-letter');
    const listed = (await node.ask('delivery.list', { state: 'dropped' })).items;
    expect(listed).toMatchObject([{ id, lastCode: 'told-otherwise' }]);
    expect(await drop(id)).toMatchObject({ ok: false, refusals: [{ code: 'state-conflict' }] });
    expect(moody.pushed.filter((one) => one.jti === jti)).toHaveLength(1);
  });

  test('leaves the alert of the others open', async () => {
    const [one, other] = [await dead(), await dead()];
    await drop(one.id, 'undeliverable');
    expect(await alertsOpen()).toContain('dead-letter');
    await drop(other.id, 'undeliverable');
    expect(await alertsOpen()).not.toContain('dead-letter');
  });

  test('is no emergency that is still to be told', async () => {
    const urgency = { level: 'emergency', code: 'imminent-danger' };
    const one = await dead({ urgency });
    expect(await alertsOpen()).toContain('emergency-undelivered');
    await drop(one.id);
    expect(await alertsOpen()).not.toContain('emergency-undelivered');
  });
});

describe('a message that waits', () => {
  test('may be given up between two attempts, and is not tried again', async () => {
    moody.mood = (response) => void response.writeHead(429).end();
    const id = await submit();
    const delivery = await eventually('an attempt', async () => {
      const one = await deliveryOf(id);
      return one?.lastCode === 'http-429' ? one : undefined;
    });
    expect(delivery.nextAttemptAt).toBeDefined();
    expect(await drop(delivery.id, 'no-longer-needed')).toMatchObject({ ok: true, value: { state: 'dropped' } });
    moody.mood = takes;
    expect(await node.running.operations['delivery.retry']({ id: delivery.id })).toMatchObject({ ok: false });
    await inState(await submit(), 'sent');
    expect(moody.taken).not.toContain(delivery.jti);
  });

  test('cannot be given up while it is under way', async () => {
    const answered = Promise.withResolvers<void>();
    moody.mood = async (response) => {
      await answered.promise;
      response.writeHead(202).end();
    };
    const id = await submit();
    await eventually('it is under way', async () => moody.waiting === 1);
    const { id: delivery = '' } = (await deliveryOf(id)) ?? {};
    expect(await drop(delivery)).toMatchObject({
      ok: false,
      refusals: [{ code: 'state-conflict', message: 'It is under way at this moment.' }],
    });
    answered.resolve();
    await inState(id, 'sent');
    expect(await drop(delivery)).toMatchObject({ ok: false, refusals: [{ code: 'state-conflict' }] });
  });
});

test('what is no delivery, or has no reason of the list, is refused', async () => {
  expect(await drop('nothing')).toMatchObject({ refusals: [{ code: 'delivery-unknown' }] });
  expect(await drop(crypto.randomUUID())).toMatchObject({ refusals: [{ code: 'delivery-unknown' }] });
  expect(await drop(crypto.randomUUID(), 'tired')).toMatchObject({ refusals: [{ pointer: '/reason' }] });
});

test('a receipt that we owe is never given up', async () => {
  moody.mood = refuses('invalid_request');
  await moody.partner.push(node, moody.partner.token(node));
  const { db } = node.running.exchange.store;
  const receipt = await eventually('a dead receipt', () =>
    db
      .selectFrom('delivery')
      .select('id')
      .where('event', '=', 'receipt')
      .where('state', '=', 'dead')
      .executeTakeFirst(),
  );
  expect(await drop(receipt.id)).toMatchObject({ refusals: [{ code: 'state-conflict' }] });
});

describe('all dead letters of a partner', () => {
  test('are sent again by one word, each with the bytes that it had, and the alert is over', async () => {
    const letters = [await dead(), await dead(), await dead()];
    const first = new Map(moody.pushed.map(({ jti, compact }) => [jti, compact]));
    const before = moody.pushed.length;
    expect(await node.ask('delivery.retry.all', { partner: moody.issuer })).toMatchObject({ left: 0 });
    await eventually('all of them', async () => letters.every(({ jti }) => moody.taken.includes(jti)));
    const again = moody.pushed.slice(before).filter(({ jti }) => letters.some((one) => one.jti === jti));
    expect(again.map(({ jti }) => jti)).toEqual(letters.map(({ jti }) => jti));
    expect(again.every(({ jti, compact }) => compact === first.get(jti))).toBe(true);
    expect(await alertsOpen()).not.toContain('dead-letter');
  });

  test('stay where their reference was taken back meanwhile', async () => {
    const id = await (async () => {
      moody.mood = refuses('invalid_request');
      const one = await submit();
      await inState(one, 'dead');
      return one;
    })();
    moody.mood = takes;
    await node.ask('reference.withdraw', { id, reason: 'sent-in-error', purge: false });
    expect(await node.ask('delivery.retry.all', { partner: moody.issuer })).toMatchObject({ queued: 0, left: 1 });
  });

  test('are none of a partner that nobody knows', async () => {
    const asked = { partner: 'http://127.0.0.1:1' };
    expect(await node.running.operations['delivery.retry.all'](asked)).toMatchObject({
      refusals: [{ code: 'partner-unknown' }],
    });
  });
});
