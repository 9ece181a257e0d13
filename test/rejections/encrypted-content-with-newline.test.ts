import { expect, test } from 'vitest';
import { makeJwe, readable } from '../support/encrypted.ts';
import { answer, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['\n', '\r\n', ' ', '='])('an encrypted token whose content ends in %j is refused', async (end) => {
  const jwe = makeJwe({ content: makeToken() + end });
  expect(await refusalOf(jwe, readable)).toEqual(answer('invalid_request', 'base64url-not-canonical'));
});
