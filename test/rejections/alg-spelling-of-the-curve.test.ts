import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, recordOf, refusalOf, testKey } from '../support/tokens.ts';

test('a token by an Ed25519 key that says EdDSA is refused, though the signature is good', async () => {
  const token = makeToken({ header: { ...honestHeader(), alg: 'EdDSA' } });
  expect(await refusalOf(token)).toEqual(answer('invalid_key', 'alg-mismatch'));
});

test('a token by an EdDSA key that says Ed25519 is refused, though the signature is good', async () => {
  const key = testKey('EdDSA');
  const token = makeToken({ key, header: { ...honestHeader(key), alg: 'Ed25519' } });
  expect(await refusalOf(token, { keys: [recordOf(key)] })).toEqual(answer('invalid_key', 'alg-mismatch'));
});
