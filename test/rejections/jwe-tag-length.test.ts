import { expect, test } from 'vitest';
import { makeJwe, readable } from '../support/encrypted.ts';
import { answer, encode, refusalOf } from '../support/tokens.ts';

test.each([0, 4, 8, 12, 15])('a tag cut to %d bytes, which is easier to guess, is refused', async (length) => {
  const parts = makeJwe().split('.');
  const tag = Buffer.from(parts[4] ?? '', 'base64url');
  parts[4] = encode(tag.subarray(0, length));
  expect(await refusalOf(parts.join('.'), readable)).toEqual(answer('invalid_request', 'iv-or-tag-invalid'));
});

test('a longer tag is refused', async () => {
  const parts = makeJwe().split('.');
  parts[4] = encode(Buffer.concat([Buffer.from(parts[4] ?? '', 'base64url'), Buffer.alloc(1)]));
  expect(await refusalOf(parts.join('.'), readable)).toEqual(answer('invalid_request', 'iv-or-tag-invalid'));
});
