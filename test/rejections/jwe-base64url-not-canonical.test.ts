import { expect, test } from 'vitest';
import { makeJwe, readable } from '../support/encrypted.ts';
import { answer, refusalOf, taken } from '../support/tokens.ts';

test.each([0, 1, 2, 3, 4])('padding, white space or a newline in part %d is refused', async (part) => {
  for (const stray of ['=', ' ', '\n', '+', '/', 'é']) {
    const parts = makeJwe().split('.');
    parts[part] += stray;
    expect(await refusalOf(parts.join('.'), readable)).toEqual(answer('invalid_request', 'base64url-not-canonical'));
  }
});

test('stray bits in the last character of the tag are refused', async () => {
  const jwe = makeJwe();
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  // The last character of 16 bytes holds two bits: one more is a stray one.
  const respelled = jwe.slice(0, -1) + alphabet[alphabet.indexOf(jwe.slice(-1)) + 1];
  expect((await taken(jwe, readable)).encrypted).toBe(true);
  expect(await refusalOf(respelled, readable)).toEqual(answer('invalid_request', 'base64url-not-canonical'));
});
