import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each([undefined, 'jwt', 'Jwt', 'application/jwt', 'secevent+jwt', 'JWE', ['JWT']])(
  'an encrypted token with the cty %j is refused',
  async (cty) => {
    expect(await refusalOf(makeJwe({ header: { cty } }))).toEqual(answer('invalid_request', 'cty-invalid'));
  },
);
