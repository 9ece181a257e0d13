import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['submitted', 'withdrawn', 'receipt'])('%s from a partner that is not confirmed is refused', async (name) => {
  const token = makeToken({ payload: honestClaims({ events: { [`urn:caseref:event:1:${name}`]: {} } }) });
  expect(await refusalOf(token, { state: 'pending' })).toEqual(answer('access_denied', 'partner-pending'));
});
