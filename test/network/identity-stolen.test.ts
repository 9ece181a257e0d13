import { afterAll, beforeAll, expect, test } from 'vitest';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, type TestNode, testNode } from '../support/node.ts';

// Everything of a hotline was stolen, the identity key included. While the old identity is still trusted, it tells partners
// that the operational keys count no more; the new one is then taken after a telephone call.

let hotline: TestNode;
let police: TestNode;

beforeAll(async () => {
  [hotline, police] = await Promise.all([
    testNode({ name: 'Hotline A' }),
    testNode({ name: 'Police B', type: 'law-enforcement', jurisdictions: ['NL'] }),
  ]);
  await befriendNode(hotline, police);
  await befriendNode(police, hotline);
});
afterAll(async () => {
  await hotline.remove();
  await police.remove();
});

const submit = async (n: number) =>
  (await hotline.ask('reference.submit', { reference: inventedReference(n) })).reference.id;
const receipted = (id: string) =>
  eventually('the receipt', async () => {
    const { deliveries } = await hotline.ask('reference.show', { id });
    return deliveries.find(({ event, state }) => event === 'submitted' && state === 'receipted');
  });
const seenByPolice = () => police.ask('partner.show', { issuer: hotline.issuer });

test('partners learn at once, under the old identity, that the stolen keys count no more', async () => {
  await receipted(await submit(1));
  const { keys } = await hotline.ask('keys.list', {});
  const since = new Date().toISOString();
  const made = await hotline.ask('keys.new-identity', { reason: 'the machine was stolen', since });
  expect(made.revoked.map(({ kid }) => kid).toSorted()).toEqual(keys.map(({ kid }) => kid).toSorted());
  expect(made.forewarned).toEqual({ told: [{ partner: police.issuer, told: true }] });
  const pinned = (await seenByPolice()).keys;
  for (const { kid } of keys)
    expect(pinned.find((key) => key.kid === kid)).toMatchObject({ revokedReason: 'compromised' });
});

test('what is sent meanwhile waits, and arrives unmarked after the call', async () => {
  const id = await submit(2);
  const { card } = await hotline.ask('card', {});
  await police.ask('partner.update', { card });
  const { fingerprint } = await hotline.ask('keys.fingerprint', {});
  await police.ask('partner.confirm', { issuer: hotline.issuer, fingerprint, suspectSince: 'unknown' });
  await hotline.ask('keys.publish', {});
  const waiting = (await hotline.ask('delivery.list', { state: 'queued' })).items;
  for (const one of waiting) await hotline.ask('delivery.retry', { id: one.id });
  await receipted(id);
  await eventually('what is ours was said again', async () => (await seenByPolice()).suspect.count === 0);
});
