import { generateKeyPairSync, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  answer,
  encode,
  honestClaims,
  honestHeader,
  operational,
  recordOf,
  refusalOf,
  type TestKey,
  testKey,
} from '../support/tokens.ts';

const pair = generateKeyPairSync('ed448');
const { kty = '', crv = '', x = '' } = pair.publicKey.export({ format: 'jwk' });

/** Really signed with the other Edwards curve, under the header given. */
function signedWithEd448(header: object): string {
  const input = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(honestClaims()))}`;
  return `${input}.${sign(null, Buffer.from(input), pair.privateKey).toString('base64url')}`;
}

test.each(['Ed448', 'EdDSA', 'Ed25519'])('a token signed with Ed448 that says %s is refused', async (alg) => {
  const err = alg === 'Ed25519' ? answer('authentication_failed', 'signature-invalid') : undefined;
  expect(await refusalOf(signedWithEd448({ ...honestHeader(), alg }))).toEqual(
    err ?? answer('invalid_key', 'alg-mismatch'),
  );
});

test('an Ed448 key pinned by mistake verifies nothing, though the signature is good', async () => {
  const key: TestKey = { ...testKey('EdDSA'), jwk: { kty, crv, x } };
  const token = signedWithEd448({ ...honestHeader(), alg: 'EdDSA', kid: key.kid });
  const keys = [recordOf(operational), recordOf(key)];
  expect(await refusalOf(token, { keys })).toEqual(answer('invalid_key', 'alg-unsupported'));
});
