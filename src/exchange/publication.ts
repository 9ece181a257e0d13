import type { KeySet, PeerCard } from '../domain/contract.types.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { PublicJwk, Signer } from '../domain/secrets.ts';
import type { NamedPublicKey, PublicKey } from '../keys/keystore.ts';
import { documentDigest } from '../wire/approval.ts';
import { openCard, signCard } from '../wire/card.ts';
import { isLoopbackIssuer } from '../wire/issuer.ts';
import { type OpenedKeySet, openKeySet, SEQ_AHEAD, signKeySet } from '../wire/keyset.ts';
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
    endpoints: endpointsOf(exchange),
    algs: ['Ed25519', 'EdDSA', 'ES256', 'ML-DSA-65'],
    encryption: isLoopbackIssuer(exchange.self) ? 'none' : 'required',
    max_set_bytes: MAX_SET_BYTES,
  };
}

/** A node that takes no inbound connection names no address: partners keep for it what it fetches. */
function endpointsOf({ self, settings }: Exchange): KeySet['endpoints'] {
  if (settings.pollOnly) return {};
  const at = `${self}/exchange`;
  return { push: `${at}/push`, poll: `${at}/poll`, replay: `${at}/replay`, keys: `${at}/keys` };
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

/** A publication that was proven: what its two tokens say. */
export interface OpenedPublication {
  readonly keySet: OpenedKeySet;
  readonly card: PeerCard;
}

/** Proves that both tokens are what our identity key signed for this node, belong together and are newer than the last. */
export async function openPublication(
  { keySet, card }: Publication,
  { issuer, identity, now, lastSeq }: PublicationTerms,
): Promise<OpenedPublication | Refusal> {
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
  if (together && introduced.card.iss === issuer) return { keySet: opened, card: introduced.card };
  return refuse('publication-invalid', '/card', 'The card and the key set do not belong together.', ANEW);
}

const ANEW = 'Ask for the signature anew: caseref keys export-public.';

const DAY = 24 * 60 * 60;
/** Clocks differ: what is signed may be so far ahead of ours, in seconds. */
const AHEAD = 600;
/** A request that lay longer is not what the node would ask today. */
const OLDEST_REQUEST = 7 * DAY;
/** The end of a key moves by moments when the plan of the keys is carried out between request and publication. */
const END_SLACK = DAY;

/**
 * Refuses what no node of ours would ask for now, by the clock of the machine with the identity key (seconds since 1970):
 * a signature with a date in the future is good for as long after that date as one of today, and can be hidden until then.
 */
export function checkRequest({ keySet, card }: PublicationRequest, now: number): Refusal | undefined {
  const { iat, seq, exp } = keySet;
  if (iat > now + AHEAD) {
    const message = 'The request is dated in the future.';
    return refuse('publication-invalid', '/keySet/iat', message, `Compare the clocks of both machines. ${ANEW}`);
  }
  if (iat < now - OLDEST_REQUEST)
    return refuse('publication-invalid', '/keySet/iat', 'The request is older than seven days.', ANEW);
  const wrong = checkTimes({ iat, seq, exp }, card, Math.max(iat + SEQ_AHEAD, now + AHEAD));
  if (wrong === undefined) return undefined;
  return refuse('publication-invalid', wrong, 'No node of this release asks for that.', ANEW);
}

/** Where the times of a publication are not what a node gives them; `highest`: the greatest number that it may have. */
function checkTimes(
  { iat, seq, exp }: Pick<KeySet, 'iat' | 'seq' | 'exp'>,
  card: Pick<PeerCard, 'iat' | 'exp'>,
  highest: number,
): string | undefined {
  if (!(seq <= highest)) return '/keySet/seq';
  if (exp !== iat + KEY_SET_LIFE) return '/keySet/exp';
  if (card.iat !== iat) return '/card/iat';
  return card.exp === iat + CARD_LIFE ? undefined : '/card/exp';
}

/**
 * Refuses what says anything else than this node would say now: a request that lay on a desk while a key was revoked here
 * would take that revocation back, and one that somebody changed on the way would send our messages elsewhere.
 */
export function checkCurrent(
  { keySet: { claims }, card }: OpenedPublication,
  drafted: PublicationRequest,
  { now, lastSeq }: Pick<PublicationTerms, 'now' | 'lastSeq'>,
): Refusal | undefined {
  const { iat } = claims;
  if (iat > now + AHEAD) return refuse('publication-invalid', '/keySet/iat', 'It was signed for a time to come.', ANEW);
  const wrong = checkTimes(claims, card, Math.max(now + AHEAD, lastSeq + 1));
  if (wrong) return refuse('publication-invalid', wrong, 'This is not what this node asks for.', ANEW);
  return checkKeys(claims, drafted.keySet) ?? checkMembers({ keySet: claims, card }, drafted);
}

function checkKeys(signed: KeySet, drafted: KeySet): Refusal | undefined {
  const told = new Map(signed.keys.map((key) => [key.kid, key]));
  // An entry whose end came meanwhile may still stand in the older one; it verifies nothing.
  const surplus = [...told.keys()].filter((kid) => !drafted.keys.some((key) => key.kid === kid));
  const alive = signed.keys.some(({ kid, exp }) => surplus.includes(kid) && exp > drafted.iat);
  if (!alive && drafted.keys.every((key) => isSameKey(told.get(key.kid), key))) return undefined;
  const message = 'The keys of this node have changed since the request was written.';
  return refuse('publication-invalid', '/keySet/keys', message, ANEW);
}

type KeyEntry = KeySet['keys'][number];

function isSameKey(signed: KeyEntry | undefined, { exp, ...drafted }: KeyEntry): boolean {
  if (!signed || Math.abs(signed.exp - exp) > END_SLACK) return false;
  const { exp: _, ...entry } = signed;
  return documentDigest(entry) === documentDigest(drafted);
}

/** Every other member, those of a later release included: the identity key signs what its keeper saw and the node asks for. */
function checkMembers(
  signed: { readonly keySet: KeySet; readonly card: PeerCard },
  drafted: PublicationRequest,
): Refusal | undefined {
  const { key_set: _, ...card } = signed.card;
  const wrong = otherMember('/keySet', signed.keySet, drafted.keySet) ?? otherMember('/card', card, drafted.card);
  if (wrong === undefined) return undefined;
  const message =
    'What was signed differs from what this node asks for: its settings have changed since, or somebody changed the request.';
  return refuse('publication-invalid', wrong, message, ANEW);
}

/** Members that have a check of their own. */
const apart: ReadonlySet<string> = new Set(['iat', 'exp', 'seq', 'keys']);

function otherMember(pointer: string, signed: object, drafted: object): string | undefined {
  const [one, other] = [new Map(Object.entries(signed)), new Map(Object.entries(drafted))];
  const names = [...new Set([...one.keys(), ...other.keys()])].filter((name) => !apart.has(name));
  const differs = names.find(
    (name) => documentDigest({ is: one.get(name) }) !== documentDigest({ is: other.get(name) }),
  );
  return differs === undefined ? undefined : `${pointer}/${differs}`;
}
