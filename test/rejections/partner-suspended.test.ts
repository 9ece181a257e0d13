import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['submitted', 'revised', 'withdrawn2'])('%s from a suspended partner is refused', async (name) => {
  const token = makeToken({ payload: honestClaims({ events: { [`urn:caseref:event:1:${name}`]: {} } }) });
  expect(await refusalOf(token, { state: 'suspended' })).toEqual(answer('access_denied', 'partner-suspended'));
});
