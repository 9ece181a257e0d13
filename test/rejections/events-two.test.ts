import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test('a token with two events is refused', async () => {
  const events = { 'urn:caseref:event:1:submitted': {}, 'urn:caseref:event:1:verify': {} };
  expect(await refusalOf(makeToken({ payload: honestClaims({ events }) }))).toEqual(
    answer('invalid_request', 'event-count-invalid'),
  );
});
