import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf, sender } from '../support/tokens.ts';

test.each([{ note: 'text' }, { 'urn:caseref:other': 1 }, { ISS: sender }, { events2: {} }])(
  'a claim beside the closed list is refused: %j',
  async (claim) => {
    expect(await refusalOf(makeToken({ payload: honestClaims(claim) }))).toEqual(
      answer('invalid_request', 'claim-not-allowed'),
    );
  },
);
