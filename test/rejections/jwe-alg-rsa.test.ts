import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each(['RSA-OAEP', 'RSA-OAEP-256', 'RSA1_5'])('an encrypted token of %s is refused', async (alg) => {
  const jwe = makeJwe({ header: { alg, epk: undefined }, encryptedKey: Buffer.alloc(256, 7) });
  expect(await refusalOf(jwe)).toEqual(answer('invalid_key', 'alg-mismatch'));
});
