import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf, sender } from '../support/tokens.ts';

test.each([undefined, null, 1, [sender], { iss: sender }])('an iss of %j is refused', async (iss) => {
  expect(await refusalOf(makeToken({ payload: honestClaims({ iss }) }))).toEqual(
    answer('invalid_issuer', 'iss-invalid'),
  );
});
