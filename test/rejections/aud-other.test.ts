import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['https://node.elsewhere.example', 'https://node.police-b.example.evil.test', ''])(
  'the audience %j is not this node',
  async (aud) => {
    expect(await refusalOf(makeToken({ payload: honestClaims({ aud }) }))).toEqual(
      answer('invalid_audience', 'audience-mismatch'),
    );
  },
);
