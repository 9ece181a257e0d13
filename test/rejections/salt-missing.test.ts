import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each([undefined, '', 'short', 7, 'Dw4NDAsKCQgHBgUEAwIBAA=='])('a salt of %j is refused', async (salt) => {
  const payload = honestClaims({ 'urn:caseref:salt': salt });
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'salt-invalid'));
});
