import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['', 'two words', 'a'.repeat(65), 'a/b', 7, null])('a txn of %j is refused', async (txn) => {
  expect(await refusalOf(makeToken({ payload: honestClaims({ txn }) }))).toEqual(
    answer('invalid_request', 'txn-invalid'),
  );
});
