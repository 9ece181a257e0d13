import type { PeerCard } from '../domain/contract.types.ts';
import { mustEncrypt } from '../domain/encryption.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { bumpDirectory, lockPartner } from '../store/partners.ts';
import { writePartner } from '../store/replacements.ts';
import { insertRows } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import type { OpenedCard } from '../wire/card.ts';
import { isLoopbackIssuer } from '../wire/issuer.ts';
import type { Exchange } from './context.ts';
import { endRecoveries } from './lost-state.ts';
import { isFork, readCard, refuseFork, refuseIdentity } from './peer-card.ts';
import { keySetColumns, storeKeys } from './pin-keys.ts';
import { voidDropped } from './remove-partner.ts';
import { type Offered, offerReplacement } from './replacement.ts';
import { markSuspect } from './suspect.ts';

type PartnerRow = NonNullable<Awaited<ReturnType<typeof lockPartner>>>;

/** What an introduction gives the operator to compare by telephone. */
export interface Introduced {
  readonly issuer: string;
  readonly state: 'pending';
  /** Thumbprint of the identity key, base64url. */
  readonly fingerprint: string;
  /** The same, as eight groups of five digits. */
  readonly spoken: string;
  /** What the card claims; nothing of it counts before the operator confirms. */
  readonly organisation: PeerCard['organisation'];
  /** False where messages to it must be encrypted and its key set has no key for that: they would wait. */
  readonly exchangeable: boolean;
  /** Identity key under which it was a partner before it was removed. */
  readonly formerly?: string;
}

/**
 * Takes a peer card: the partner is pending, its keys are pinned, and nothing is exchanged before the fingerprint is
 * confirmed. A card of a known issuer with another identity key is kept as a replacement, never taken in its place.
 */
export async function addPartner(exchange: Exchange, given: string): Promise<Introduced | Offered | Refusal> {
  const compact = given.trim();
  const opened = await readCard(exchange, compact);
  if (isRefusal(opened)) return opened;
  return inTransaction(exchange.store.db, async (trx) => {
    const row = await lockPartner(trx, opened.card.iss);
    const refused = await refuseIdentity(exchange, trx, opened);
    if (refused) return refused;
    if (!row || row.state === 'removed') return introduce(exchange, trx, opened, compact, row);
    if (row.identity_kid !== opened.kid) return offerReplacement(exchange, trx, row, opened, compact);
    const next = 'Where the card is newer than the one that we have: caseref partner update FILE.';
    return refuse('partner-exists', '/iss', 'This partner is known already, by the same identity key.', next);
  });
}

async function introduce(
  exchange: Exchange,
  trx: Trx,
  opened: OpenedCard,
  compact: string,
  before: PartnerRow | undefined,
): Promise<Introduced | Refusal> {
  const { card, kid, keySet } = opened;
  const at = new Date(exchange.clock());
  const backwards = before && (await refuseOlder(trx, before, opened, at));
  if (backwards) return backwards;
  const row = { ...pendingColumns(opened, compact, at), ...keySetColumns(keySet, card.key_set, at) };
  const epoch = exchange.chance.uuid4();
  if (before) {
    await writePartner(trx, card.iss, { ...row, ...untold });
    // The old numbers ended with the removal: what it counts from here on is another stream.
    await trx.updateTable('partner_stream').set({ epoch, n: 0 }).where('partner', '=', card.iss).execute();
    await voidDropped(exchange, trx, card.iss, at);
    // What an earlier release left of a loss that was noted before the removal.
    await endRecoveries(trx, card.iss, at);
  } else {
    await insertRows(trx, 'partner', [{ issuer: card.iss, ...row, refresh_failures: 0 }]);
    await insertRows(trx, 'partner_stream', [{ partner: card.iss, epoch, n: 0 }]);
  }
  const revocations = await storeKeys(trx, card.iss, keySet, at);
  // Where it was a partner before, the card may tell of a loss that we did not hear of.
  for (const { kid, since } of revocations)
    await markSuspect(exchange, trx, { issuer: card.iss, kids: [kid], since, at });
  await recordEvents(trx, [{ type: 'partner.added', at, partner: card.iss }]);
  await bumpDirectory(trx);
  return {
    issuer: card.iss,
    state: 'pending',
    fingerprint: kid,
    spoken: opened.fingerprint,
    organisation: card.organisation,
    exchangeable: isExchangeable(exchange, opened),
    ...(before && { formerly: before.identity_kid }),
  };
}

/** What a removed partner had been told or asked does not count for its new introduction. */
const untold = {
  state_reason: null,
  confirmed_at: null,
  refresh_wanted_at: null,
  refresh_tried_at: null,
  refreshed_at: null,
  refresh_failures: 0,
  key_set_etag: null,
} as const;

function pendingColumns({ card, kid, identityKey }: OpenedCard, compact: string, at: Date) {
  const { organisation, contact, iat } = card;
  return {
    state: 'pending' as const,
    name: organisation.name,
    type: organisation.type,
    jurisdictions: [...organisation.jurisdictions],
    coverage: organisation.coverage ?? [],
    contact: contact ?? null,
    card: compact,
    card_iat: iat,
    identity_kid: kid,
    identity_jwk: identityKey,
    foreign_client: false,
    is_local: false,
    verified_by: null,
    added_at: at,
  };
}

/** The roll-back and fork rules outlive a removal: under the same identity key no older card and no older key set comes in. */
async function refuseOlder(trx: Trx, before: PartnerRow, opened: OpenedCard, at: Date): Promise<Refusal | undefined> {
  if (before.identity_kid !== opened.kid) return undefined;
  if (opened.card.iat < before.card_iat)
    return refuse('card-invalid', '/iat', 'The card is older than one that was here before.');
  if (isFork(before, opened)) return refuseFork(trx, opened, at);
  if (opened.keySet.claims.seq >= before.key_set_seq) return undefined;
  await recordEvents(trx, [{ type: 'key-set.refused', at, partner: before.issuer, code: 'seq-below-floor' }]);
  return refuse('card-invalid', '/key_set', 'The key set in the card is older than one that was here before.');
}

function isExchangeable({ profile, clock }: Exchange, { card, keySet }: OpenedCard): boolean {
  const now = Math.floor(clock() / 1000);
  const { encryption } = keySet.claims;
  const bothLoopback = profile.loopback && isLoopbackIssuer(card.iss);
  if (!mustEncrypt({ bothLoopback, foreign: false, policy: undefined, keySet: encryption })) return true;
  return keySet.keys.some(
    ({ use, nbf, exp, revoked_at }) =>
      use === 'enc' && (nbf ?? 0) <= now && (exp ?? now + 1) > now && revoked_at == null,
  );
}
