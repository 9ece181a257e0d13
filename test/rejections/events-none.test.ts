import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test('a token with no event is refused', async () => {
  expect(await refusalOf(makeToken({ payload: honestClaims({ events: {} }) }))).toEqual(
    answer('invalid_request', 'event-count-invalid'),
  );
});

test.each([undefined, null, [], 'urn:caseref:event:1:verify'])('events of %j are refused', async (events) => {
  expect(await refusalOf(makeToken({ payload: honestClaims({ events }) }))).toEqual(
    answer('invalid_request', 'events-invalid'),
  );
});
