import { expect, test } from 'vitest';
import { identity, keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer, honestHeader, operational, testKey } from '../support/tokens.ts';

test('a key set signed by a new identity key is never taken by itself', async () => {
  expect(await keySetRefusal(makeKeySet({}, { key: testKey() }))).toEqual(answer('invalid_key', 'not-identity-key'));
});

test('an operational key cannot sign a key set', async () => {
  expect(await keySetRefusal(makeKeySet({}, { key: operational }))).toEqual(answer('invalid_key', 'not-identity-key'));
});

test('a key set that names the identity key and was signed by another is refused', async () => {
  const header = honestHeader(identity, 'jwk-set+jwt');
  expect(await keySetRefusal(makeKeySet({}, { key: testKey(), header }))).toEqual(
    answer('authentication_failed', 'signature-invalid'),
  );
});

test('a key set under another algorithm than the identity key names is refused', async () => {
  const header = { ...honestHeader(identity, 'jwk-set+jwt'), alg: 'EdDSA' };
  const identityKey = { ...identity.jwk, alg: 'Ed25519' };
  expect(await keySetRefusal(makeKeySet({}, { header }), { identityKey })).toEqual(
    answer('invalid_key', 'alg-mismatch'),
  );
});
