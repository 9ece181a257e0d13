import { expect, test } from 'vitest';
import { answer, encode, honestClaims, honestHeader, refusalOf, signParts } from '../support/tokens.ts';

test('a token in the alphabet of plain base64 is refused', async () => {
  const payload = encode(JSON.stringify(honestClaims({ txn: '~~~???' })) + ' '.repeat(2));
  const header = encode(JSON.stringify(honestHeader()));
  const plain = payload.replaceAll('-', '+').replaceAll('_', '/');
  expect(plain).not.toBe(payload);
  expect(await refusalOf(signParts(header, plain))).toEqual(answer('invalid_request', 'base64url-not-canonical'));
});
