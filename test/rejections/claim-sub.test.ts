import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, referenceId, refusalOf } from '../support/tokens.ts';

test('a token with sub is refused, though a general JWT library would obey it', async () => {
  const payload = honestClaims({ sub: referenceId });
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'claim-not-allowed'));
});
