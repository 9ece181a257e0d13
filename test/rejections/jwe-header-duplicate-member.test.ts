import { expect, test } from 'vitest';
import { encryption, makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

const { kid, jwk } = encryption;
const rest = `"enc":"A256GCM","kid":"${kid}","typ":"secevent+jwt","cty":"JWT"`;
const epk = `"epk":${JSON.stringify(jwk)}`;

test.each([
  ['alg', `{"alg":"none","alg":"ECDH-ES",${rest},${epk}}`],
  ['kid, once escaped', `{"alg":"ECDH-ES","\\u006bid":"other",${rest},${epk}}`],
  ['x of the ephemeral key', `{"alg":"ECDH-ES",${rest},"epk":{"x":"${jwk.x}",${JSON.stringify(jwk).slice(1)}}`],
])('the member %s twice in the header is refused', async (_, headerText) => {
  expect(await refusalOf(makeJwe({ headerText }))).toEqual(answer('invalid_request', 'duplicate-member'));
});
