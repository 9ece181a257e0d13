import { createCipheriv, createHash, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { CompactEncrypt, type CompactJWEHeaderParameters, importJWK, type JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { makeKeyPair } from '../../src/keys/key-pair.ts';
import { makeDecrypter } from '../../src/keys/signers.ts';
import fc from '../support/property.ts';

const pair = await makeKeyPair('ECDH-ES');
const decrypter = await makeDecrypter(pair);
const header = { alg: 'ECDH-ES', enc: 'A256GCM', kid: pair.kid, typ: 'secevent+jwt', cty: 'JWT' };
const PLAIN = Buffer.from('canary');

async function encrypt(parameters: CompactJWEHeaderParameters = header, to: JWK = { ...pair.jwk }): Promise<string> {
  const key = await importJWK(to, 'ECDH-ES');
  return await new CompactEncrypt(PLAIN).setProtectedHeader(parameters).encrypt(key);
}

const compact = await encrypt();

function length(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A message under the ephemeral point that opens for whoever reaches this shared secret. */
function messageUnder(point: Buffer, secret: Buffer): string {
  const epk = { kty: 'OKP', crv: 'X25519', x: point.toString('base64url') };
  const head = Buffer.from(JSON.stringify({ ...header, epk })).toString('base64url');
  // Concat KDF of RFC 7518, section 4.6.2: round 1, the secret, the algorithm, no party names, 256 bits.
  const algorithm = Buffer.from('A256GCM');
  const other = Buffer.concat([length(algorithm.length), algorithm, length(0), length(0), length(256)]);
  const key = createHash('sha256')
    .update(Buffer.concat([length(1), secret, other]))
    .digest();
  const nonce = Buffer.alloc(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(head));
  const sealed = Buffer.concat([cipher.update(PLAIN), cipher.final()]);
  const parts = [nonce, sealed, cipher.getAuthTag()].map((part) => part.toString('base64url'));
  return [head, '', ...parts].join('.');
}

test('what was encrypted to the key is opened', async () => {
  expect(Buffer.from((await decrypter.decrypt(compact)) ?? [])).toEqual(PLAIN);
  expect(decrypter.kid).toBe(pair.kid);
});

test('what another implementation encrypted by the letter of the RFC is opened', async () => {
  const ephemeral = generateKeyPairSync('x25519');
  const publicKey = createPublicKey({ key: { ...pair.jwk }, format: 'jwk' });
  const secret = diffieHellman({ privateKey: ephemeral.privateKey, publicKey });
  const point = Buffer.from(ephemeral.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  expect(Buffer.from((await decrypter.decrypt(messageUnder(point, secret))) ?? [])).toEqual(PLAIN);
});

describe('nothing, and no reason, is answered for', () => {
  test.each([
    ['zero', '00'.repeat(32)],
    ['one', `01${'00'.repeat(31)}`],
    ['a point of order eight', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
    ['another point of order eight', '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'],
    ['minus one', `ec${'ff'.repeat(30)}7f`],
  ])('the small-order point %s', async (_name, hex) => {
    expect(await decrypter.decrypt(messageUnder(Buffer.from(hex, 'hex'), Buffer.alloc(32)))).toBeUndefined();
  });

  test('a message to another key', async () => {
    const other = await makeKeyPair('ECDH-ES');
    expect(await decrypter.decrypt(await encrypt(header, { ...other.jwk }))).toBeUndefined();
  });

  test.each([
    ['a shorter content key', { ...header, enc: 'A128GCM' }],
    ['another content encryption', { ...header, enc: 'A256CBC-HS512' }],
    ['key wrapping', { ...header, alg: 'ECDH-ES+A256KW' }],
    ['compressed content', { ...header, zip: 'DEF' }],
  ])('%s', async (_name, parameters) => {
    expect(await decrypter.decrypt(await encrypt(parameters))).toBeUndefined();
  });

  test.each(['', '.', '....', 'a.b.c', 'not a token', `${compact}.`, compact.replace('..', '.AAAA.')])(
    '%o',
    async (text) => {
      expect(await decrypter.decrypt(text)).toBeUndefined();
    },
  );

  test('any other character in any place', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(compact.length - 1),
        fc.constantFrom('A', 'z', '.', '~', '\u0000'),
        async (at, letter) => {
          fc.pre(compact[at] !== letter);
          const changed = compact.slice(0, at) + letter + compact.slice(at + 1);
          const last = Buffer.from(changed.split('.').at(-1) ?? '', 'base64url');
          fc.pre(
            !last.equals(Buffer.from(compact.split('.').at(-1) ?? '', 'base64url')) || at < compact.lastIndexOf('.'),
          );
          expect(await decrypter.decrypt(changed)).toBeUndefined();
        },
      ),
    );
  });
});
