import { expect, test } from 'vitest';
import { makeJwe, readable } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each([1, 32, 40, 256])('a second part of %d bytes is refused', async (length) => {
  const jwe = makeJwe({ encryptedKey: Buffer.alloc(length, 7) });
  expect(await refusalOf(jwe)).toEqual(answer('invalid_request', 'encrypted-key-not-empty'));
  expect(await refusalOf(jwe, readable)).toEqual(answer('invalid_request', 'encrypted-key-not-empty'));
});
