import type { PeerCard } from '../domain/contract.types.ts';
import { guard } from '../domain/guard.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { Signer } from '../domain/secrets.ts';
import { CLOCK_SKEW } from './claims.ts';
import { peerCardToken, readCompact, type UnverifiedJws } from './compact.ts';
import { spokenFingerprint } from './fingerprint.ts';
import { checkIdentity, type IdentityJwk, isPrivate } from './identity.ts';
import { checkIssuer } from './issuer.ts';
import { type OpenedKeySet, openKeySet } from './keyset.ts';
import { checkSchema } from './schema.ts';
import { type SignedToken, signToken } from './sign.ts';
import { isJsonObject } from './strict.ts';
import { isTokenRefusal } from './token-refusal.ts';

/** A peer card that agrees with itself. It proves possession of the identity key and nothing about who holds it. */
export interface OpenedCard {
  readonly card: PeerCard;
  readonly identityKey: IdentityJwk;
  /** Thumbprint of the identity key: the fingerprint in writing. */
  readonly kid: string;
  /** Its `seq` and `digest` are the floor for later key sets. */
  readonly keySet: OpenedKeySet;
  /** The fingerprint as it is read out by telephone. */
  readonly fingerprint: string;
}

const LONGEST_LIFE = 30 * 86_400;

/** Signs our own card with the identity key (typ `caseref-peer+jwt`). */
export function signCard(claims: PeerCard, identitySigner: Signer): Promise<SignedToken> {
  return signToken(peerCardToken, claims, identitySigner);
}

/**
 * Opens a peer card: signed by the identity key inside it, alive, of a canonical issuer, with a key set by the same
 * identity key for the same issuer. `now` in seconds since 1970; `loopback` says that our own issuer is loopback.
 * A refusal is the content guard's, or `card-invalid` with the member that is wrong. What the card says counts only once an operator has
 * compared the fingerprint.
 */
export async function openCard(
  compact: string | Uint8Array,
  { now, loopback }: { readonly now: number; readonly loopback: boolean },
): Promise<OpenedCard | Refusal> {
  const jws = readCompact(compact, peerCardToken);
  if (isTokenRefusal(jws)) return invalid('', `The card is not a peer card token (${jws.reason}).`);
  const identityKey = await provenIdentity(jws);
  if (isRefusal(identityKey)) return identityKey;

  const guarded = guard(jws.payload, { form: 'card' });
  if (guarded !== undefined) return guarded;
  const malformed = checkSchema('peer-card', jws.payload)[0];
  if (malformed !== undefined) return invalid(malformed.pointer, malformed.message);
  const card = jws.payload as unknown as PeerCard;
  const wrong = checkIss(card, loopback) ?? checkLife(card, now);
  if (wrong !== undefined) return wrong;

  const keySet = await openKeySet(card.key_set, { issuer: card.iss, identityKey, now });
  if (isTokenRefusal(keySet)) return invalid('/key_set', `The key set in the card cannot be taken (${keySet.reason}).`);
  return { card, identityKey, kid: jws.kid, keySet, fingerprint: spokenFingerprint(jws.kid) };
}

async function provenIdentity(jws: UnverifiedJws): Promise<IdentityJwk | Refusal> {
  const identity = jws.payload.identity_key;
  if (!isJsonObject(identity) || typeof identity.kty !== 'string') {
    return invalid('/identity_key', 'The card names no identity key.');
  }
  if (isPrivate(identity)) return invalid('/identity_key', 'The card carries a private key: treat that key as lost.');
  const jwk = identity as unknown as IdentityJwk;
  const forged = await checkIdentity(jws, jwk);
  if (forged?.reason === 'signature-invalid')
    return invalid('', 'The card is not signed by the identity key it names.');
  if (forged !== undefined)
    return invalid('/identity_key', `The card does not fit its identity key (${forged.reason}).`);
  return jwk.kid === undefined || jwk.kid === jws.kid
    ? jwk
    : invalid('/identity_key/kid', 'The kid of the identity key is not its thumbprint.');
}

function checkIss({ iss }: PeerCard, loopback: boolean): Refusal | undefined {
  const refused = checkIssuer(iss, { loopback });
  return refused && invalid('/iss', refused.message);
}

function checkLife({ iat, exp }: PeerCard, now: number): Refusal | undefined {
  if (exp <= now) return invalid('/exp', 'The card has expired.');
  if (exp > iat + LONGEST_LIFE) return invalid('/exp', 'The card claims a life of more than 30 days.');
  return iat > now + CLOCK_SKEW ? invalid('/iat', 'The card was signed in the future: compare the clocks.') : undefined;
}

function invalid(pointer: string, message: string): Refusal {
  return refuse('card-invalid', pointer, message);
}
