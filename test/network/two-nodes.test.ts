import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createRevise } from '../../src/exchange/revise.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, introduce, openPolicy, type TestNode, testNode } from '../support/node.ts';
import { freshDatabase } from '../support/postgres.ts';

// A hotline on PostgreSQL and a police unit on the embedded store, over real HTTP on loopback.

let hotline: TestNode;
let police: TestNode;
let database: Awaited<ReturnType<typeof freshDatabase>>;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  hotline = await testNode({ name: 'Hotline A', database: database.url, withPrivate: true });
  police = await testNode({ name: 'Police B', type: 'law-enforcement', jurisdictions: ['NL'] });
  await befriendNode(hotline, police);
  await befriendNode(police, hotline);
});
afterAll(async () => {
  await hotline.remove();
  await police.remove();
  await database.drop();
});

async function deliveriesOf(node: TestNode, id: string) {
  const { deliveries } = await node.ask('reference.show', { id });
  return deliveries;
}

function settled(id: string, count = 1) {
  return eventually('every message receipted', async () => {
    const deliveries = await deliveriesOf(hotline, id);
    return deliveries.length === count && deliveries.every(({ state }) => state === 'receipted') && deliveries;
  });
}

async function submit(reference: Record<string, unknown>): Promise<string> {
  return (await hotline.ask('reference.submit', { reference })).reference.id;
}

describe('a reference that policy sends', () => {
  test('arrives, and its signed receipt settles it at the sender', async () => {
    const id = await submit(inventedReference(1));
    const [delivery] = await settled(id);
    expect(delivery).toMatchObject({ event: 'submitted', attempts: 1, receipt: { outcome: 'accepted' } });
    const there = await police.ask('reference.show', { id, originator: hotline.issuer, purpose: 'referral-review' });
    expect(there).toMatchObject({ direction: 'in', state: 'open', revision: 1, url: inventedReference(1).url });
  });

  test('is revised there when it is revised here, and the revision names what it supersedes', async () => {
    const id = await submit(inventedReference(2));
    const [first] = await settled(id);
    const { exchange } = hotline.running;
    const revised = await createRevise(exchange)(id, 1, { ...inventedReference(2), category: 'grooming' });
    expect(revised).toMatchObject({ reference: { revision: 2 } });
    const deliveries = await settled(id, 2);
    expect(deliveries.map(({ event }) => event)).toEqual(['revised', 'submitted']);
    expect(first?.digest).toMatch(/^S256:/);
    const there = await police.ask('reference.show', { id, originator: hotline.issuer });
    expect(there).toMatchObject({ revision: 2, category: 'grooming' });
  });

  test('is one of many that all arrive, numbered without holes', async () => {
    const lines = Array.from({ length: 300 }, (_, n) => ({
      line: n + 1,
      text: JSON.stringify(inventedReference(1000 + n)),
    }));
    await hotline.ask('reference.import', { lines });
    await eventually('an empty outbox', async () => {
      const { outbox } = await hotline.ask('status', {});
      const { items } = await hotline.ask('delivery.list', { state: 'sent', limit: 1 });
      return outbox.queued === 0 && items.length === 0;
    });
    const { items } = await hotline.ask('delivery.list', { state: 'receipted', limit: 500 });
    const numbers = items.map(({ seq }) => seq?.n ?? 0).sort((a, b) => a - b);
    expect(items.length).toBeGreaterThanOrEqual(300);
    expect(new Set(numbers).size).toBe(numbers.length);
    const own = await police.running.exchange.store.db
      .selectFrom('message')
      .select('n')
      .where('issuer', '=', hotline.issuer)
      .execute();
    const all = own.map(({ n }) => n ?? 0).sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: all.length }, (_, n) => n + 1));
  });

  test('waits while the recipient is away and goes when it is back', async () => {
    await police.stop();
    const id = await submit(inventedReference(3));
    await eventually('a failed attempt', async () => {
      const [delivery] = await deliveriesOf(hotline, id);
      return delivery?.lastCode === 'connection-refused';
    });
    await police.restart();
    const [delivery] = await deliveriesOf(hotline, id);
    await hotline.ask('delivery.retry', { id: delivery?.id ?? '' });
    expect((await settled(id))[0]).toMatchObject({ attempts: 2 });
  });

  test('survives a restart of the sender between the queue and the wire', async () => {
    await police.stop();
    const id = await submit(inventedReference(4));
    await hotline.restart();
    await police.restart();
    const [delivery] = await deliveriesOf(hotline, id);
    await hotline.ask('delivery.retry', { id: delivery?.id ?? '' });
    await settled(id);
  });
});

describe('the recipient’s policy', () => {
  const rule = (outcome: string) =>
    Object.fromEntries([
      ['id', 'now'],
      ['when', { category: ['*'] }],
      ['then', outcome],
    ]);
  const receive = async (outcome: string) => {
    const document = { ...openPolicy(hotline.issuer), receive: { rules: [rule(outcome)] } };
    await police.ask('policy.set', { issuer: hotline.issuer, document });
  };

  test.each([
    ['hold', { outcome: 'held', code: 'policy-held' }],
    ['refuse', { outcome: 'refused', code: 'policy-refused' }],
  ])('that says %s is told by the receipt', async (outcome, receipt) => {
    await receive(outcome);
    const id = await submit(inventedReference(outcome === 'hold' ? 50 : 51));
    const [delivery] = await settled(id);
    expect(delivery?.receipt).toMatchObject(receipt);
    await receive('accept');
  });
});

test('a published key set reaches the partner at once', async () => {
  const { seq, told } = await hotline.ask('keys.publish', {});
  expect(told).toEqual([{ partner: police.issuer, told: true }]);
  expect((await police.ask('partner.show', { issuer: hotline.issuer })).keySet.seq).toBe(seq);
});

test('nothing goes to a partner that is not confirmed', async () => {
  const other = await testNode({ name: 'Hotline C' });
  await introduce(hotline, other);
  const { decisions } = await hotline.ask('reference.submit', { reference: inventedReference(60) });
  expect(decisions.find(({ partner }) => partner === other.issuer)?.effect).not.toBe('send');
  await other.remove();
});

test('all listeners answer /health, and the private one has metrics without a name in them', async () => {
  const { addresses } = hotline.running;
  for (const address of Object.values(addresses)) expect((await fetch(`${address}/health`)).status).toBe(200);
  const metrics = await (await fetch(`${addresses.private}/metrics`)).text();
  expect(metrics).toMatch(/caseref_messages_sent_total\{outcome="accepted"\} [1-9]/);
  expect(metrics).not.toContain(police.issuer);
  expect((await fetch(`${addresses.private}/jwks.json`)).status).toBe(404);
});

test('no address and no handle stands in a log line of either node', () => {
  const lines = hotline.logged() + police.logged();
  expect(lines).not.toMatch(/host-\d+\.example|R-2026-/);
});
