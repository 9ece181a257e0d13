import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each([null, [], 'text', 1, true])('an event whose payload is %j is refused', async (payload) => {
  const events = { 'urn:caseref:event:1:submitted': payload };
  expect(await refusalOf(makeToken({ payload: honestClaims({ events }) }))).toEqual(
    answer('invalid_request', 'event-payload-invalid'),
  );
});
