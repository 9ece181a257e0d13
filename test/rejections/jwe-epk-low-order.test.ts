import { createPublicKey, diffieHellman } from 'node:crypto';
import { expect, test } from 'vitest';
import { encryption, makeJwe, readable } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

const points = {
  zero: '00'.repeat(32),
  one: `01${'00'.repeat(31)}`,
  'order eight': 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  'the other of order eight': '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'p - 1': `ec${'ff'.repeat(30)}7f`,
  p: `ed${'ff'.repeat(30)}7f`,
  'p + 1': `ee${'ff'.repeat(30)}7f`,
};
/** The highest bit is ignored by the curve, so each point has another spelling. */
const masked = (hex: string) => hex.slice(0, -2) + (Number.parseInt(hex.slice(-2), 16) | 0x80).toString(16);
const spellings = Object.entries(points).flatMap(([name, hex]) => [
  [name, hex] as const,
  [`${name}, highest bit set`, masked(hex)] as const,
]);

test.each(spellings)('the ephemeral key %s, whose secret everybody knows, is refused', async (_, hex) => {
  const epk = { kty: 'OKP', crv: 'X25519', x: Buffer.from(hex, 'hex').toString('base64url') };
  const jwe = makeJwe({ header: { epk }, secret: Buffer.alloc(32) });
  expect(await refusalOf(jwe)).toEqual(answer('invalid_key', 'epk-low-order'));
  expect(await refusalOf(jwe, readable)).toEqual(answer('invalid_key', 'epk-low-order'));
});

test.each(spellings)('and no private key makes a secret of %s', async (_, hex) => {
  const x = Buffer.from(hex, 'hex').toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
  expect(() => diffieHellman({ privateKey: encryption.privateKey, publicKey })).toThrow();
});
