import { expect, test } from 'vitest';
import { encryption, makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test('a content key that both sides are said to know is refused', async () => {
  const header = { alg: 'dir', epk: undefined };
  expect(await refusalOf(makeJwe({ header }))).toEqual(answer('invalid_key', 'alg-mismatch'));
});

test('one under the public key as if it were a secret is refused', async () => {
  const secret = Buffer.from(encryption.jwk.x, 'base64url');
  expect(await refusalOf(makeJwe({ header: { alg: 'dir' }, secret }))).toEqual(answer('invalid_key', 'alg-mismatch'));
});
