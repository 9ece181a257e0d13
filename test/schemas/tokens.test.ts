import { createPrivateKey, createPublicKey, diffieHellman, sign } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import type { PublicJwk } from '../../src/domain/secrets.ts';
import { openCard } from '../../src/wire/card.ts';
import { spokenFingerprint, thumbprint } from '../../src/wire/fingerprint.ts';
import type { IdentityJwk } from '../../src/wire/identity.ts';
import { openKeySet } from '../../src/wire/keyset.ts';
import { openSet } from '../../src/wire/open.ts';
import { pinKeys } from '../../src/wire/pinned.ts';
import { checkSchema } from '../../src/wire/schema.ts';
import { isTokenRefusal } from '../../src/wire/token-refusal.ts';
import { decrypterOf, makeJwe } from '../support/encrypted.ts';

interface KeyVector {
  readonly privateJwk: PublicJwk & { readonly d: string };
  readonly thumbprint: string;
  readonly spoken: string;
}

interface TokenVector {
  readonly signedBy: 'identity-key' | 'operational-key';
  /** Seconds since 1970 at which the token is looked at. */
  readonly now: number;
  readonly header: Readonly<Record<string, string>>;
  readonly claims: { readonly iss: string; readonly aud: string; readonly events: Readonly<Record<string, unknown>> };
  readonly compact: string;
  readonly digest: string;
}

interface EncryptedVector {
  readonly encryptedTo: 'encryption-key';
  /** The token inside. */
  readonly content: 'event-submitted';
  readonly now: number;
  readonly ephemeral: PublicJwk & { readonly d: string };
  readonly iv: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly compact: string;
  readonly digest: string;
}

const folder = new URL('../../schemas/vectors/tokens/', import.meta.url);
const read = <Vector>(name: string): Vector => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));

const keys = ['identity-key', 'operational-key', 'encryption-key'] as const;
const events = ['event-submitted', 'event-voided'];
const tokens = ['key-set', 'peer-card', ...events];
const encrypted = ['encrypted-submitted'];

function publicPart({ privateJwk: { d: _, ...jwk } }: KeyVector): PublicJwk {
  return jwk;
}

const identityKey = publicPart(read('identity-key')) as IdentityJwk;

test('every file of the folder is run here', () => {
  expect(readdirSync(folder).sort()).toEqual([...keys, ...tokens, ...encrypted].map((name) => `${name}.json`).sort());
});

test.each(keys)('%s has that thumbprint and that fingerprint', async (name) => {
  const vector = read<KeyVector>(name);
  expect(await thumbprint(publicPart(vector))).toBe(vector.thumbprint);
  expect(spokenFingerprint(vector.thumbprint)).toBe(vector.spoken);
});

test.each(tokens)('%s is what its key signs over header and claims as they stand', (name) => {
  const { header, claims, compact, signedBy } = read<TokenVector>(name);
  const key = read<KeyVector>(signedBy);
  expect(header).toEqual({ alg: 'Ed25519', typ: header.typ, kid: key.thumbprint });
  const encoded = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const privateKey = createPrivateKey({ key: { ...key.privateJwk }, format: 'jwk' });
  expect(`${encoded}.${sign(null, Buffer.from(encoded), privateKey).toString('base64url')}`).toBe(compact);
});

test.each(encrypted)('%s is what its ephemeral key, its nonce and the token inside make', async (name) => {
  const { header, compact, ephemeral, iv, encryptedTo, content } = read<EncryptedVector>(name);
  const { thumbprint: kid, privateJwk } = read<KeyVector>(encryptedTo);
  const epk = { kty: ephemeral.kty, crv: ephemeral.crv, x: ephemeral.x };
  expect(header).toEqual({ alg: 'ECDH-ES', enc: 'A256GCM', kid, epk, typ: 'secevent+jwt', cty: 'JWT' });
  const again = makeJwe({
    content: read<TokenVector>(content).compact,
    headerText: JSON.stringify(header),
    secret: diffieHellman({
      privateKey: createPrivateKey({ key: { ...ephemeral }, format: 'jwk' }),
      publicKey: createPublicKey({ key: { ...privateJwk }, format: 'jwk' }),
    }),
    iv: Buffer.from(iv, 'base64url'),
  });
  expect(again).toBe(compact);
});

describe('the node takes', () => {
  test('the key set, with its digest', async () => {
    const { compact, claims, digest, now } = read<TokenVector>('key-set');
    const opened = await openKeySet(compact, { issuer: claims.iss, identityKey, now });
    if (isTokenRefusal(opened)) throw new Error(opened.reason);
    expect([opened.claims, opened.digest]).toEqual([claims, digest]);
  });

  test('the card, with the key set inside and the fingerprint of the identity key', async () => {
    const { compact, now } = read<TokenVector>('peer-card');
    const opened = await openCard(compact, { now, loopback: false });
    if (isRefusal(opened)) throw new Error(opened.message);
    expect(opened.fingerprint).toBe(read<KeyVector>('identity-key').spoken);
    expect(opened.keySet.compact).toBe(read<TokenVector>('key-set').compact);
  });

  test.each(encrypted)('%s, as the token inside it', async (name) => {
    const vector = read<EncryptedVector>(name);
    const inside = read<TokenVector>(vector.content);
    const { thumbprint: kid, privateJwk } = read<KeyVector>(vector.encryptedTo);
    const privateKey = createPrivateKey({ key: { ...privateJwk }, format: 'jwk' });
    const decrypter = decrypterOf({ kid, privateKey });
    const { iss, aud } = inside.claims;
    const { compact, now } = read<TokenVector>('key-set');
    const keySet = await openKeySet(compact, { issuer: iss, identityKey, now });
    if (isTokenRefusal(keySet)) throw new Error(keySet.reason);
    const partner = await pinKeys({ issuer: iss, state: 'active', foreign: false, keys: keySet.keys });
    const verifier = { self: aud, lookup: () => partner, now: vector.now, decrypter };
    const opened = await openSet(vector.compact, verifier);
    if (isTokenRefusal(opened)) throw new Error(opened.reason);
    expect(opened).toMatchObject({ encrypted: true, compact: inside.compact, digest: vector.digest });
    expect(vector.digest).toBe(inside.digest);
  });

  test.each(events)('%s, with its digest and a payload of its schema', async (name) => {
    const vector = read<TokenVector>(name);
    const { compact, now } = read<TokenVector>('key-set');
    const { iss, aud } = vector.claims;
    const keySet = await openKeySet(compact, { issuer: iss, identityKey, now });
    if (isTokenRefusal(keySet)) throw new Error(keySet.reason);
    const partner = await pinKeys({ issuer: iss, state: 'active', foreign: false, keys: keySet.keys });
    const opened = await openSet(vector.compact, { self: aud, lookup: () => partner, now: vector.now });
    if (isTokenRefusal(opened)) throw new Error(opened.reason);
    expect([opened.claims, opened.digest]).toEqual([vector.claims, vector.digest]);
    expect(checkSchema(name.slice('event-'.length) as 'submitted', opened.event.payload)).toEqual([]);
  });
});
