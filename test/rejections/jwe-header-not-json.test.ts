import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each([
  ['', 'not-json'],
  ['alg', 'not-json'],
  ['[]', 'header-not-object'],
  ['null', 'header-not-object'],
  ['\ufeff{}', 'byte-order-mark'],
  ['{}', 'alg-missing'],
] as const)('the header %j of an encrypted token is refused', async (headerText, reason) => {
  expect(await refusalOf(makeJwe({ headerText }))).toEqual(answer('invalid_request', reason));
});
