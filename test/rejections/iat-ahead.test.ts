import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, now, refusalOf } from '../support/tokens.ts';

test.each([121, 3600, 86_400])('an iat %i s ahead is answered "later"', async (ahead) => {
  const payload = honestClaims({ iat: now + ahead });
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('temporarily_unavailable', 'iat-ahead'));
});
