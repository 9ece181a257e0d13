import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['1e0', '1E2', '10e-1', '1.0e1'])('the number %s is refused, whole or not', async (number) => {
  const payload = JSON.stringify(honestClaims()).replace('"n":1', `"n":${number}`);
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'number-exponent'));
});
