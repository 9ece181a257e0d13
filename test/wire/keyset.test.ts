import { describe, expect, test } from 'vitest';
import type { KeySet } from '../../src/domain/contract.types.ts';
import { signKeySet } from '../../src/wire/keyset.ts';
import { pinKeys } from '../../src/wire/pinned.ts';
import { identity, keyEntry, keySetClaims, makeKeySet, takenKeySet } from '../support/introductions.ts';
import { makeToken, now, operational, sender, signerOf, taken, testKey } from '../support/tokens.ts';

describe('a key set', () => {
  test('is opened to its claims, its keys and the digest that becomes the floor', async () => {
    const opened = await takenKeySet(makeKeySet());
    expect(opened.claims).toEqual(keySetClaims());
    expect(opened.keys).toEqual([
      {
        kid: operational.kid,
        alg: 'Ed25519',
        use: 'sig',
        jwk: operational.jwk,
        nbf: now - 86_400,
        exp: now + 90 * 86_400,
      },
    ]);
    expect(opened.digest).toMatch(/^S256:[\w-]{43}$/);
  });

  test('signed here is opened there, and its keys verify what they signed', async () => {
    const { compact, digest } = await signKeySet(keySetClaims() as unknown as KeySet, signerOf(identity));
    const opened = await takenKeySet(compact);
    expect(opened.digest).toBe(digest);
    const pinned = await pinKeys({ issuer: sender, state: 'active', foreign: false, keys: opened.keys });
    expect([...pinned.keys.keys()]).toEqual([operational.kid]);
    expect((await taken(makeToken(), { keys: opened.keys })).kid).toBe(operational.kid);
  });

  test.each(['EdDSA', 'ES256'] as const)('may be signed by an identity key of %s', async (alg) => {
    const key = testKey(alg);
    expect((await takenKeySet(makeKeySet({}, { key }), { identityKey: key.jwk })).claims.seq).toBe(now);
    expect((await takenKeySet(makeKeySet({}, { key }), { identityKey: { ...key.jwk, alg } })).claims.seq).toBe(now);
  });

  test('may hold a current, a coming, a revoked and an encryption key', async () => {
    const [coming, revoked] = [testKey(), testKey('ES256')];
    const keys = [
      keyEntry(),
      keyEntry(coming, { nbf: now + 86_400 }),
      keyEntry(revoked, { revoked: { revoked_at: now - 60, reason: 'compromised' } }),
    ];
    const opened = await takenKeySet(makeKeySet({ keys }));
    expect(opened.keys.map(({ kid }) => kid)).toEqual([operational.kid, coming.kid, revoked.kid]);
    expect(opened.keys[2]).toMatchObject({ revoked_at: now - 60, revoked_reason: 'compromised' });
    await expect(taken(makeToken({ key: revoked }), { keys: opened.keys })).rejects.toThrow('key-revoked');
  });

  test('with a key of an algorithm from the future is read without that key', async () => {
    const future = {
      kty: 'AKP',
      kid: 'B'.repeat(43),
      alg: 'ML-DSA-1024',
      use: 'sig',
      pub: 'AAAA',
      nbf: 0,
      exp: now + 1,
    };
    const opened = await takenKeySet(makeKeySet({ keys: [future, keyEntry()], algs: ['ML-DSA-1024', 'Ed25519'] }));
    expect(opened.keys.map(({ kid }) => kid)).toEqual([operational.kid]);
    expect(opened.claims.algs).toEqual(['Ed25519']);
  });

  test('may come again unchanged, and is followed by any higher seq', async () => {
    const { digest } = await takenKeySet(makeKeySet());
    const floor = { seq: now, digest };
    expect((await takenKeySet(makeKeySet(), { floor })).digest).toBe(digest);
    expect((await takenKeySet(makeKeySet({ seq: now + 1 }), { floor })).claims.seq).toBe(now + 1);
  });

  test('lives at most 100 days', async () => {
    expect((await takenKeySet(makeKeySet({ exp: now + 100 * 86_400 }))).claims.exp).toBe(now + 100 * 86_400);
  });
});
