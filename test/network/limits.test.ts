import { afterAll, beforeAll, expect, test } from 'vitest';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, openPolicy, type TestNode, testNode } from '../support/node.ts';

// Limits between two real nodes whose clocks stand in the middle of a day, so that no test runs into the next one.

const DAY = 86_400_000;
const NOON = Math.floor(Date.now() / DAY) * DAY + DAY / 2;
const started = performance.now();
const clock = () => NOON + Math.floor(performance.now() - started);

let hotline: TestNode;
let police: TestNode;

beforeAll(async () => {
  hotline = await testNode({ name: 'Hotline A', clock });
  police = await testNode({ name: 'Police B', type: 'law-enforcement', clock });
  await befriendNode(hotline, police);
  await befriendNode(police, hotline);
});
afterAll(async () => {
  await hotline.remove();
  await police.remove();
});

async function limit(node: TestNode, partner: TestNode, side: 'send' | 'receive', limits: Record<string, number>) {
  const document = openPolicy(partner.issuer);
  await node.ask('policy.set', {
    issuer: partner.issuer,
    document: { ...document, [side]: { ...(document[side] as object), ...limits } },
  });
}

async function submit(n: number, changes: Record<string, unknown> = {}): Promise<string> {
  const answer = await hotline.ask('reference.submit', { reference: { ...inventedReference(n), ...changes } });
  return answer.reference.id;
}

async function deliveries(id: string) {
  return (await hotline.ask('reference.show', { id })).deliveries;
}

function settled(id: string, event: string) {
  return eventually(`a receipt for ${event}`, async () =>
    (await deliveries(id)).find((one) => one.event === event && one.state === 'receipted'),
  );
}

function waiting(id: string, code: string) {
  return eventually(`a message that waits for ${code}`, async () =>
    (await deliveries(id)).find((one) => one.state === 'queued' && one.lastCode === code),
  );
}

const tomorrow = `${new Date(NOON + DAY).toISOString().slice(0, 10)}T00:00:00Z`;
const emergency = { urgency: { level: 'emergency', code: 'live-now' } };

test('what is over our own limit waits, through a restart, until it is raised; emergencies and recalls go', async () => {
  await limit(hotline, police, 'send', { perDay: 1 });
  const first = await submit(1);
  await settled(first, 'submitted');
  const second = await submit(2);
  expect(await waiting(second, 'send-limit')).toMatchObject({ attempts: 0, nextAttemptAt: tomorrow });
  await settled(await submit(3, emergency), 'submitted');
  await withdraw(hotline.running.exchange, first, { reason: 'sent-in-error', purge: true });
  await settled(first, 'withdrawn');
  await hotline.restart();
  await settled(await submit(4, emergency), 'submitted');
  expect(await waiting(second, 'send-limit')).toMatchObject({ attempts: 0 });
  await limit(hotline, police, 'send', { perDay: 10 });
  expect(await settled(second, 'submitted')).toMatchObject({ attempts: 1 });
});

test('what is over the partner’s quota is tried again when its day ends; recalls are taken at once', async () => {
  await limit(hotline, police, 'send', {});
  await limit(police, hotline, 'receive', { perDay: 1, emergenciesPerDay: 1 });
  const first = await submit(11);
  await settled(first, 'submitted');
  await police.restart();
  const second = await submit(12);
  const put = await waiting(second, 'http-429');
  expect(Date.parse(put.nextAttemptAt ?? '')).toBeGreaterThanOrEqual(Date.parse(tomorrow) - 2000);
  await withdraw(hotline.running.exchange, first, { reason: 'sent-in-error', purge: true });
  await settled(first, 'withdrawn');
  const { items } = await police.ask('alert.list', {});
  expect(items.filter(({ urgent }) => !urgent)).toMatchObject([{ code: 'quota-exceeded', partner: hotline.issuer }]);
  expect(new Set(items.filter(({ urgent }) => urgent).map(({ code }) => code))).toEqual(new Set(['emergency-arrived']));
});
