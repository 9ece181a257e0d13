import { afterAll, beforeAll, expect, test } from 'vitest';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, type TestNode, testNode } from '../support/node.ts';

// A hotline loses its identity key, makes another one, and the police unit takes it after a telephone call. Real nodes.

let hotline: TestNode;
let police: TestNode;
let former = '';

beforeAll(async () => {
  [hotline, police] = await Promise.all([
    testNode({ name: 'Hotline A' }),
    testNode({ name: 'Police B', type: 'law-enforcement', jurisdictions: ['NL'] }),
  ]);
  await befriendNode(hotline, police);
  await befriendNode(police, hotline);
  former = (await hotline.ask('keys.fingerprint', {})).fingerprint;
});
afterAll(async () => {
  await hotline.remove();
  await police.remove();
});

async function receipted(n: number): Promise<void> {
  const { reference } = await hotline.ask('reference.submit', { reference: inventedReference(n) });
  await eventually(`the receipt of ${n}`, async () => {
    const { deliveries } = await hotline.ask('reference.show', { id: reference.id });
    return deliveries.find(({ event, state }) => event === 'submitted' && state === 'receipted');
  });
}

const seenByPolice = () => police.ask('partner.show', { issuer: hotline.issuer });

test('a check of a partner in order finds nothing bad', async () => {
  const check = await police.ask('partner.check', { issuer: hotline.issuer });
  expect(check, JSON.stringify(check.findings)).toMatchObject({ well: true });
  const codes = check.findings.map(({ code }) => code);
  expect(codes).toEqual(expect.arrayContaining(['round-trip', 'reachability', 'key-set', 'algorithm', 'policy']));
  expect(codes).toEqual(expect.arrayContaining(['signing-key', 'encryption']));
});

const submit = async (n: number) =>
  (await hotline.ask('reference.submit', { reference: inventedReference(n) })).reference.id;
const doctorOf = async (node: TestNode) => (await node.ask('doctor', {})).findings.map(({ code }) => code);

test('a new identity is pushed in vain, and the doctor says so: what is sent waits until a person confirms', async () => {
  await receipted(1);
  await hotline.ask('keys.new-identity', { reason: 'the safe was broken into', keepKeys: true });
  const { told } = await hotline.ask('keys.publish', {});
  expect(told).toEqual([{ partner: police.issuer, told: false, refused: 'invalid_key' }]);
  expect(await seenByPolice()).toMatchObject({ fingerprint: former });
  expect(await doctorOf(hotline)).toContain('identity-unconfirmed');
  await submit(2);
});

test('its card waits, with the alert, and the check says so', async () => {
  const { card } = await hotline.ask('card', {});
  const { fingerprint } = await hotline.ask('keys.fingerprint', {});
  expect(await police.ask('partner.update', { card })).toMatchObject({ replaces: former, fingerprint });
  expect(await seenByPolice()).toMatchObject({ fingerprint: former, replacement: { fingerprint } });
  const { well, findings } = await police.ask('partner.check', { issuer: hotline.issuer });
  expect(well).toBe(false);
  expect(findings).toEqual(expect.arrayContaining([expect.objectContaining({ code: 'identity-changed' })]));
});

test('after the call the new identity counts, and what came since the loss is suspect', async () => {
  const { fingerprint, spoken } = await hotline.ask('keys.fingerprint', {});
  const confirmed = await police.ask('partner.confirm', {
    issuer: hotline.issuer,
    fingerprint: spoken.replaceAll(' ', '. '),
    suspectSince: 'unknown',
  });
  expect(confirmed).toMatchObject({ state: 'active', fingerprint, replaced: former, type: 'hotline' });
  const partner = await seenByPolice();
  expect(partner).toMatchObject({ fingerprint, state: 'active' });
  expect(partner.suspect.items.filter(({ event }) => event === 'submitted')).toHaveLength(1);
  const { items } = await police.ask('events', { limit: 500 });
  const types = items.filter((one) => one.partner === hotline.issuer).map(({ type }) => type);
  expect(types).toEqual(expect.arrayContaining(['partner.replacement-offered', 'partner.replaced', 'message.suspect']));
});

test('the exchange goes on under the new identity, what is ours is said again, and the marks and the alert go', async () => {
  const { told } = await hotline.ask('keys.publish', {});
  expect(told).toEqual([{ partner: police.issuer, told: true }]);
  await receipted(4);
  await eventually('no message is in doubt', async () => (await seenByPolice()).suspect.count === 0);
  await eventually('the alert is over', async () => {
    const { items } = await police.ask('alert.list', {});
    return !items.some(({ code }) => code === 'messages-suspect');
  });
  expect(await doctorOf(hotline)).not.toContain('identity-unconfirmed');
});
