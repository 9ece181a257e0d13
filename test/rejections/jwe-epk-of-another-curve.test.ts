import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { encryption, makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

const curve = (crv: string) => generateKeyPairSync('ec', { namedCurve: crv }).publicKey.export({ format: 'jwk' });
const okp = (type: 'ed25519') => generateKeyPairSync(type).publicKey.export({ format: 'jwk' });

test.each([
  ['P-256', { ...curve('P-256') }],
  ['Ed25519', { ...okp('ed25519') }],
  ['X448', { kty: 'OKP', crv: 'X448', x: Buffer.alloc(56, 9).toString('base64url') }],
  ['X25519 in other case', { ...encryption.jwk, crv: 'x25519' }],
  ['X25519 as EC', { ...encryption.jwk, kty: 'EC' }],
])('an ephemeral key of %s is refused', async (_, epk) => {
  expect(await refusalOf(makeJwe({ header: { epk } }))).toEqual(answer('invalid_request', 'epk-invalid'));
});
