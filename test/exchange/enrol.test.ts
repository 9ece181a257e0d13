import { afterAll, beforeAll, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { addPartner, confirmPartner } from '../../src/exchange/enrol.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { keyEntry, makeCard, makeKeySet } from '../support/introductions.ts';
import { testKey } from '../support/tokens.ts';

// A node that is not loopback: what it may exchange without encryption, and with whom.

let own: TestExchange;
beforeAll(async () => {
  own = await testExchange({ issuer: 'https://node.hotline-own.example' });
});
afterAll(() => own.close());

async function introduced(issuer: string, encryption: 'required' | 'none' | undefined) {
  const [key, signs] = [testKey(), testKey()];
  const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
  const claims = { iss: issuer, endpoints, keys: [keyEntry(signs)] };
  const keySet = makeKeySet({ ...claims, encryption }, { key });
  const added = await addPartner(
    own.exchange,
    makeCard({ iss: issuer, identity_key: key.jwk, key_set: keySet }, { key }),
  );
  if (isRefusal(added)) throw new Error(added.message);
  return added;
}

test('a card says at once that this release may not exchange with its node', async () => {
  expect(await introduced('https://a.example', 'none')).toMatchObject({ state: 'pending', exchangeable: false });
});

test('a node is not confirmed without encryption, and no way around it is suggested', async () => {
  const { issuer, fingerprint } = await introduced('https://b.example', 'none');
  const refused = await confirmPartner(own.exchange, { issuer, fingerprint });
  expect(refused).toMatchObject({ code: 'encryption-required', pointer: '/issuer' });
  expect(JSON.stringify(refused)).not.toContain('--foreign');
});

test('one whose key set says that encryption is required is no foreign client', async () => {
  const { issuer, fingerprint } = await introduced('https://c.example', 'required');
  const refused = await confirmPartner(own.exchange, { issuer, fingerprint, foreign: true });
  expect(refused).toMatchObject({ code: 'encryption-required', pointer: '/foreign' });
});

test.each(['none', undefined] as const)('one that says %s is, by the operator’s word', async (encryption) => {
  const { issuer, fingerprint } = await introduced(`https://d-${encryption}.example`, encryption);
  const confirmed = await confirmPartner(own.exchange, { issuer, fingerprint, foreign: true });
  expect(confirmed).toMatchObject({ state: 'active', foreign: true });
});
