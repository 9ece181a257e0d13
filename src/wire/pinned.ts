import { type CryptoKey, compactVerify, errors, importJWK } from 'jose';
import type { Issuer } from '../domain/contract.types.ts';
import type { PublicJwk } from '../domain/secrets.ts';
import type { UnverifiedJws } from './compact.ts';
import { refuseToken, type TokenRefusal } from './token-refusal.ts';
import { isCoordinate, isLowOrder } from './x25519.ts';

/** Why a key stopped counting (shape of OpenID Federation's historical keys); `revoked_at` in seconds since 1970. */
export interface Revocation {
  readonly revoked_at: number;
  readonly reason?: string;
}

/** A partner's public key, prepared once. `nbf` and `exp` in seconds since 1970. */
export interface PinnedKey {
  readonly kid: string;
  readonly alg: string;
  readonly use: 'sig' | 'enc';
  readonly nbf?: number;
  readonly exp?: number;
  readonly revoked?: Revocation;
  /** Absent where this node does not speak the algorithm: known, therefore not asked for again, and never verified with. */
  readonly key: CryptoKey | undefined;
}

/** Everything that `openSet` may know of a partner. A key counts for this issuer alone. */
export interface PartnerKeys {
  readonly issuer: Issuer;
  readonly state: 'pending' | 'active' | 'suspended';
  /** A plain RFC 8935 client: no sequence, no salt, longer `jti`. */
  readonly foreign: boolean;
  readonly keys: ReadonlyMap<string, PinnedKey>;
  /** Seconds since 1970 from which the keys are too old to answer by: `exp` of the key set and 14 days. */
  readonly staleAt?: number;
}

/** A pinned key as it is kept: absent and null mean the same. */
export interface KeyRecord {
  readonly kid: string;
  readonly alg: string;
  readonly use: 'sig' | 'enc';
  readonly jwk: PublicJwk;
  readonly nbf?: number | null;
  readonly exp?: number | null;
  readonly revoked_at?: number | null;
  readonly revoked_reason?: string | null;
}

interface KeyShape {
  readonly kty: string;
  readonly crv?: string;
  readonly use: 'sig' | 'enc';
}

/** Algorithms that this node verifies or encrypts with, and the one kind of key each goes with. */
const keyShapes: ReadonlyMap<string, KeyShape> = new Map([
  ['Ed25519', { kty: 'OKP', crv: 'Ed25519', use: 'sig' }],
  ['EdDSA', { kty: 'OKP', crv: 'Ed25519', use: 'sig' }],
  ['ES256', { kty: 'EC', crv: 'P-256', use: 'sig' }],
  ['ML-DSA-65', { kty: 'AKP', use: 'sig' }],
  ['ECDH-ES', { kty: 'OKP', crv: 'X25519', use: 'enc' }],
]);

/** Whether this node speaks the algorithm; a key of another is kept and never used. */
export function speaksAlgorithm(alg: string): boolean {
  return keyShapes.has(alg);
}

/** Algorithms that a public key can verify by its kind alone: both spellings for Ed25519 (RFC 9864), else one. */
export function algorithmsOf(jwk: PublicJwk): readonly string[] {
  const fits = ([, shape]: [string, KeyShape]) => shape.use === 'sig' && hasShape(jwk, shape);
  return [...keyShapes].filter(fits).map(([alg]) => alg);
}

/**
 * Imports a public key for one algorithm, to verify with or, of ECDH-ES, to encrypt to. Nothing for an unknown
 * algorithm, a key of another kind, bytes that are no point of the curve, or a point that keeps no secret. Only the
 * members that make the key are looked at.
 */
export async function importPublicKey(jwk: PublicJwk, alg: string): Promise<CryptoKey | undefined> {
  const shape = keyShapes.get(alg);
  if (shape === undefined || !hasShape(jwk, shape)) return undefined;
  const { kty, crv, x, y, pub } = jwk;
  if (![x, y, pub].every(isCanonical)) return undefined;
  if (crv === 'X25519' && !(isCoordinate(x) && !isLowOrder(x))) return undefined;
  const members = kty === 'AKP' ? { kty, alg, pub } : kty === 'EC' ? { kty, crv, x, y } : { kty, crv, x };
  try {
    const key = await importJWK(members as Parameters<typeof importJWK>[0], alg);
    return key instanceof Uint8Array ? undefined : key;
  } catch (error) {
    if (isMalformedKey(error)) return undefined;
    throw error;
  }
}

/** Prepares what is kept of a partner for `openSet`. */
export async function pinKeys(partner: {
  readonly issuer: Issuer;
  readonly state: PartnerKeys['state'];
  readonly foreign: boolean;
  readonly keys: readonly KeyRecord[];
  readonly staleAt?: number;
}): Promise<PartnerKeys> {
  const keys = await Promise.all(partner.keys.map(pinKey));
  return { ...partner, keys: new Map(keys.map((key) => [key.kid, key])) };
}

async function pinKey(record: KeyRecord): Promise<PinnedKey> {
  const { kid, alg, use, jwk, nbf, exp, revoked_at, revoked_reason } = record;
  return {
    kid,
    alg,
    use,
    ...(nbf != null && { nbf }),
    ...(exp != null && { exp }),
    ...(revoked_at != null && { revoked: { revoked_at, ...(revoked_reason != null && { reason: revoked_reason }) } }),
    key: await importPublicKey(jwk, alg),
  };
}

/** Step 6: the signature, under the algorithm of the key and no other. */
export async function checkSignature(
  jws: UnverifiedJws,
  key: CryptoKey,
  alg: string,
): Promise<TokenRefusal | undefined> {
  try {
    await compactVerify(jws.compact, key, { algorithms: [alg] });
    return undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError) return refuseToken('signature-invalid');
    throw error;
  }
}

function hasShape(jwk: PublicJwk, shape: KeyShape): boolean {
  return jwk.kty === shape.kty && (shape.crv === undefined || jwk.crv === shape.crv);
}

/** One key has one spelling, so that it has one thumbprint. */
function isCanonical(member: unknown): boolean {
  if (member === undefined) return true;
  return typeof member === 'string' && Buffer.from(member, 'base64url').toString('base64url') === member;
}

/** WebCrypto says DataError for bytes that are no key, jose TypeError or its own error for members that are missing. */
function isMalformedKey(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError ||
    error instanceof TypeError ||
    (error instanceof DOMException && error.name === 'DataError')
  );
}
