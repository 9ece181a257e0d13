import type { Issuer, KeySet, KeySetKey } from '../domain/contract.types.ts';
import { guard } from '../domain/guard.ts';
import type { Signer } from '../domain/secrets.ts';
import { checkIssuedAt } from './claims.ts';
import { keySetToken, readCompact } from './compact.ts';
import { messageDigest } from './digest.ts';
import { thumbprint } from './fingerprint.ts';
import { checkIdentity, type IdentityJwk, isPrivate } from './identity.ts';
import { isLoopbackIssuer } from './issuer.ts';
import { importPublicKey, type KeyRecord, speaksAlgorithm } from './pinned.ts';
import { checkSchema } from './schema.ts';
import { type SignedToken, signToken } from './sign.ts';
import { isJsonObject, type JsonObject } from './strict.ts';
import { isTokenRefusal, refuseToken, type TokenReason, type TokenRefusal } from './token-refusal.ts';

declare const verified: unique symbol;

/** A key set proven to be its issuer's by the pinned identity key. Only `openKeySet` makes one. */
export interface OpenedKeySet {
  readonly [verified]: true;
  readonly claims: KeySet;
  /** The keys as they are kept and pinned; those of algorithms that this node does not speak are left out. */
  readonly keys: readonly KeyRecord[];
  /** `S256:` and SHA-256 over the signing input: with `seq`, the floor for the next key set. */
  readonly digest: string;
  readonly compact: string;
}

/** Whose key set is expected, and above what. */
export interface KeySetVerifier {
  readonly issuer: Issuer;
  /** The identity key pinned at confirmation. */
  readonly identityKey: IdentityJwk;
  /** `seq` and digest of the last key set taken; a lower one is a roll-back, an equal one with other content a fork. */
  readonly floor?: { readonly seq: number; readonly digest: string };
  /** Seconds since 1970. */
  readonly now: number;
}

const LONGEST_LIFE = 100 * 86_400;

/** Signs our own key set with the identity key (typ `jwk-set+jwt`). */
export function signKeySet(claims: KeySet, identitySigner: Signer): Promise<SignedToken> {
  return signToken(keySetToken, claims, identitySigner);
}

/** Whether a key set, opened before and kept, says in so many words that messages to its node must be encrypted. */
export function wantsEncryption(compact: string): boolean {
  const jws = readCompact(compact, keySetToken);
  return !isTokenRefusal(jws) && jws.payload.encryption === 'required';
}

/** Opens a partner's key set: strict bytes, the pinned identity key and no other, then the claims (protocol, "Keys"). */
export async function openKeySet(
  compact: string | Uint8Array,
  verifier: KeySetVerifier,
): Promise<OpenedKeySet | TokenRefusal> {
  const jws = readCompact(compact, keySetToken);
  if (isTokenRefusal(jws)) return jws;
  const forged = await checkIdentity(jws, verifier.identityKey);
  if (forged !== undefined) return forged;

  const digest = messageDigest(jws.signingInput);
  const claims = checkKeySet(jws.payload, digest, verifier);
  if (isTokenRefusal(claims)) return claims;
  const faults = await Promise.all(claims.keys.map((key) => checkKey(key, jws.kid)));
  const fault = faults.find((reason) => reason !== undefined);
  if (fault !== undefined) return refuseToken(fault);
  return { claims, keys: claims.keys.map(keyRecord), digest, compact: jws.compact } as unknown as OpenedKeySet;
}

function checkKeySet(payload: JsonObject, digest: string, verifier: KeySetVerifier): KeySet | TokenRefusal {
  if (payload.iss !== verifier.issuer) return refuseToken('issuer-mismatch');
  const entries = Array.isArray(payload.keys) ? payload.keys.filter(isJsonObject) : [];
  if (entries.some(isPrivate)) return refuseToken('private-member');
  if (new Set(entries.map(({ kid }) => kid)).size !== entries.length) return refuseToken('kid-duplicate');
  const known = withoutForeignAlgorithms(payload);
  if (guard(known, { form: 'key-set' }) || checkSchema('key-set', known).length > 0)
    return refuseToken('claims-invalid');
  const claims = known as unknown as KeySet;
  const verdict = checkLife(claims, verifier.now) ?? checkFloor(claims, digest, verifier) ?? checkEndpoints(claims);
  if (verdict === undefined) return claims;
  return typeof verdict === 'string' ? refuseToken(verdict) : verdict;
}

/** A partner that begins with a newer algorithm stays readable: what this node cannot use is as if it were not there. */
function withoutForeignAlgorithms(payload: JsonObject): JsonObject {
  const { keys, algs, ...others } = payload;
  const isForeign = (alg: unknown) => typeof alg === 'string' && !speaksAlgorithm(alg);
  const kept = Array.isArray(keys) ? keys.filter((key) => !(isJsonObject(key) && isForeign(key.alg))) : keys;
  const spoken = Array.isArray(algs) ? algs.filter((alg) => !isForeign(alg)) : algs;
  return { ...others, keys: kept, ...(spoken !== undefined && { algs: spoken }) };
}

function checkLife({ iat, exp }: KeySet, now: number): TokenReason | TokenRefusal | undefined {
  if (exp <= now) return 'key-set-expired';
  if (exp > iat + LONGEST_LIFE) return 'exp-too-far';
  return checkIssuedAt(iat, now, LONGEST_LIFE);
}

function checkFloor({ seq }: KeySet, digest: string, { floor }: KeySetVerifier): TokenReason | undefined {
  if (floor === undefined || seq > floor.seq) return undefined;
  if (seq < floor.seq) return 'seq-below-floor';
  return digest === floor.digest ? undefined : 'key-set-fork';
}

/** References go to these addresses: never in the clear, except on one machine. */
function checkEndpoints({ iss, endpoints }: KeySet): TokenReason | undefined {
  const secure = Object.values(endpoints).every((endpoint) => String(endpoint).startsWith('https:'));
  return secure || isLoopbackIssuer(iss) ? undefined : 'endpoint-insecure';
}

async function checkKey(key: KeySetKey, identityKid: string): Promise<TokenReason | undefined> {
  if (key.kid === identityKid) return 'key-is-identity';
  if ((key.use === 'enc') !== (key.alg === 'ECDH-ES')) return 'key-malformed';
  if ((await importPublicKey(key, key.alg)) === undefined) return 'key-malformed';
  if (key.kid !== (await thumbprint({ ...key }))) return 'kid-not-thumbprint';
  return key.revoked !== undefined && key.revoked.revoked_at < key.nbf ? 'revoked-before-nbf' : undefined;
}

function keyRecord({ kid, alg, use, nbf, exp, revoked, ...material }: KeySetKey): KeyRecord {
  return {
    kid,
    alg,
    use,
    jwk: material,
    nbf,
    exp,
    ...(revoked !== undefined && { revoked_at: revoked.revoked_at, revoked_reason: revoked.reason ?? null }),
  };
}
