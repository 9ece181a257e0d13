import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each([undefined, 'JWT', 'jwk-set+jwt', 'SECEVENT+JWT', 'application/secevent+jwt', 'secevent+jwt '])(
  'an encrypted token with the typ %j is refused',
  async (typ) => {
    expect(await refusalOf(makeJwe({ header: { typ } }))).toEqual(answer('invalid_request', 'typ-invalid'));
  },
);
