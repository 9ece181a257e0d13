import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { keySetTerms } from '../../src/wire/keyset.ts';
import { encryption, encryptionRecord } from '../support/encrypted.ts';
import { keyEntry, makeKeySet, takenKeySet } from '../support/introductions.ts';
import { type Json, makeToken, now, operational, testKey } from '../support/tokens.ts';

const life = { use: 'sig', nbf: 0, exp: now + 1 };

/** A key with its thumbprint over the members that its type counts. */
function entry(key: Json, members: readonly string[]): Json {
  const ordered = members.map((member) => `"${member}":"${key[member]}"`).join(',');
  return { ...key, kid: createHash('sha256').update(`{${ordered}}`).digest('base64url'), ...life };
}

const latticeKey = (alg: string, bytes: number) =>
  entry({ kty: 'AKP', alg, pub: randomBytes(bytes).toString('base64url') }, ['alg', 'kty', 'pub']);
const curveKey = (alg: string, namedCurve: string) =>
  entry({ ...generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' }), alg }, [
    'crv',
    'kty',
    'x',
    'y',
  ]);

describe('a key set with a key of an algorithm that this node does not speak', () => {
  test.each([
    ['ML-DSA-44', latticeKey('ML-DSA-44', 1312)],
    ['ML-DSA-87', latticeKey('ML-DSA-87', 2592)],
    ['SLH-DSA-SHA2-128s', latticeKey('SLH-DSA-SHA2-128s', 32)],
    ['ES384', curveKey('ES384', 'P-384')],
    ['ES512', curveKey('ES512', 'P-521')],
    ['ES256K', curveKey('ES256K', 'secp256k1')],
    [
      'Ed448',
      entry({ ...generateKeyPairSync('ed448').publicKey.export({ format: 'jwk' }), alg: 'Ed448' }, ['crv', 'kty', 'x']),
    ],
    [
      'PS256',
      entry(
        { ...generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }), alg: 'PS256' },
        ['e', 'kty', 'n'],
      ),
    ],
    [
      'a key type from the future',
      { kty: 'NEW', alg: 'NEW-1', kid: 'B'.repeat(43), pub: randomBytes(900).toString('base64url'), ...life },
    ],
  ])('%s is read without that key', async (_, key) => {
    const opened = await takenKeySet(makeKeySet({ keys: [keyEntry(), key] }));
    expect(opened.keys.map(({ kid }) => kid)).toEqual([operational.kid]);
    expect(opened.claims.keys).toEqual([keyEntry()]);
  });
});

test('a key set may hold a key of ML-DSA-65 and one to encrypt to', async () => {
  const lattice = testKey('ML-DSA-65');
  const { kid, jwk } = encryption;
  const sealing = { ...jwk, kid, alg: 'ECDH-ES', use: 'enc', nbf: now, exp: now + 86_400 };
  const opened = await takenKeySet(makeKeySet({ keys: [keyEntry(), keyEntry(lattice), sealing] }));
  expect(opened.keys.map(({ alg }) => alg)).toEqual(['Ed25519', 'ML-DSA-65', 'ECDH-ES']);
  expect(opened.keys[2]).toEqual(encryptionRecord(encryption, { nbf: now }));
});

describe('the terms of a key set', () => {
  test('are what it says', () => {
    const said = { encryption: 'none', algs: ['ES256', 'ML-DSA-65'], refresh: 600, max_set_bytes: 24_576 };
    expect(keySetTerms(makeKeySet(said))).toEqual({
      encryption: 'none',
      algs: ['ES256', 'ML-DSA-65'],
      refresh: 600,
      maxSetBytes: 24_576,
    });
  });

  test('are those of the protocol where it says nothing', () => {
    const silent = { encryption: undefined, algs: undefined, refresh: undefined };
    expect(keySetTerms(makeKeySet(silent))).toEqual({
      algs: ['Ed25519', 'EdDSA', 'ES256'],
      refresh: 3600,
      maxSetBytes: 16_384,
    });
  });

  test.each(['', 'a.b.c', makeToken()])('are the strictest where what was kept is no key set', (kept) => {
    expect(keySetTerms(kept).encryption).toBe('required');
  });
});
