import type { PublicJwk } from '../domain/secrets.ts';
import type { UnverifiedJws } from './compact.ts';
import { thumbprint } from './fingerprint.ts';
import { algorithmsOf, checkSignature, importPublicKey } from './pinned.ts';
import { refuseToken, type TokenRefusal } from './token-refusal.ts';

/** A public identity key as a card carries it. Without `alg` its curve decides, in either spelling of Ed25519. */
export interface IdentityJwk extends PublicJwk {
  readonly kid?: string;
  readonly alg?: string;
  readonly use?: string;
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const;

/** Whether a JWK has a member that only its owner may know (RFC 7518, section 6; RFC 9964): never taken, never kept. */
export function isPrivate(jwk: object): boolean {
  return privateMembers.some((member) => Object.hasOwn(jwk, member));
}

/** Proves that a token was signed by this identity key: its thumbprint is the `kid`, its algorithm the `alg`. */
export async function checkIdentity(jws: UnverifiedJws, identity: IdentityJwk): Promise<TokenRefusal | undefined> {
  const fitting = algorithmsOf(identity);
  if (fitting.length === 0) return refuseToken('not-identity-key');
  const agreed = identity.alg === undefined ? fitting.includes(jws.alg) : identity.alg === jws.alg;
  if (!agreed) return refuseToken('alg-mismatch');
  const key = await importPublicKey(identity, jws.alg);
  if (key === undefined) return refuseToken('key-malformed');
  return jws.kid === (await thumbprint(identity)) ? checkSignature(jws, key, jws.alg) : refuseToken('not-identity-key');
}
