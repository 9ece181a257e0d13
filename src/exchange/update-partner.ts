import { isDeepStrictEqual } from 'node:util';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { bumpDirectory, lockPartner } from '../store/partners.ts';
import { writePartner } from '../store/replacements.ts';
import { inTransaction } from '../store/transaction.ts';
import type { OpenedCard } from '../wire/card.ts';
import { signingInputOf } from '../wire/digest.ts';
import type { Exchange } from './context.ts';
import { adoptKeySet } from './key-sets.ts';
import { isFork, readCard, refuseFork, refuseIdentity } from './peer-card.ts';
import { type Offered, offerReplacement } from './replacement.ts';

type PartnerRow = NonNullable<Awaited<ReturnType<typeof lockPartner>>>;

const recordedMembers = ['type', 'jurisdictions', 'coverage'] as const;
type Recorded = (typeof recordedMembers)[number];

/** What a newer card of a known identity key changed. */
export interface Updated {
  readonly issuer: string;
  readonly state: PartnerRow['state'];
  readonly fingerprint: string;
  readonly spoken: string;
  /** False where this very card was here before. */
  readonly updated: boolean;
  /** What is different now. */
  readonly changed: readonly ('name' | 'contact' | 'keySet' | Recorded)[];
  /** What the card proposes otherwise than it was recorded at confirmation, which stays. */
  readonly proposes: Readonly<Partial<Record<Recorded, unknown>>>;
}

/**
 * Takes a newer card of a partner under the identity key that is pinned: its contact, its name, and its key set where that
 * is newer than the last. What was recorded at confirmation stays. Under another identity key it is kept as a replacement.
 */
export async function updatePartner(exchange: Exchange, given: string): Promise<Updated | Offered | Refusal> {
  const compact = given.trim();
  const opened = await readCard(exchange, compact);
  if (isRefusal(opened)) return opened;
  const { iss, iat } = opened.card;
  return inTransaction(exchange.store.db, async (trx) => {
    const row = await lockPartner(trx, iss);
    if (!row || row.state === 'removed') return unknownPartner(iss, '/iss');
    const refused = await refuseIdentity(exchange, trx, opened);
    if (refused) return refused;
    if (row.identity_kid !== opened.kid) return offerReplacement(exchange, trx, row, opened, compact);
    if (iat < row.card_iat) return older();
    if (iat > row.card_iat) return takeCard(exchange, trx, row, opened, compact);
    return signingInputOf(compact) === signingInputOf(row.card) ? answer(row, opened, { updated: false }) : twin();
  });
}

function older(): Refusal {
  const next = 'Ask the partner for a card of today: caseref card.';
  return refuse('card-invalid', '/iat', 'The card is older than the one that we have.', next);
}

function twin(): Refusal {
  const said = 'The card was signed in the same second as the one that we have, and says something else.';
  return refuse('card-invalid', '/iat', said);
}

async function takeCard(
  exchange: Exchange,
  trx: Trx,
  row: PartnerRow,
  opened: OpenedCard,
  compact: string,
): Promise<Updated | Refusal> {
  const { card, keySet } = opened;
  const at = new Date(exchange.clock());
  if (isFork(row, opened)) return refuseFork(trx, opened, at);
  const { organisation, contact } = card;
  const said = { name: organisation.name, contact: contact ?? null };
  const claims = claimsOf(opened);
  const isNewer = keySet.claims.seq > row.key_set_seq;
  // Nothing was recorded of a partner that nobody confirmed: there the newer card speaks.
  const taken = row.state === 'pending' ? { ...said, ...claims } : said;
  await writePartner(trx, card.iss, { ...taken, card: compact, card_iat: card.iat });
  const members = Object.entries(taken).filter(([name, value]) => !isDeepStrictEqual(plain(row, name), value));
  const changed = [...members.map(([name]) => name), ...(isNewer ? ['keySet'] : [])] as Updated['changed'];
  await recordEvents(trx, [{ type: 'partner.updated', at, partner: card.iss, body: { changed } }]);
  if (isNewer) await adoptKeySet(exchange, trx, keySet);
  else await bumpDirectory(trx);
  return answer(row, opened, { updated: true, changed });
}

function claimsOf({ card: { organisation } }: OpenedCard): Record<Recorded, unknown> {
  const { type, jurisdictions, coverage = [] } = organisation;
  return { type, jurisdictions: [...jurisdictions], coverage };
}

function plain(row: PartnerRow, name: string): unknown {
  return (row as Readonly<Record<string, unknown>>)[name];
}

function answer(
  row: PartnerRow,
  opened: OpenedCard,
  { updated, changed = [] }: { updated: boolean; changed?: Updated['changed'] },
): Updated {
  const claims = claimsOf(opened);
  const other = recordedMembers.filter(
    (name) => row.state !== 'pending' && !isDeepStrictEqual(row[name], claims[name]),
  );
  return {
    issuer: row.issuer,
    state: row.state,
    fingerprint: row.identity_kid,
    spoken: opened.fingerprint,
    updated,
    changed,
    proposes: Object.fromEntries(other.map((name) => [name, claims[name]])),
  };
}
