import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf, sender } from '../support/tokens.ts';

test.each(['https://node.elsewhere.example', `${sender}/`, sender.toUpperCase(), `${sender}:443`, ` ${sender}`])(
  'the issuer %j is no partner',
  async (iss) => {
    expect(await refusalOf(makeToken({ payload: honestClaims({ iss }) }))).toEqual(
      answer('invalid_issuer', 'issuer-unknown'),
    );
  },
);
