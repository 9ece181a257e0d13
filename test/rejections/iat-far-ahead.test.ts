import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, now, refusalOf } from '../support/tokens.ts';

test('an iat more than a day ahead is refused for good', async () => {
  const payload = honestClaims({ iat: now + 86_401 });
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'iat-far-ahead'));
});
