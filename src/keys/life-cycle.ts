import type { JWK } from 'jose';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { PublicJwk } from '../domain/secrets.ts';
import type { KeyAlgorithm, KeyPair, NamedPublicKey } from './key-pair.ts';

/**
 * `replaced`: another key of the same algorithm was activated; this one is chosen no more, and its private part waits to
 * be destroyed (an encryption key still opens what was sent to it). `retired` keys have no private part, `revoked` ones none
 * that signs: an encryption key opens what is on its way until partners are told.
 */
export type KeyState = 'future' | 'active' | 'replaced' | 'retired' | 'revoked';

/** A key of the node as it may be shown and published; instants in seconds since 1970. */
export interface PublicKey {
  readonly kid: string;
  readonly alg: KeyAlgorithm;
  readonly use: 'sig' | 'enc';
  readonly nbf: number;
  readonly exp: number;
  readonly state: KeyState;
  readonly jwk: PublicJwk;
  readonly revoked?: { readonly revoked_at: number; readonly reason: string };
  /** When a future key is to be activated. */
  readonly plan?: { readonly activateAt: number };
  /** When the private part of a replaced key is to be destroyed. */
  readonly retireAt?: number;
}

export interface StoredKey extends PublicKey {
  /** Absent once the key is retired, or revoked and offered to nobody. */
  readonly private?: JWK;
  /** The place of its activation among all activations: higher is newer. */
  readonly activation?: number;
}

/** What node.key holds. Files of earlier releases have no `identity`, and keys without `activation`. */
export interface NodeSecrets {
  readonly master: string;
  readonly keys: readonly StoredKey[];
  readonly identity?: NamedPublicKey;
}

export interface NewKey {
  readonly alg: KeyAlgorithm;
  readonly nbf: number;
  readonly exp: number;
  readonly plan?: { readonly activateAt: number };
}

/** The secrets after a change, and the key that it was about. */
export interface Changed {
  readonly secrets: NodeSecrets;
  readonly key: StoredKey;
}

/** The key without its private part. */
export function shown({ private: _, activation: __, ...key }: StoredKey): PublicKey {
  return key;
}

/** A new key, `future` until it is activated. */
export function futureKey(pair: KeyPair, { alg, nbf, exp, plan }: NewKey): StoredKey {
  if (exp <= nbf) throw new RangeError('a key would end before it begins');
  return { ...pair, alg, use: alg === 'ECDH-ES' ? 'enc' : 'sig', nbf, exp, state: 'future', ...(plan && { plan }) };
}

export function addKey(secrets: NodeSecrets, key: StoredKey): Changed {
  return { secrets: { ...secrets, keys: [...secrets.keys, key] }, key };
}

export interface Activation {
  readonly nbf?: number;
  readonly retireReplacedAt?: number;
}

/** Activates a future key; the active key of the same algorithm is replaced in the same act. */
export function activateKey(
  secrets: NodeSecrets,
  kid: string,
  { nbf, retireReplacedAt }: Activation,
): Changed | Refusal {
  const found = secrets.keys.find((key) => key.kid === kid);
  if (!found) return unknownKey();
  if (found.state !== 'future')
    return conflict(
      `This key is ${found.state}: only a future key can be activated.`,
      'Make another: caseref keys rotate.',
    );
  const { plan: _, ...key } = found;
  const begin = nbf ?? key.nbf;
  if (begin >= key.exp)
    return refuse('usage-invalid', '/nbf', 'The key would end before it begins.', 'Make another: caseref keys rotate.');
  const activation = Math.max(0, ...secrets.keys.map((one) => one.activation ?? 0)) + 1;
  const active: StoredKey = { ...key, nbf: begin, state: 'active', activation };
  const keys = secrets.keys.map((one) => {
    if (one.kid === kid) return active;
    return one.state === 'active' && one.alg === key.alg ? replaced(one, retireReplacedAt) : one;
  });
  return { secrets: { ...secrets, keys }, key: active };
}

function replaced(key: StoredKey, retireAt: number | undefined): StoredKey {
  return { ...key, state: 'replaced', ...(retireAt !== undefined && { retireAt }) };
}

/** Destroys the private part; the public entry stays for ever and verifies until `exp`. */
export function retireKey(secrets: NodeSecrets, kid: string, { exp }: { readonly exp: number }): Changed | Refusal {
  const key = secrets.keys.find((one) => one.kid === kid);
  if (!key) return unknownKey();
  if (key.state === 'retired' || key.state === 'revoked')
    return conflict(`This key is ${key.state} already.`, 'Nothing is left to do: its private part is gone.');
  if (exp <= key.nbf)
    return refuse('usage-invalid', '/exp', 'The key would end before it begins.', 'Give a later end.');
  return settle(secrets, { ...ended(key), exp, state: 'retired' });
}

export interface Revocation {
  readonly revokedAt: number;
  readonly reason: string;
}

/**
 * Marks a key as compromised; `revokedAt` may lie in the past, not before `nbf`. A retired key can be revoked, and a
 * revocation can be moved to an earlier instant, when more is known; never to a later one. The private part of a signing
 * key is destroyed. That of an encryption key stays until `destroyRevoked`: partners encrypt to it until they are told.
 */
export function revokeKey(secrets: NodeSecrets, kid: string, { revokedAt, reason }: Revocation): Changed | Refusal {
  const key = secrets.keys.find((one) => one.kid === kid);
  if (!key) return unknownKey();
  if (revokedAt < key.nbf) {
    const message = 'The key was not valid yet at this instant.';
    return refuse('usage-invalid', '/revokedAt', message, 'Give an instant from its begin on: caseref keys list.');
  }
  if (key.revoked && revokedAt >= key.revoked.revoked_at)
    return conflict('This key is revoked already.', 'A revocation can only be moved to an earlier instant.');
  const kept = key.use === 'enc' && key.private !== undefined && { private: key.private };
  return settle(secrets, { ...ended(key), ...kept, revoked: { revoked_at: revokedAt, reason }, state: 'revoked' });
}

/** Destroys the private part of a revoked key that nobody is offered any more. */
export function destroyRevoked(secrets: NodeSecrets, kid: string): Changed | Refusal {
  const key = secrets.keys.find((one) => one.kid === kid);
  if (!key) return unknownKey();
  if (key.state !== 'revoked')
    return conflict(
      `This key is ${key.state}: only what is left of a revoked key is destroyed so.`,
      'caseref keys list',
    );
  return settle(secrets, ended(key));
}

function ended({ private: _, plan: __, retireAt: ___, ...key }: StoredKey): StoredKey {
  return key;
}

function settle(secrets: NodeSecrets, key: StoredKey): Changed {
  return { secrets: { ...secrets, keys: secrets.keys.map((one) => (one.kid === key.kid ? key : one)) }, key };
}

function unknownKey(): Refusal {
  return refuse('not-found', '', 'This node has no key with this kid.', 'List them: caseref keys list.');
}

function conflict(message: string, next: string): Refusal {
  return refuse('state-conflict', '', message, next);
}
