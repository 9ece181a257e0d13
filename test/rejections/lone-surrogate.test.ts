import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['\\ud83d', '\\udc00', '\\udc00\\ud83d'])('half a surrogate pair, %s, is refused', async (half) => {
  const payload = JSON.stringify(honestClaims()).replace('/path', `/path${half}`);
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'lone-surrogate'));
});
