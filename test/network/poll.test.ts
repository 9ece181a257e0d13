import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRevise } from '../../src/exchange/revise.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, openPolicy, type TestNode, testNode } from '../support/node.ts';

// A hotline that everybody can reach and a police unit that takes no inbound connection, over real HTTP on loopback.

let hotline: TestNode;
let police: TestNode;

beforeAll(async () => {
  hotline = await testNode({ name: 'Hotline A' });
  police = await testNode({ name: 'Police B', type: 'law-enforcement', jurisdictions: ['NL'], pollOnly: true });
  await befriendNode(hotline, police);
  await befriendNode(police, hotline);
});
afterAll(async () => {
  await police.remove();
  await hotline.remove();
});

const submit = async (node: TestNode, n: number): Promise<string> =>
  (await node.ask('reference.submit', { reference: inventedReference(n) })).reference.id;

const settled = (node: TestNode, id: string, count = 1) =>
  eventually('every message receipted', async () => {
    const { deliveries } = await node.ask('reference.show', { id });
    return deliveries.length === count && deliveries.every(({ state }) => state === 'receipted') && deliveries;
  });

const there = (node: TestNode, from: TestNode, id: string) =>
  node.ask('reference.show', { id, originator: from.issuer, purpose: 'referral-review' });

/** What one node has sent as sent, acknowledged and answered, receipts included, is what the other one stored. */
async function expectSame(from: TestNode, to: TestNode): Promise<void> {
  const sent = from.running.exchange.store.db
    .selectFrom('delivery')
    .select(['jti', 'n'])
    .where('partner', '=', to.issuer);
  const rows = await sent.where('state', 'in', ['sent', 'receipted']).execute();
  const kept = to.running.exchange.store.db
    .selectFrom('message')
    .select(['jti', 'n'])
    .where('issuer', '=', from.issuer);
  const came = await kept.execute();
  const names = (list: readonly { jti: string }[]) => list.map(({ jti }) => jti).sort();
  expect(names(came)).toEqual(names(rows));
  const numbers = came.map(({ n }) => n ?? 0).sort((a, b) => a - b);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
}

const quiet = (node: TestNode) =>
  eventually('an empty outbox', async () => {
    const { db } = node.running.exchange.store;
    const waits = await db
      .selectFrom('delivery')
      .select('id')
      .where('state', '=', 'queued')
      .limit(1)
      .executeTakeFirst();
    return waits === undefined;
  });

describe('between a node and one that only polls', () => {
  test('a reference is fetched, and its receipt is pushed back', async () => {
    const id = await submit(hotline, 1);
    const [delivery] = await settled(hotline, id);
    expect(delivery).toMatchObject({ event: 'submitted', attempts: 1, receipt: { outcome: 'accepted' } });
    expect(await there(police, hotline, id)).toMatchObject({
      direction: 'in',
      state: 'open',
      url: inventedReference(1).url,
    });
  });

  test('a reference is pushed, and its receipt is fetched', async () => {
    const id = await submit(police, 2);
    const [delivery] = await settled(police, id);
    expect(delivery?.receipt).toMatchObject({ outcome: 'accepted' });
    expect(await there(hotline, police, id)).toMatchObject({ direction: 'in', state: 'open' });
  });

  test('a revision and a withdrawal come after what they speak of', async () => {
    const id = await submit(hotline, 3);
    await settled(hotline, id);
    const { exchange } = hotline.running;
    await createRevise(exchange)(id, 1, { ...inventedReference(3), category: 'grooming' });
    await settled(hotline, id, 2);
    expect(await there(police, hotline, id)).toMatchObject({ revision: 2, category: 'grooming' });
    await hotline.ask('reference.withdraw', { id, reason: 'sent-in-error', purge: true });
    await settled(hotline, id, 3);
    expect(await there(police, hotline, id)).toMatchObject({ state: 'sealed' });
  });

  test('many come in order and without holes', async () => {
    const lines = (from: number) =>
      Array.from({ length: 400 }, (_, n) => ({ line: n + 1, text: JSON.stringify(inventedReference(from + n)) }));
    await Promise.all([
      hotline.ask('reference.import', { lines: lines(1000) }),
      police.ask('reference.import', { lines: lines(2000) }),
    ]);
    await quiet(hotline);
    await quiet(police);
    await expectSame(hotline, police);
    await expectSame(police, hotline);
  });

  test('what is queued while the poller is away is fetched when it is back', async () => {
    await police.stop();
    const id = await submit(hotline, 4);
    const { items } = await hotline.ask('delivery.list', { state: 'queued' });
    expect(items[0]).toMatchObject({ lastCode: 'waits-to-be-fetched', attempts: 0 });
    await police.restart();
    await settled(hotline, id);
  });

  test('what is queued while the polled one restarts is fetched from it as soon as it is back', async () => {
    const id = await submit(hotline, 5);
    await hotline.restart();
    await settled(hotline, id);
  });

  test('what was stopped between answer and acknowledgement arrives once', async () => {
    for (let round = 0; round < 3; round += 1) {
      const ids = await Promise.all([0, 1, 2].map((n) => submit(hotline, 600 + round * 3 + n)));
      await police.restart();
      for (const id of ids) {
        const { db } = hotline.running.exchange.store;
        // What was offered to a poll that broke off is offered again after a minute; nobody here wants to wait for it.
        await db
          .updateTable('delivery')
          .set({ lease_until: new Date(0) })
          .where('state', '=', 'queued')
          .execute();
        await settled(hotline, id);
      }
    }
    await quiet(hotline);
    await expectSame(hotline, police);
  });

  test('a policy that says poll lets messages wait although there is an address', async () => {
    const document = openPolicy(hotline.issuer);
    const send = { ...(document.send as Record<string, unknown>), transport: 'poll' };
    await police.ask('policy.set', { issuer: hotline.issuer, document: { ...document, send } });
    const id = await submit(police, 7);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { deliveries } = await police.ask('reference.show', { id });
    expect(deliveries[0]).toMatchObject({ state: 'queued', attempts: 0 });
    await police.ask('policy.set', { issuer: hotline.issuer, document });
    await settled(police, id);
  });

  test('everything goes encrypted where the policies say so', async () => {
    for (const [node, partner] of [
      [hotline, police],
      [police, hotline],
    ] as const) {
      const document = { ...openPolicy(partner.issuer), security: { encryption: 'required' } };
      await node.ask('policy.set', { issuer: partner.issuer, document });
    }
    const [out, back] = [await submit(hotline, 8), await submit(police, 9)];
    expect((await settled(hotline, out))[0]?.receipt).toMatchObject({ outcome: 'accepted' });
    expect((await settled(police, back))[0]?.receipt).toMatchObject({ outcome: 'accepted' });
  });

  test('doctor says who asked and who answered', async () => {
    const served = (await hotline.ask('doctor', {})).findings.find(({ code }) => code === 'poll-served');
    expect(served?.message).toContain(`fetched by ${police.issuer}; it asked last`);
    const asked = (await police.ask('doctor', {})).findings.find(({ code }) => code === 'poll-asked');
    expect(asked?.message).toContain(`We fetch from ${hotline.issuer}; it answered last`);
  });

  test('no address stands in a log line of either node', () => {
    expect(hotline.logged() + police.logged()).not.toMatch(/host-\d+\.example|R-2026-/);
  });
});
