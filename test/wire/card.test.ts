import { describe, expect, test } from 'vitest';
import type { PeerCard } from '../../src/domain/contract.types.ts';
import { signCard } from '../../src/wire/card.ts';
import { sameFingerprint } from '../../src/wire/fingerprint.ts';
import { cardClaims, identity, keySetClaims, makeCard, makeKeySet, takenCard } from '../support/introductions.ts';
import { makeToken, now, operational, sender, signerOf, testKey } from '../support/tokens.ts';

describe('a peer card', () => {
  test('is opened to what it says, the identity key, its fingerprint and the key set inside', async () => {
    const opened = await takenCard(makeCard());
    expect(opened.card.organisation).toEqual({ name: 'Hotline A', type: 'hotline', jurisdictions: ['DE'] });
    expect(opened.kid).toBe(identity.kid);
    expect(opened.identityKey).toEqual(identity.jwk);
    expect(opened.keySet.keys.map(({ kid }) => kid)).toEqual([operational.kid]);
    expect(await sameFingerprint(identity.jwk, opened.fingerprint)).toBe(true);
  });

  test('signed here is opened there', async () => {
    const { compact } = await signCard(cardClaims() as unknown as PeerCard, signerOf(identity));
    expect((await takenCard(compact)).card.iss).toBe(sender);
  });

  test('may name kid, alg and use of its identity key, where they agree', async () => {
    const identity_key = { ...identity.jwk, kid: identity.kid, alg: 'Ed25519', use: 'sig' };
    expect((await takenCard(makeCard({ identity_key }))).identityKey.alg).toBe('Ed25519');
  });

  test('may be signed with ES256', async () => {
    const key = testKey('ES256');
    const card = makeCard({ identity_key: key.jwk, key_set: makeKeySet({}, { key }) }, { key });
    expect((await takenCard(card)).kid).toBe(key.kid);
  });

  test('of a loopback node is taken where our own node is loopback', async () => {
    const iss = 'http://127.0.0.1:8440';
    const key_set = makeKeySet({ iss, endpoints: { push: `${iss}/exchange/push` } });
    expect((await takenCard(makeCard({ iss, key_set }), true)).card.iss).toBe(iss);
  });

  test('lives at most 30 days', async () => {
    expect((await takenCard(makeCard({ exp: now + 30 * 86_400 }))).card.exp).toBe(now + 30 * 86_400);
  });

  test('stands on its own: its key set can be taken out and opened', async () => {
    const { keySet } = await takenCard(makeCard());
    expect(keySet.claims).toEqual(keySetClaims());
    expect(keySet.compact).toBe(
      makeToken({
        key: identity,
        header: { alg: 'Ed25519', typ: 'jwk-set+jwt', kid: identity.kid },
        payload: keySetClaims(),
      }),
    );
  });
});
