import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test('a content key from a password, which would cost us its rounds, is refused', async () => {
  const header = { alg: 'PBES2-HS256+A128KW', p2s: 'AAAAAAAAAAAAAAAAAAAAAA', p2c: 2_000_000_000, epk: undefined };
  const jwe = makeJwe({ header, encryptedKey: Buffer.alloc(24, 7) });
  expect(await refusalOf(jwe)).toEqual(answer('invalid_key', 'alg-mismatch'));
});
