import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, type TestNode, testNode } from '../support/node.ts';

// A node whose store is put back beside a partner that takes no inbound connection: nobody can ask that one for anything, so
// that it has to notice by itself, and to say once more what the other one may have lost.

let node: TestNode;
let police: TestNode;
beforeEach(async () => {
  node = await testNode({ name: 'Hotline A' });
  police = await testNode({ name: 'Police B', type: 'law-enforcement', jurisdictions: ['NL'], pollOnly: true });
  await befriendNode(node, police);
  await befriendNode(police, node);
});
afterEach(async () => {
  await police.remove();
  await node.remove();
});

async function save(): Promise<void> {
  await node.stop();
  await cp(join(node.directory, 'store'), join(node.directory, '..', 'saved'), { recursive: true });
  await node.restart();
}

async function putBack(): Promise<void> {
  await node.stop();
  await rm(join(node.directory, 'store'), { recursive: true });
  await rename(join(node.directory, '..', 'saved'), join(node.directory, 'store'));
  await node.restart();
}

const share = async (from: TestNode, n: number) =>
  (await from.ask('reference.submit', { reference: { ...inventedReference(n), category: 'csam' } })).reference.id;

const answered = (from: TestNode, id: string, event: string) =>
  eventually(`${event} of ${id} is answered`, async () =>
    (await from.ask('reference.show', { id })).deliveries.some(
      (one) => one.event === event && one.receipt !== undefined && one.receipt !== null,
    ),
  );

async function shared(from: TestNode, n: number): Promise<string> {
  const id = await share(from, n);
  await answered(from, id, 'submitted');
  return id;
}

async function visible(at: TestNode, from: TestNode): Promise<string[]> {
  const { items } = await at.ask('reference.list', { limit: 500, partner: from.issuer, direction: 'in' });
  return items.map(({ id }) => id).sort();
}

test('it has everything back without a person, and sends again what it had queued', async () => {
  const [kept, gone] = [await shared(police, 1), await shared(police, 2)];
  const before = await shared(node, 3);
  await save();
  await police.ask('reference.withdraw', { id: gone, reason: 'sent-in-error', purge: true });
  await answered(police, gone, 'withdrawn');
  const late = await shared(police, 4);
  await putBack();

  const recovery = await eventually('it has everything back', async () => {
    const { recovery: one } = await node.ask('reconcile', { issuer: police.issuer, look: true });
    return one?.references === 'open' && one.sending === 'resumed' && one;
  });
  expect(recovery).toMatchObject({ because: 'store-restored', waitsFor: [] });
  expect(await visible(node, police)).toEqual([kept, late].sort());
  const shown = await node.ask('reference.show', { id: gone, originator: police.issuer });
  expect(['sealed', 'purged']).toContain(shown.state);

  const after = await shared(node, 5);
  expect(await visible(police, node)).toEqual([before, after].sort());
  const feed = (await police.ask('events', { limit: 500 })).items;
  expect(feed.filter(({ type }) => type === 'replay.granted')).toMatchObject([
    { partner: node.issuer, code: 'new-epoch' },
  ]);
  expect(feed.filter(({ type }) => type === 'message.conflict' || type === 'message.refused')).toEqual([]);
  const { items } = await node.ask('alert.list', {});
  expect(items.map(({ code }) => code)).toEqual([]);
}, 60_000);
