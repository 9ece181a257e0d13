import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, now, refusalOf } from '../support/tokens.ts';

test('the signature of one token under the payload of another is refused', async () => {
  const [header, , signature] = makeToken().split('.');
  const [, payload] = makeToken({ payload: honestClaims({ iat: now - 1 }) }).split('.');
  expect(await refusalOf(`${header}.${payload}.${signature}`)).toEqual(
    answer('authentication_failed', 'signature-invalid'),
  );
});
