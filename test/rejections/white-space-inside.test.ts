import { expect, test } from 'vitest';
import { answer, makeToken, refusalOf } from '../support/tokens.ts';

test.each([0, 40, 200])('white space at character %i of a token is refused', async (at) => {
  const token = makeToken();
  for (const space of [' ', '\n', '\t']) {
    const spaced = token.slice(0, at) + space + token.slice(at);
    expect(await refusalOf(spaced)).toEqual(answer('invalid_request', 'base64url-not-canonical'));
  }
});
