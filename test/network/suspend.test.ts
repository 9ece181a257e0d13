import { afterAll, beforeAll, expect, test } from 'vitest';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, introduce, openPolicy, type TestNode, testNode } from '../support/node.ts';

// Two nodes on the embedded store; one of them suspends the other.

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

async function submit(n: number): Promise<string> {
  return (await hotline.ask('reference.submit', { reference: inventedReference(n) })).reference.id;
}

function delivery(id: string, event: string, fits: (one: { lastCode?: string; state: string }) => boolean) {
  return eventually(`${event} as expected`, async () => {
    const { deliveries } = await hotline.ask('reference.show', { id });
    return deliveries.find((one) => one.event === event && fits(one));
  });
}

const receipted = ({ state }: { state: string }) => state === 'receipted';

test('what a suspended partner pushes is answered access_denied, except a withdrawal, and goes on after the end', async () => {
  const before = await submit(1);
  await delivery(before, 'submitted', receipted);
  await police.ask('partner.suspend', { issuer: hotline.issuer, reason: 'its node is examined' });
  expect(await police.ask('partner.show', { issuer: hotline.issuer })).toMatchObject({
    state: 'suspended',
    stateReason: 'its node is examined',
  });

  const stopped = await submit(2);
  const refused = await delivery(stopped, 'submitted', ({ lastCode }) => lastCode === 'access_denied');
  expect(refused.state).toBe('queued');
  await hotline.ask('reference.withdraw', { id: before, reason: 'sent-in-error', purge: false });
  const withdrawn = await delivery(before, 'withdrawn', receipted);
  expect(withdrawn.receipt).toMatchObject({ outcome: 'held' });

  await police.ask('partner.resume', { issuer: hotline.issuer });
  await hotline.ask('delivery.retry', { id: refused.id });
  await delivery(stopped, 'submitted', receipted);
  const { items } = await police.ask('events', { limit: 500 });
  const told = items.filter(({ type }) => type === 'partner.suspended' || type === 'partner.resumed');
  expect(told).toMatchObject([
    { type: 'partner.suspended', partner: hotline.issuer, detail: { reason: 'its node is examined' } },
    { type: 'partner.resumed', partner: hotline.issuer },
  ]);
});

test('to a partner that we suspended nothing goes but withdrawals, and what was shared meanwhile goes by itself after it', async () => {
  const before = await submit(3);
  await delivery(before, 'submitted', receipted);
  const { suspended, noLongerAllowed } = await hotline.ask('partner.suspend', {
    all: true,
    reason: 'our own node is examined',
  });
  expect(suspended).toEqual([police.issuer]);
  expect(noLongerAllowed).toMatchObject([{ partner: police.issuer, complete: true }]);
  const { decisions, reference } = await hotline.ask('reference.submit', { reference: inventedReference(4) });
  expect(decisions).toMatchObject([{ partner: police.issuer, effect: expect.not.stringMatching(/^send$/) }]);
  await hotline.ask('reference.withdraw', { id: before, reason: 'sent-in-error', purge: false });
  await delivery(before, 'withdrawn', receipted);
  expect((await hotline.ask('reference.show', { id: reference.id })).deliveries).toEqual([]);
  await hotline.ask('partner.resume', { issuer: police.issuer });
  await delivery(await submit(5), 'submitted', receipted);
  await delivery(reference.id, 'submitted', receipted);
});

test('what was shared while a partner was pending goes by itself once it is confirmed and has a policy', async () => {
  const clearing = await testNode({ name: 'Hotline C', jurisdictions: ['AT'] });
  try {
    await befriendNode(clearing, hotline);
    const { fingerprint } = await introduce(hotline, clearing);
    const id = await submit(8);
    const toClearing = async () =>
      (await hotline.ask('reference.show', { id })).decisions.find(({ partner }) => partner === clearing.issuer);
    expect(await toClearing()).toMatchObject({ effect: 'withhold', rule: 'no-policy' });
    await hotline.ask('partner.confirm', { issuer: clearing.issuer, fingerprint });
    await hotline.ask('policy.set', { issuer: clearing.issuer, document: openPolicy(clearing.issuer) });
    await eventually('the new partner has it', async () => {
      const { items } = await clearing.ask('reference.list', { limit: 10 });
      return items.some((one) => one.id === id);
    });
    expect(await toClearing()).toMatchObject({ effect: 'send' });
  } finally {
    await clearing.remove();
  }
});

test('a policy that names other algorithms takes no message of the partner, and one without names takes it', async () => {
  const document = openPolicy(hotline.issuer);
  await police.ask('policy.set', { issuer: hotline.issuer, document: { ...document, security: { algs: ['ES256'] } } });
  const id = await submit(6);
  const refused = await delivery(id, 'submitted', ({ lastCode }) => lastCode === 'invalid_key');
  await police.ask('policy.set', {
    issuer: hotline.issuer,
    document: { ...document, security: { algs: ['Ed25519'] } },
  });
  await hotline.ask('delivery.retry', { id: refused.id });
  await delivery(id, 'submitted', receipted);
});

test('a reference of a partner is shown by its id alone', async () => {
  const id = await submit(7);
  await delivery(id, 'submitted', receipted);
  expect(await police.ask('reference.show', { id })).toMatchObject({ originator: hotline.issuer, direction: 'in' });
});
