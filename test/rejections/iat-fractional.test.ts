import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, now, refusalOf } from '../support/tokens.ts';

test.each([`${now}.5`, `${now}.0`])('iat %s is refused', async (iat) => {
  const payload = JSON.stringify(honestClaims()).replace(`"iat":${now}`, `"iat":${iat}`);
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'number-fractional'));
});
