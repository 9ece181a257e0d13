import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { confirmPartner } from '../../src/exchange/confirm.ts';
import { createDelivery } from '../../src/exchange/deliver.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { createHalt } from '../../src/exchange/halt.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createPollServer } from '../../src/exchange/poll-server.ts';
import { createShare } from '../../src/exchange/share.ts';
import { encryptionKeyPair } from '../support/encrypted.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { policyFor } from '../support/foreign-partner.ts';
import { keyEntry, makeCard, makeKeySet } from '../support/introductions.ts';
import { inventedReference } from '../support/invented.ts';
import { eventually } from '../support/node.ts';
import { now, testKey } from '../support/tokens.ts';

// An encryption key that is pinned and cannot be used. What cannot be encrypted is a dead letter that a person sees, and is not
// tried at every lease without end.

let node: TestExchange;
let shared = 0;
let met = 0;
beforeAll(async () => {
  node = await testExchange({ issuer: 'http://127.0.0.1:1' });
});
afterAll(() => node.close());

let issuer: string;
beforeEach(async () => {
  issuer = `http://127.0.0.1:${20 + met}`;
  met += 1;
  const key = testKey();
  const { jwk, kid } = encryptionKeyPair();
  const entry = { ...jwk, kid, alg: 'ECDH-ES', use: 'enc', nbf: now - 86_400, exp: now + 86_400 };
  const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
  const key_set = makeKeySet({ iss: issuer, endpoints, keys: [keyEntry(testKey()), entry] }, { key });
  const added = await addPartner(node.exchange, makeCard({ iss: issuer, identity_key: key.jwk, key_set }, { key }));
  expect(added).toMatchObject({ fingerprint: expect.any(String) });
  const { fingerprint } = added as { fingerprint: string };
  expect(await confirmPartner(node.exchange, { issuer, fingerprint, foreign: false })).not.toHaveProperty('code');
});

async function share(transport: 'push' | 'poll'): Promise<void> {
  const rule = Object.fromEntries([
    ['id', 'all'],
    ['when', { category: ['csam'] }],
    ['then', 'send'],
  ]);
  const policy = policyFor(issuer, { send: { rules: [rule], transport }, security: { encryption: 'required' } });
  expect(await setPolicy(node.exchange, issuer, policy)).toMatchObject({ version: 1 });
  await spoilKey();
  const answered = await createShare(node.exchange)({ ...inventedReference(shared++), category: 'csam' });
  expect(Array.isArray(answered)).toBe(false);
}

/** Puts a key for signatures in the place of the one that was read from the store: no key agreement accepts it. */
async function spoilKey(): Promise<void> {
  const { publicKey } = generateKeyPairSync('ed25519');
  const key = await crypto.subtle.importKey('jwk', publicKey.export({ format: 'jwk' }), 'Ed25519', true, ['verify']);
  const { partners } = await node.exchange.directory.within(node.exchange.store.db);
  const listed = [...(partners.get(issuer)?.keys.keys.values() ?? [])].filter(({ use }) => use === 'enc');
  expect(listed).toHaveLength(1);
  for (const one of listed) Object.assign(one, { key });
}

const standing = () =>
  node.exchange.store.db
    .selectFrom('delivery')
    .select(['state', 'last_code'])
    .where('partner', '=', issuer)
    .executeTakeFirst();

test('a message that cannot be encrypted for a push is given up', async () => {
  await share('push');
  const delivery = createDelivery(node.exchange, createHalt(node.exchange));
  delivery.wake();
  await eventually('a dead letter', async () => (await standing())?.state === 'dead');
  expect(await standing()).toEqual({ state: 'dead', last_code: 'internal' });
  await delivery.stop(5000);
});

test('a message that cannot be encrypted for a poll is given up, and the poll is answered', async () => {
  await share('poll');
  const caller = { issuer } as Parameters<ReturnType<typeof createPollServer>['poll']>[0];
  const polls = createPollServer(node.exchange);
  const { answer } = await polls.poll(caller, { returnImmediately: true }, new AbortController().signal);
  expect(answer).toEqual({ sets: {}, moreAvailable: false });
  expect(await standing()).toEqual({ state: 'dead', last_code: 'internal' });
});
