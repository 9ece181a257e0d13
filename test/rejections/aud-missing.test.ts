import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each([undefined, null])('an audience of %j is refused', async (aud) => {
  expect(await refusalOf(makeToken({ payload: honestClaims({ aud }) }))).toEqual(
    answer('invalid_audience', 'aud-invalid'),
  );
});
