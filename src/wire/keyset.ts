import type { Issuer, KeySet, KeySetKey } from '../domain/contract.types.ts';
import { guard } from '../domain/guard.ts';
import type { Signer } from '../domain/secrets.ts';
import { checkIssuedAt } from './claims.ts';
import { eventToken, keySetToken, readCompact } from './compact.ts';
import { messageDigest } from './digest.ts';
import { thumbprint } from './fingerprint.ts';
import { withoutMaterial } from './foreign-key.ts';
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
/** `seq` is the signing time, and above the last: it may run ahead of the clock where that went back, in seconds. */
export const SEQ_AHEAD = 86_400;

/** Signs our own key set with the identity key (typ `jwk-set+jwt`). */
export function signKeySet(claims: KeySet, identitySigner: Signer): Promise<SignedToken> {
  return signToken(keySetToken, claims, identitySigner);
}

/** How a partner wants to be reached and asked again, by its key set. */
export interface KeySetTerms {
  /** Absent where the key set does not say, which means `required` unless the operator has named a foreign client. */
  readonly encryption?: 'required' | 'none';
  /** Signature algorithms that it verifies; names that this node does not speak may be among them. */
  readonly algs: readonly string[];
  /** Seconds after which to ask for its key set again. */
  readonly refresh: number;
  /** Largest token that it takes, in bytes. */
  readonly maxSetBytes: number;
}

const DEFAULT_ALGS = ['Ed25519', 'EdDSA', 'ES256'] as const;
const DEFAULT_REFRESH = 3600;

/**
 * What a key set says of its node, with the defaults of the protocol where it says nothing. For one that was opened
 * before and kept: nothing is verified again. One that cannot be read any more counts as the strictest.
 */
export function keySetTerms(compact: string): KeySetTerms {
  const jws = readCompact(compact, keySetToken);
  const payload: Partial<KeySet> = isTokenRefusal(jws) ? { encryption: 'required' } : jws.payload;
  const { encryption, algs, refresh, max_set_bytes: maxSetBytes } = payload;
  return {
    ...(encryption !== undefined && { encryption }),
    algs: algs ?? DEFAULT_ALGS,
    refresh: refresh ?? DEFAULT_REFRESH,
    maxSetBytes: maxSetBytes ?? eventToken.bytes,
  };
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
  const claims = await checkKeySet(jws.payload, digest, verifier);
  if (isTokenRefusal(claims)) return claims;
  const faults = await Promise.all(claims.keys.map((key) => checkKey(key, jws.kid)));
  const fault = faults.find((reason) => reason !== undefined);
  if (fault !== undefined) return refuseToken(fault);
  return { claims, keys: claims.keys.map(keyRecord), digest, compact: jws.compact } as unknown as OpenedKeySet;
}

async function checkKeySet(
  payload: JsonObject,
  digest: string,
  verifier: KeySetVerifier,
): Promise<KeySet | TokenRefusal> {
  if (payload.iss !== verifier.issuer) return refuseToken('issuer-mismatch');
  const entries = Array.isArray(payload.keys) ? payload.keys.filter(isJsonObject) : [];
  if (entries.some(isPrivate)) return refuseToken('private-member');
  if (new Set(entries.map(({ kid }) => kid)).size !== entries.length) return refuseToken('kid-duplicate');
  // The whole is looked at, foreign keys too: the compact form is kept and shown as it came.
  if (guard(await guardable(payload), { form: 'key-set' })) return refuseToken('claims-invalid');
  const known = withoutForeignAlgorithms(payload);
  if (checkSchema('key-set', known).length > 0) return refuseToken('claims-invalid');
  const claims = known as unknown as KeySet;
  const verdict = checkLife(claims, verifier.now) ?? checkFloor(claims, digest, verifier) ?? checkEndpoints(claims);
  if (verdict === undefined) return claims;
  return typeof verdict === 'string' ? refuseToken(verdict) : verdict;
}

/** A partner that begins with a newer algorithm stays readable: what this node cannot use is as if it were not there. */
function withoutForeignAlgorithms(payload: JsonObject): JsonObject {
  const { keys, algs, ...others } = payload;
  const kept = Array.isArray(keys) ? keys.filter((key) => !isForeignKey(key)) : keys;
  const spoken = Array.isArray(algs) ? algs.filter((alg) => !isForeignAlgorithm(alg)) : algs;
  return { ...others, keys: kept, ...(spoken !== undefined && { algs: spoken }) };
}

/** The claims for the content guard, which knows where the bytes of our own algorithms stand and how long they are. */
async function guardable(payload: JsonObject): Promise<JsonObject> {
  if (!Array.isArray(payload.keys)) return payload;
  const keys = await Promise.all(payload.keys.map((key) => (isForeignKey(key) ? withoutMaterial(key) : key)));
  return { ...payload, keys };
}

function isForeignKey(key: unknown): key is JsonObject {
  return isJsonObject(key) && isForeignAlgorithm(key.alg);
}

function isForeignAlgorithm(alg: unknown): boolean {
  return typeof alg === 'string' && !speaksAlgorithm(alg);
}

function checkLife({ seq, iat, exp }: KeySet, now: number): TokenReason | TokenRefusal | undefined {
  if (exp <= now) return 'key-set-expired';
  if (exp > iat + LONGEST_LIFE) return 'exp-too-far';
  const early = checkIssuedAt(iat, now, LONGEST_LIFE);
  if (early !== undefined) return early;
  // One of the year 9999 would be the floor for ever: whoever had the identity key for a moment would end it.
  return seq > Math.min(iat, now) + SEQ_AHEAD ? 'seq-ahead' : undefined;
}

function checkFloor({ seq }: KeySet, digest: string, { floor }: KeySetVerifier): TokenReason | undefined {
  if (floor === undefined || seq > floor.seq) return undefined;
  if (seq < floor.seq) return 'seq-below-floor';
  return digest === floor.digest ? undefined : 'key-set-fork';
}

/**
 * Origins of endpoints on another host than the issuer's own: a gateway, or somebody who wants its messages. No refusal, since
 * the protocol allows both; on one machine any port is the issuer's own.
 */
export function endpointsElsewhere({ iss, endpoints }: Pick<KeySet, 'iss' | 'endpoints'>): string[] {
  const own = new URL(iss);
  const urls = Object.values(endpoints).map((endpoint) => new URL(String(endpoint)));
  const elsewhere = urls.filter(({ origin, hostname }) =>
    isLoopbackIssuer(iss) ? hostname !== own.hostname : origin !== own.origin,
  );
  return [...new Set(elsewhere.map(({ origin }) => origin))].sort();
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
