import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, operational, refusalOf } from '../support/tokens.ts';

test.each(['HS256', 'HS384', 'HS512'])('a token keyed by %s with the public key as secret is refused', async (alg) => {
  const input = makeToken({ header: { ...honestHeader(), alg } })
    .split('.')
    .slice(0, 2)
    .join('.');
  const secret = Buffer.from(operational.jwk.x ?? '', 'base64url');
  const mac = createHmac(alg.replace('HS', 'sha'), secret).update(input).digest('base64url');
  expect(await refusalOf(`${input}.${mac}`)).toEqual(answer('invalid_key', 'alg-mismatch'));
});
