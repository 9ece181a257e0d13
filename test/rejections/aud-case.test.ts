import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf, self } from '../support/tokens.ts';

test.each([self.toUpperCase(), self.replace('node', 'Node')])('the audience %j is not this node', async (aud) => {
  expect(await refusalOf(makeToken({ payload: honestClaims({ aud }) }))).toEqual(
    answer('invalid_audience', 'audience-mismatch'),
  );
});
