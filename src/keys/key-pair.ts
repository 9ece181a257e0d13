import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { PublicJwk, SigningAlgorithm } from '../domain/secrets.ts';

/** Algorithms of the keys of a node: those that sign, and the one that takes encrypted messages. */
export type KeyAlgorithm = SigningAlgorithm | 'ECDH-ES';

/** A key pair as it lies in a key file; `kid` is its thumbprint (RFC 7638; RFC 9964 for ML-DSA). */
export interface KeyPair {
  readonly kid: string;
  readonly jwk: PublicJwk;
  readonly private: JWK;
}

/** The public part of an identity or operator key. */
export interface NamedPublicKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly jwk: PublicJwk;
}

/**
 * Makes a key pair; encryption keys are on X25519 (RFC 8037). One in 64 thumbprints begins with a hyphen, which a command
 * line takes for an option: such a pair is thrown away.
 */
export async function makeKeyPair(alg: KeyAlgorithm): Promise<KeyPair> {
  for (;;) {
    const pair = await drawKeyPair(alg);
    if (!pair.kid.startsWith('-')) return pair;
  }
}

async function drawKeyPair(alg: KeyAlgorithm): Promise<KeyPair> {
  const pair = await generateKeyPair(alg, { extractable: true, ...(alg === 'ECDH-ES' && { crv: 'X25519' }) });
  const exported = await exportJWK(pair.publicKey);
  const { kty, crv, x, y, pub } = exported;
  const jwk = Object.fromEntries(
    Object.entries({ kty, crv, x, y, pub }).filter(([, value]) => value !== undefined),
  ) as unknown as PublicJwk;
  return { kid: await calculateJwkThumbprint(exported), jwk, private: await exportJWK(pair.privateKey) };
}
