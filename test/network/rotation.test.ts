import { afterAll, beforeAll, expect, test } from 'vitest';
import { befriendNode, eventually, introduce, type TestNode, testNode } from '../support/node.ts';

const HOUR_MS = 3_600_000;
let ahead = 0;
const clock = () => Date.now() + ahead;
let own: TestNode;
let partner: TestNode;
let stranger: TestNode;

beforeAll(async () => {
  [own, partner, stranger] = [await testNode({ clock }), await testNode({ clock }), await testNode({ clock })];
  await befriendNode(own, partner);
  await befriendNode(partner, own);
  await introduce(own, stranger);
});
afterAll(() => Promise.all([own, partner, stranger].map((node) => node?.remove())));

test('a rotation tells confirmed partners at once, and the running node carries it out', async () => {
  const plan = await own.ask('keys.rotation', {});
  expect(plan).toMatchObject({ publishes: true, tells: [partner.issuer] });
  const made = await own.ask('keys.rotate', {});
  expect(made.publication).toMatchObject({ told: [{ partner: partner.issuer, told: true }] });
  const { keys } = await partner.ask('partner.show', { issuer: own.issuer });
  expect(keys.map(({ kid }) => kid)).toContain(made.kid);

  ahead = 3 * HOUR_MS;
  const stateOf = async (kid: string | undefined) =>
    (await own.ask('keys.list', {})).keys.find((key) => key.kid === kid)?.state;
  await eventually('the new key is in use', async () => (await stateOf(made.kid)) === 'active');
  expect(await stateOf(plan.replaces)).toBe('replaced');
  ahead = 4 * HOUR_MS;
  await eventually('the old one is destroyed', async () => (await stateOf(plan.replaces)) === 'retired');
});

test('the documents for foreign clients name the signing keys of now, and no encryption key', async () => {
  const jwks = (await (await fetch(`${own.issuer}/jwks.json`)).json()) as { keys: { use: string; kid: string }[] };
  const { keys } = await own.ask('keys.list', {});
  expect(jwks.keys.map(({ kid }) => kid)).toEqual(keys.filter(({ use }) => use === 'sig').map(({ kid }) => kid));
  const about = (await (await fetch(`${own.issuer}/.well-known/caseref-node`)).json()) as Record<string, unknown>;
  expect(about).toMatchObject({ algorithms: ['Ed25519', 'EdDSA', 'ES256', 'ML-DSA-65'], encryption: 'none' });
});
