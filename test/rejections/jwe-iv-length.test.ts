import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each([1, 8, 11, 13, 16, 32])('an initialisation vector of %d bytes is refused', async (ivBytes) => {
  expect(await refusalOf(makeJwe({ ivBytes }))).toEqual(answer('invalid_request', 'iv-or-tag-invalid'));
});

test('one of none is refused', async () => {
  const parts = makeJwe().split('.');
  parts[2] = '';
  expect(await refusalOf(parts.join('.'))).toEqual(answer('invalid_request', 'iv-or-tag-invalid'));
});
