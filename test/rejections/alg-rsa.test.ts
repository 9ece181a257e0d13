import { generateKeyPairSync, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, operational, recordOf, refusalOf } from '../support/tokens.ts';

test.each(['RS256', 'PS256'])('a token signed with %s is refused, whoever pinned what', async (alg) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const input = makeToken({ header: { ...honestHeader(), alg } })
    .split('.')
    .slice(0, 2)
    .join('.');
  const token = `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
  expect(await refusalOf(token)).toEqual(answer('invalid_key', 'alg-mismatch'));
  const { kty = '', ...material } = publicKey.export({ format: 'jwk' });
  const pinned = { ...recordOf(operational), alg, jwk: { kty, ...material } };
  expect(await refusalOf(token, { keys: [pinned] })).toEqual(answer('invalid_key', 'alg-unsupported'));
});
