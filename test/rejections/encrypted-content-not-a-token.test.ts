import { expect, test } from 'vitest';
import { makeJwe, readable } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each([
  ['nothing', '', 'parts-invalid'],
  ['JSON', '{"iss":"https://node.hotline-a.example"}', 'base64url-not-canonical'],
  ['two parts', 'e30.e30', 'parts-invalid'],
  ['four parts', 'e30.e30.e30.e30', 'parts-invalid'],
  ['three parts that are no token', 'e30.e30.e30', 'alg-missing'],
  ['bytes that are no text', Buffer.from([0xff, 0x2e, 0xfe, 0x2e, 0xfd]), 'base64url-not-canonical'],
] as const)('an encrypted token with %s inside is refused', async (_, content, reason) => {
  expect(await refusalOf(makeJwe({ content }), readable)).toEqual(answer('invalid_request', reason));
});
