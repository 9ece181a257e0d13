import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, now, refusalOf } from '../support/tokens.ts';

test('a token with nbf is refused, though a general JWT library would obey it', async () => {
  const payload = honestClaims({ nbf: now - 3600 });
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'claim-not-allowed'));
});
