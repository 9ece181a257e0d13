import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['yesterday', null, -5, {}])('a toe of %j is refused', async (toe) => {
  expect(await refusalOf(makeToken({ payload: honestClaims({ toe }) }))).toEqual(
    answer('invalid_request', 'toe-invalid'),
  );
});
