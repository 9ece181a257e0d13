import { expect, test } from 'vitest';
import { encryption, makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

const { jwk } = encryption;

test.each([
  ['missing', undefined],
  ['null', null],
  ['text', 'AAAA'],
  ['a list', [jwk]],
  ['without x', { kty: jwk.kty, crv: jwk.crv }],
  ['with a kid', { ...jwk, kid: 'a' }],
  ['with a use', { ...jwk, use: 'enc' }],
  ['with y', { ...jwk, y: jwk.x }],
  ['one byte short', { ...jwk, x: Buffer.alloc(31, 9).toString('base64url') }],
  ['one byte long', { ...jwk, x: Buffer.alloc(33, 9).toString('base64url') }],
  ['padded', { ...jwk, x: `${jwk.x}=` }],
  ['with stray bits in x', { ...jwk, x: `${'g'.repeat(42)}h` }],
  ['with a number for x', { ...jwk, x: 9 }],
])('an ephemeral key that is %s is refused', async (_, epk) => {
  expect(await refusalOf(makeJwe({ header: { epk } }))).toEqual(answer('invalid_request', 'epk-invalid'));
});
