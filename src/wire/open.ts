import type { Issuer } from '../domain/contract.types.ts';
import { EVENT_PREFIX, type SetClaims } from '../domain/message.ts';
import type { Decrypter } from '../domain/secrets.ts';
import { CLOCK_SKEW, checkClaims, HORIZON, type ReceivedEvent } from './claims.ts';
import { eventToken, readCompact, textOf, type UnverifiedJws } from './compact.ts';
import { messageDigest } from './digest.ts';
import { hasFiveParts, JWE_BYTES, openJwe, readJwe } from './jwe.ts';
import { checkSignature, type PartnerKeys, type PinnedKey } from './pinned.ts';
import { isTokenRefusal, refuseToken, type TokenRefusal } from './token-refusal.ts';

declare const verified: unique symbol;

/** A security event token that has passed verification steps 2 to 7. Only `openSet` makes one. */
export interface VerifiedSet {
  readonly [verified]: true;
  readonly claims: SetClaims;
  readonly event: ReceivedEvent;
  /** `S256:` and SHA-256 over the signing input, of the JWS inside where the message came encrypted. */
  readonly digest: string;
  readonly kid: string;
  /** The JWS: what is stored, whether it came encrypted or not. */
  readonly compact: string;
  /** Whether it came encrypted to this node; whether it had to is for policy to say, in a signed receipt. */
  readonly encrypted: boolean;
  /** `suspended` only on withdrawals and receipts, which a suspension does not stop. */
  readonly state: 'active' | 'suspended';
  readonly foreign: boolean;
}

/** Whose tokens are taken, and when. Time is an argument: seconds since 1970. */
export interface SetVerifier {
  readonly self: Issuer;
  /** The partner of exactly this issuer; synchronous, because no key is fetched while a message is handled. */
  readonly lookup: (issuer: Issuer) => PartnerKeys | undefined;
  readonly now: number;
  /** How old `iat` may be, in seconds; 90 days where absent. */
  readonly horizonSeconds?: number;
  /** Our private keys by `kid`; without it every encrypted message is one that does not decrypt. */
  readonly decrypter?: (kid: string) => Decrypter | undefined;
}

/** One key refresh a minute and partner is scheduled at most: asking sooner cannot help. */
const REFRESH_SECONDS = 60;

const despiteSuspension: ReadonlySet<string> = new Set([`${EVENT_PREFIX}withdrawn`, `${EVENT_PREFIX}receipt`]);

/**
 * Opens a compact SET in the verification order of the protocol, steps 2 to 7 (RFC 8417, RFC 7515). What comes out is
 * proven to come from the partner, for this node, in the form of the protocol; whether it may be taken is decided by
 * guard, schema and policy afterwards. Refusals are values; a throw is a bug.
 */
export async function openSet(
  received: string | Uint8Array,
  verifier: SetVerifier,
): Promise<VerifiedSet | TokenRefusal> {
  if (received.length > JWE_BYTES.mlDsa) return refuseToken('token-too-large');
  const text = textOf(received);
  const encrypted = hasFiveParts(text);
  const jws = encrypted ? await readInside(text, verifier) : readCompact(text, eventToken); // steps 2 to 4
  if (isTokenRefusal(jws)) return jws;

  const partner = findPartner(jws, verifier); // step 5
  if (isTokenRefusal(partner)) return partner;
  const pinned = findKey(jws, partner, verifier);
  if (isTokenRefusal(pinned)) return pinned;

  const forged = await checkSignature(jws, pinned.key, pinned.alg); // step 6
  if (forged !== undefined) return forged;

  const { self, now, horizonSeconds: horizon = HORIZON } = verifier;
  const opened = checkClaims(jws.payload, { self, foreign: partner.foreign, now, horizon }); // step 7
  if (isTokenRefusal(opened)) return opened;
  const state = admit(partner, opened.event);
  if (isTokenRefusal(state)) return state;

  const { kid, compact, signingInput } = jws;
  const digest = messageDigest(signingInput);
  return { ...opened, digest, kid, compact, encrypted, state, foreign: partner.foreign } as VerifiedSet;
}

/** Steps 2 to 4 of a JWE, then of the JWS inside it; one layer and no more. */
async function readInside(text: string, { decrypter }: SetVerifier): Promise<UnverifiedJws | TokenRefusal> {
  const jwe = readJwe(text);
  if (isTokenRefusal(jwe)) return jwe;
  const content = await openJwe(jwe, decrypter);
  if (isTokenRefusal(content)) return content;
  const inside = textOf(content);
  if (hasFiveParts(inside)) return refuseToken('encrypted-twice');
  const jws = readCompact(inside, eventToken);
  if (isTokenRefusal(jws)) return jws;
  // Who signed, and so how large it may be, is known only here.
  return text.length > JWE_BYTES.other && jws.alg !== 'ML-DSA-65' ? refuseToken('token-too-large') : jws;
}

function findPartner(jws: UnverifiedJws, verifier: SetVerifier): PartnerKeys | TokenRefusal {
  const { iss } = jws.payload;
  if (typeof iss !== 'string') return refuseToken('iss-invalid');
  const partner = verifier.lookup(iss);
  // The second comparison holds whatever the look-up does about case or trailing slashes.
  if (partner === undefined || partner.issuer !== iss) return refuseToken('issuer-unknown');
  if (partner.staleAt !== undefined && verifier.now >= partner.staleAt)
    return refuseToken('keys-stale', REFRESH_SECONDS);
  return partner;
}

type UsableKey = PinnedKey & { readonly key: NonNullable<PinnedKey['key']> };

/** The key by (issuer, kid): in this partner's set and no other, alive, and with the algorithm that was pinned. */
function findKey(jws: UnverifiedJws, partner: PartnerKeys, verifier: SetVerifier): UsableKey | TokenRefusal {
  const pinned = partner.keys.get(jws.kid);
  if (pinned === undefined) return refuseToken('kid-unknown', REFRESH_SECONDS);
  const { key, use, alg, nbf, exp, revoked } = pinned;
  if (use !== 'sig') return refuseToken('key-not-for-signing');
  if (alg !== jws.alg) return refuseToken('alg-mismatch');
  if (key === undefined) return refuseToken('alg-unsupported');
  if (revoked !== undefined) return refuseToken('key-revoked');
  if (exp !== undefined && verifier.now >= exp) return refuseToken('key-expired');
  if (nbf !== undefined && signedBefore(nbf, jws, verifier)) return refuseToken('key-not-yet-valid');
  return { ...pinned, key };
}

/** Step 7 has the better answer to an `iat` that is no number or older than the horizon. */
function signedBefore(
  nbf: number,
  { payload: { iat } }: UnverifiedJws,
  { now, horizonSeconds = HORIZON }: SetVerifier,
) {
  return typeof iat === 'number' && iat >= now - horizonSeconds && nbf > iat + CLOCK_SKEW;
}

/** The partner's state is told only now, to somebody who has proven to be the partner. */
function admit(partner: PartnerKeys, event: ReceivedEvent): 'active' | 'suspended' | TokenRefusal {
  if (partner.state === 'pending') return refuseToken('partner-pending');
  if (partner.state === 'suspended' && !despiteSuspension.has(event.name)) return refuseToken('partner-suspended');
  return partner.state;
}
