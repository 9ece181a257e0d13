import type { PeerCard } from '../domain/contract.types.ts';
import { isoInstant } from '../domain/instant.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { type NewEvent, raise, recordEvents } from '../store/feed.ts';
import type { Database, Trx } from '../store/open.ts';
import { bumpDirectory, lockPartner } from '../store/partners.ts';
import { closeAlertsOf } from '../store/refresh.ts';
import { dropReplacement, endFormerKeys, keepReplacement, replacementOf, writePartner } from '../store/replacements.ts';
import { type OpenedCard, openCard } from '../wire/card.ts';
import { isFingerprint, sameFingerprint, spokenFingerprint } from '../wire/fingerprint.ts';
import { keySetTerms } from '../wire/keyset.ts';
import type { Exchange } from './context.ts';
import { keySetColumns, storeKeys } from './pin-keys.ts';
import { markSuspect } from './suspect.ts';

type PartnerRow = NonNullable<Awaited<ReturnType<typeof lockPartner>>>;

/** A card with another identity key for a known issuer: it changes nothing before its own fingerprint is confirmed. */
export interface Offered {
  readonly issuer: string;
  /** State of the partner, which stays as it is. */
  readonly state: PartnerRow['state'];
  /** Fingerprint of the new identity key, written and spoken. */
  readonly fingerprint: string;
  readonly spoken: string;
  /** Fingerprint of the identity key that stays in force meanwhile. */
  readonly replaces: string;
  readonly organisation: PeerCard['organisation'];
}

/** What the operator says of a replacement after the telephone call; what is left out stays as it was recorded. */
export interface ReplacementConfirmation {
  readonly issuer: string;
  /** As it was read out or typed: base64url or eight groups of five digits. */
  readonly fingerprint: string;
  readonly type?: string | undefined;
  readonly jurisdictions?: readonly string[] | undefined;
  readonly verifiedBy?: string | undefined;
  readonly foreign?: boolean | undefined;
  readonly local?: boolean | undefined;
  /** From when the old identity may have been in other hands; `unknown` is since it was confirmed. */
  readonly suspectSince?: Date | 'unknown' | undefined;
}

export interface Replaced {
  readonly issuer: string;
  readonly state: 'active' | 'suspended';
  readonly type: string;
  readonly jurisdictions: readonly string[];
  /** Members taken from the new card: only where nothing had been recorded before. */
  readonly fromCard: readonly ('type' | 'jurisdictions')[];
  readonly fingerprint: string;
  readonly spoken: string;
  readonly foreign: boolean;
  /** Fingerprint of the identity key that counted until now. */
  readonly replaced: string;
  /** From when its messages are suspect, and how many were marked; absent where it had never been confirmed. */
  readonly suspectSince?: string;
  readonly suspect: number;
}

/** The replacement that waits for its fingerprint call, as it is shown; undefined where none does. */
export async function pendingReplacement(db: Database, issuer: string) {
  const row = await replacementOf(db, issuer);
  if (!row) return undefined;
  return {
    fingerprint: row.identity_kid,
    spokenFingerprint: spokenFingerprint(row.identity_kid),
    addedAt: isoInstant(row.added_at.getTime()),
  };
}

/**
 * Keeps a card with another identity key for a known issuer until a person confirms it (protocol, "Keys"): the partner lost
 * its key, or somebody else pretends to be it, and only a telephone call tells which.
 */
export async function offerReplacement(
  exchange: Exchange,
  trx: Trx,
  row: PartnerRow,
  opened: OpenedCard,
  compact: string,
): Promise<Offered | Refusal> {
  const { card, kid } = opened;
  const { issuer } = row;
  const waiting = await replacementOf(trx, issuer);
  if (waiting?.identity_kid === kid && card.iat < waiting.card_iat) {
    return refuse('card-invalid', '/iat', 'The card is older than the one that waits to be confirmed.');
  }
  const at = new Date(exchange.clock());
  await keepReplacement(trx, { issuer, card: compact, card_iat: card.iat, identity_kid: kid, added_at: at });
  await recordEvents(trx, [{ type: 'partner.replacement-offered', at, partner: issuer, body: { kid } }]);
  await raise(trx, [{ code: 'identity-changed', partner: issuer }], at);
  return {
    issuer,
    state: row.state,
    fingerprint: kid,
    spoken: opened.fingerprint,
    replaces: row.identity_kid,
    organisation: card.organisation,
  };
}

/**
 * Puts the identity that waits in the place of the pinned one, when the fingerprint that the operator compared is its own.
 * From the commit on the old identity signs no key set and its keys verify nothing; what they signed after `suspectSince`
 * is suspect. A suspended partner stays suspended. Part of the transaction that confirms.
 */
export async function confirmReplacement(
  exchange: Exchange,
  trx: Trx,
  given: ReplacementConfirmation,
): Promise<Replaced | Refusal> {
  const row = await lockPartner(trx, given.issuer);
  if (!row || row.state === 'removed') return unknownPartner(given.issuer);
  const waiting = await replacementOf(trx, given.issuer);
  if (!waiting) return refuse('state-conflict', '/issuer', 'No other identity key waits to be confirmed.');
  // It was whole and alive when it was taken; how long the telephone call took is no fault of the card.
  const openedAt = Math.floor(waiting.added_at.getTime() / 1000);
  const opened = await openCard(waiting.card, { now: openedAt, loopback: exchange.profile.loopback });
  if (isRefusal(opened)) return opened;
  const wrong = await wrongFingerprint(given, row, opened);
  if (wrong) return wrong;
  if (given.foreign && keySetTerms(opened.card.key_set).encryption === 'required') {
    const said = 'The key set in the new card says that messages to it must be encrypted: it is no client that cannot.';
    return refuse('encryption-required', '/foreign', said, 'Confirm it without --foreign.');
  }
  const since = suspectTime(exchange, given, row);
  if (isRefusal(since)) return since;
  return replace(exchange, trx, { given, row, opened, since, compact: waiting.card });
}

async function wrongFingerprint(
  { fingerprint, issuer }: ReplacementConfirmation,
  row: PartnerRow,
  { identityKey }: OpenedCard,
): Promise<Refusal | undefined> {
  if (!isFingerprint(fingerprint)) {
    const next =
      'Type what the partner read out: eight groups of five digits, or the 43 characters as they are written.';
    return refuse('usage-invalid', '/fingerprint', 'This is no fingerprint.', next);
  }
  if (await sameFingerprint(identityKey, fingerprint)) return undefined;
  if (!(await sameFingerprint(row.identity_jwk, fingerprint))) return refuse('fingerprint-mismatch', '/fingerprint');
  const said =
    'This is the fingerprint of the old identity key: the partner still has it, and the new card may not be its own.';
  const next = `Do not confirm. Ask the partner whether it made a new card: caseref partner show ${issuer}`;
  return refuse('fingerprint-mismatch', '/fingerprint', said, next);
}

/** From when the old identity's messages are in doubt; undefined where it was never confirmed and took no message. */
function suspectTime(
  exchange: Exchange,
  { suspectSince }: ReplacementConfirmation,
  row: PartnerRow,
): Date | undefined | Refusal {
  if (row.state === 'pending') return undefined;
  if (suspectSince === undefined) {
    const said = 'Since when somebody else may have had the old identity key is not said.';
    const next =
      'Ask on the same call, then give --suspect-since INSTANT; where nobody knows: --suspect-since unknown, and everything since its confirmation is suspect.';
    return refuse('usage-invalid', '/suspectSince', said, next);
  }
  if (suspectSince === 'unknown') return row.confirmed_at ?? row.added_at;
  if (suspectSince.getTime() <= exchange.clock()) return suspectSince;
  return refuse('usage-invalid', '/suspectSince', 'The instant is in the future.', 'Give one that has passed.');
}

interface Replacement {
  readonly compact: string;
  readonly given: ReplacementConfirmation;
  readonly row: PartnerRow;
  readonly opened: OpenedCard;
  readonly since: Date | undefined;
}

async function replace(exchange: Exchange, trx: Trx, replacement: Replacement): Promise<Replaced> {
  const { given, row, opened, since } = replacement;
  const { issuer } = given;
  const { kid, keySet } = opened;
  const at = new Date(exchange.clock());
  const kept = keySet.keys.map((key) => key.kid);
  const former = await endFormerKeys(trx, { issuer, kept, at, since: since ?? at });
  const doubts = (await storeKeys(trx, issuer, keySet, at)).map((lost) => ({ kids: [lost.kid], since: lost.since }));
  const recorded = recordedOf(replacement);
  await writePartner(trx, issuer, { ...recorded, ...identityColumns(replacement, at) });
  await dropReplacement(trx, issuer);
  let suspect = 0;
  for (const doubt of since ? [...doubts, { kids: former, since }] : doubts)
    suspect += await markSuspect(exchange, trx, { issuer, at, ...doubt });
  const { state, type, jurisdictions, foreign_client: foreign } = recorded;
  const told = since && { since: isoInstant(since.getTime()), count: suspect };
  const body = { kid, replaced: row.identity_kid, type, jurisdictions, ...told };
  const [alert] = await closeAlertsOf(trx, 'identity-changed', issuer, at);
  await recordEvents(trx, [
    { type: 'partner.replaced', at, partner: issuer, body },
    ...(alert === undefined ? [] : [alertClosed(issuer, alert, at)]),
  ]);
  await bumpDirectory(trx);
  const left = (['type', 'jurisdictions'] as const).filter((member) => given[member] === undefined);
  return {
    ...{ issuer, state, type, jurisdictions, foreign, suspect },
    fromCard: row.state === 'pending' ? left : [],
    fingerprint: kid,
    spoken: opened.fingerprint,
    replaced: row.identity_kid,
    ...(since && { suspectSince: isoInstant(since.getTime()) }),
  };
}

/** What the operator says counts, then what was recorded before; the card speaks only where nothing was. */
function recordedOf({ given, row, opened: { card } }: Replacement) {
  const { type, jurisdictions, coverage = [] } = row.state === 'pending' ? card.organisation : row;
  return {
    state: row.state === 'suspended' ? ('suspended' as const) : ('active' as const),
    type: given.type ?? type,
    jurisdictions: [...(given.jurisdictions ?? jurisdictions)],
    coverage,
    foreign_client: given.foreign ?? (row.foreign_client && keySetTerms(card.key_set).encryption !== 'required'),
    is_local: given.local ?? row.is_local,
    verified_by: given.verifiedBy ?? null,
  };
}

function identityColumns({ opened: { card, kid, identityKey, keySet }, compact }: Replacement, at: Date) {
  return {
    name: card.organisation.name,
    contact: card.contact ?? null,
    card: compact,
    card_iat: card.iat,
    identity_kid: kid,
    identity_jwk: identityKey,
    confirmed_at: at,
    refresh_wanted_at: null,
    refresh_tried_at: null,
    refreshed_at: null,
    refresh_failures: 0,
    ...keySetColumns(keySet, card.key_set, at),
  };
}

/** The call that the alert asked for was made. */
function alertClosed(partner: string, alert: string, at: Date): NewEvent {
  return { type: 'alert.closed', at, code: 'identity-changed', partner, body: { alert } };
}
