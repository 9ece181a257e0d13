import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf, testKey } from '../support/tokens.ts';

test('a token signed with ES256 under the kid of an Ed25519 key is refused', async () => {
  const token = makeToken({ key: testKey('ES256'), header: { ...honestHeader(), alg: 'ES256' } });
  expect(await refusalOf(token)).toEqual(answer('invalid_key', 'alg-mismatch'));
});
