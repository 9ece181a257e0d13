import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, now, refusalOf } from '../support/tokens.ts';

test.each([undefined, null, String(now), '2026-11-18T16:53:20Z', [now], -1, true])(
  'an iat of %j is refused',
  async (iat) => {
    expect(await refusalOf(makeToken({ payload: honestClaims({ iat }) }))).toEqual(
      answer('invalid_request', 'iat-invalid'),
    );
  },
);
