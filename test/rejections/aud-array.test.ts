import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf, self } from '../support/tokens.ts';

test.each([[[self]], [[self, 'https://node.elsewhere.example']], [[]]])(
  'an audience list is refused: %j',
  async (aud) => {
    expect(await refusalOf(makeToken({ payload: honestClaims({ aud }) }))).toEqual(
      answer('invalid_audience', 'aud-invalid'),
    );
  },
);
