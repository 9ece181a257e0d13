import type { KeySet, PeerCard } from '../domain/contract.types.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { PublicJwk, Signer } from '../domain/secrets.ts';
import type { NamedPublicKey, PublicKey } from '../keys/keystore.ts';
import { openCard, signCard } from '../wire/card.ts';
import { isLoopbackIssuer } from '../wire/issuer.ts';
import { type OpenedKeySet, openKeySet, signKeySet } from '../wire/keyset.ts';
import { isTokenRefusal } from '../wire/token-refusal.ts';
import type { Exchange } from './context.ts';
import { secondsNow } from './key-change.ts';
import { CARD_LIFE, KEY_SET_LIFE, PUBLIC_FOR, REFRESH_SECONDS, RETIRE_AFTER } from './key-times.ts';

const MAX_SET_BYTES = 16 * 1024;
/** The schema of a key set takes no more. */
const MOST_KEYS = 64;

/** What the identity key is asked to sign: the claims of a key set, and of the card that will carry it. No secrets. */
export interface PublicationRequest {
  readonly keySet: KeySet;
  readonly card: Omit<PeerCard, 'key_set'>;
}

/** The same, signed: two compact tokens. */
export interface Publication {
  readonly keySet: string;
  readonly card: string;
}

/** What the identity key `identity` would sign now; `lastSeq` is that of the published key set. */
export function draftPublication(
  exchange: Exchange,
  identity: NamedPublicKey,
  lastSeq: number,
): PublicationRequest | Refusal {
  const now = secondsNow(exchange);
  const keySet = keySetClaims(exchange, Math.max(now, lastSeq + 1), now);
  if (keySet.keys.length <= MOST_KEYS) return { keySet, card: cardClaims(exchange, identity, now) };
  const message = `More than ${MOST_KEYS} keys of this node are still verified: a key set holds no more.`;
  return refuse('state-conflict', '', message, 'Make no more keys before the oldest have ended: caseref keys list.');
}

/** What this node tells partners of its keys and addresses; only what it really answers is named. */
function keySetClaims(exchange: Exchange, seq: number, now: number): KeySet {
  return {
    iss: exchange.self,
    seq,
    iat: now,
    exp: now + KEY_SET_LIFE,
    refresh: REFRESH_SECONDS,
    keys: keyEntries(exchange.keys.publicKeys(), now),
    endpoints: { push: `${exchange.self}/exchange/push`, keys: `${exchange.self}/exchange/keys` },
    algs: ['Ed25519', 'EdDSA', 'ES256', 'ML-DSA-65'],
    encryption: isLoopbackIssuer(exchange.self) ? 'none' : 'required',
    max_set_bytes: MAX_SET_BYTES,
  };
}

/** Who this node is, as its card says it, for 30 days. */
export function cardClaims(exchange: Exchange, identity: NamedPublicKey, now: number): PublicationRequest['card'] {
  const { name, type, jurisdictions, contact } = exchange.settings;
  return {
    iss: exchange.self,
    iat: now,
    exp: now + CARD_LIFE,
    organisation: { name, type, jurisdictions: [...jurisdictions] },
    identity_key: { ...identity.jwk } as PeerCard['identity_key'],
    ...(contact && { contact }),
  };
}

/** Keys as partners pin them: those to come, and those that are retired or revoked for as long as they are verified. */
function keyEntries(keys: readonly PublicKey[], now: number): KeySet['keys'] {
  return keys
    .map((key) => ({ ...key, exp: verifiedUntil(key, keys) }))
    .filter(({ exp }) => exp > now)
    .map(({ kid, alg, use, nbf, exp, jwk, revoked }) => {
      const entry = { ...jwk, kid, alg, use, nbf, exp };
      return (revoked === undefined ? entry : { ...entry, revoked: { ...revoked } }) as KeySet['keys'][number];
    });
}

/**
 * A signing key that is or will be replaced outlives its own end: the identity key may be far away when it is retired, and
 * until then nobody could tell partners that what it signed still counts.
 */
function verifiedUntil(key: PublicKey, keys: readonly PublicKey[]): number {
  const signs = key.use === 'sig' && (key.state === 'active' || key.state === 'replaced');
  if (!signs) return key.exp;
  const successor = keys.find(({ alg, state, plan }) => alg === key.alg && state === 'future' && plan !== undefined);
  const planned = successor?.plan && successor.plan.activateAt + RETIRE_AFTER.sig;
  const retired = key.retireAt ?? planned;
  return retired === undefined ? key.exp : Math.max(key.exp, retired + PUBLIC_FOR);
}

/** Signs both with the identity key. Needs no node: this is what runs on the machine that is never connected. */
export async function signPublication({ keySet, card }: PublicationRequest, identity: Signer): Promise<Publication> {
  const signed = (await signKeySet(keySet, identity)).compact;
  return { keySet: signed, card: (await signCard({ ...card, key_set: signed }, identity)).compact };
}

/** Whose publication is expected, and above what. */
export interface PublicationTerms {
  readonly issuer: string;
  readonly identity: { readonly kid: string; readonly jwk: PublicJwk };
  /** Seconds since 1970. */
  readonly now: number;
  /** `seq` of the published key set. */
  readonly lastSeq: number;
}

/** Proves that both tokens are what our identity key signed for this node, belong together and are newer than the last. */
export async function openPublication(
  { keySet, card }: Publication,
  { issuer, identity, now, lastSeq }: PublicationTerms,
): Promise<OpenedKeySet | Refusal> {
  const opened = await openKeySet(keySet, { issuer, identityKey: identity.jwk, now });
  if (isTokenRefusal(opened)) {
    const next = 'Look that it was signed for this node, by its identity key and not long ago: caseref keys list.';
    return refuse('publication-invalid', '/keySet', `The key set cannot be taken (${opened.reason}).`, next);
  }
  if (opened.claims.seq <= lastSeq) {
    return refuse('publication-invalid', '/keySet', 'A key set at least as new is published already.', ANEW);
  }
  const introduced = await openCard(card, { now, loopback: isLoopbackIssuer(issuer) });
  if (isRefusal(introduced)) return introduced;
  const together = introduced.kid === identity.kid && introduced.card.key_set === keySet;
  if (together && introduced.card.iss === issuer) return opened;
  return refuse('publication-invalid', '/card', 'The card and the key set do not belong together.', ANEW);
}

const ANEW = 'Ask for the signature anew: caseref keys export-public.';

/**
 * Refuses a signed key set that says something else of our keys than this node would say now: a request that lay on a desk
 * while a key was revoked here would take that revocation back.
 */
export function checkCurrent(signed: KeySet, drafted: KeySet): Refusal | undefined {
  const told = new Map(signed.keys.map((key) => [key.kid, entryText(key)]));
  // An entry whose end came meanwhile may still stand in the older one; it verifies nothing.
  const surplus = [...told.keys()].filter((kid) => !drafted.keys.some((key) => key.kid === kid));
  const alive = signed.keys.some(({ kid, exp }) => surplus.includes(kid) && exp > drafted.iat);
  if (!alive && drafted.keys.every((key) => told.get(key.kid) === entryText(key))) return undefined;
  const message = 'The keys of this node have changed since the request was written.';
  return refuse('publication-invalid', '/keySet/keys', message, ANEW);
}

function entryText({ kid, alg, use, nbf, revoked }: KeySet['keys'][number]): string {
  return JSON.stringify([kid, alg, use, nbf, revoked?.revoked_at, revoked?.reason]);
}
