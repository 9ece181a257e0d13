import type { CaseReference, Contact } from '../../domain/contract.types.ts';
import { maskUrl } from '../../domain/mask.ts';
import type { ReferenceContent } from '../../domain/reference.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import type { Trx } from '../../store/open.ts';
import { partnerRow, partnerRows } from '../../store/partners.ts';
import { openRows, searchPortal } from '../../store/portal-search.ts';
import { statedPurpose } from '../../store/portal-views.ts';
import { readOnly } from '../../store/simulate.ts';
import { inTransaction } from '../../store/transaction.ts';
import { matchKeys } from '../../wire/match.ts';
import type { Exchange } from '../context.ts';
import type { ReferenceName } from '../record.ts';
import { type HeardCase, heardCase } from './heard.ts';
import { type ListedCase, lineOf } from './list.ts';
import { keepDecisions, type Looked, lookAt, type Shown, wasOpen, writeDecisions } from './look.ts';
import { revisionsOf, type ShownRevision } from './revisions.ts';
import { scopeOf } from './scope.ts';
import { placeBeforeReading } from './undecided.ts';
import type { Viewer } from './viewer.ts';
import { openForUnit, writeLook } from './views.ts';

/** One organisation as pages name it. */
export interface NamedOrganisation {
  readonly issuer: string;
  readonly name: string | undefined;
  readonly contact: Contact | undefined;
}

export interface ShownCase {
  readonly line: ListedCase;
  /** Without any address in it: the masked one stands in `line`. */
  readonly content: Omit<CaseReference, 'url' | 'access'> & { readonly access?: { readonly referrer?: string } };
  readonly own: boolean;
  readonly updatedAt: Date;
  readonly sender: NamedOrganisation;
  /** Names of every organisation that a page may have to name. */
  readonly names: ReadonlyMap<string, string>;
  /** What was said about it. */
  readonly events: HeardCase;
  readonly revisions: readonly ShownRevision[];
  /** Other references to the same address that this liaison may see, the newest first. */
  readonly duplicates: readonly { readonly match: 'known' | 'possible'; readonly line: ListedCase }[];
  /** The purpose that was stated for this case in this session, with the unit's own case number. */
  readonly stated: { readonly purpose: string; readonly ownReference: string | undefined } | undefined;
}

/** Opens a case for a liaison, or not at all: what may not be seen is not found, and the attempt is recorded with the decision. */
export async function openShown(exchange: Exchange, viewer: Viewer, name: ReferenceName): Promise<Shown | Refusal> {
  const [row] = await readOnly(exchange.store.db, (trx) => openRows(trx, [name]));
  const looked = row && lookAt(exchange, viewer, row);
  if (looked?.shown) {
    await keepDecisions(exchange, viewer, [looked.made]);
    return looked.shown;
  }
  await recordRefused(exchange, viewer, name, looked);
  return refuse('not-found');
}

async function recordRefused(exchange: Exchange, viewer: Viewer, name: ReferenceName, looked: Looked | undefined) {
  const code = looked?.made.decision.rule ?? 'unknown';
  await inTransaction(exchange.store.db, async (trx) => {
    if (looked) await writeDecisions(exchange, trx, viewer, [looked.made]);
    await writeLook(exchange, trx, viewer, { kind: 'refused', name, code });
  });
}

/** A case as its page shows it; the look is recorded before it is given. */
export async function showCase(exchange: Exchange, viewer: Viewer, name: ReferenceName): Promise<ShownCase | Refusal> {
  const shown = await openShown(exchange, viewer, name);
  if (isRefusal(shown)) return shown;
  await placeBeforeReading(exchange);
  const { row, content } = shown;
  const open = (earlier: ReferenceContent) => wasOpen(exchange, viewer, row, earlier);
  const events = await heardCase(exchange, name);
  // Closed between two look-ups.
  if (!events) return refuse('not-found');
  await inTransaction(exchange.store.db, (trx) => writeLook(exchange, trx, viewer, { kind: 'case', name }));
  const stated = await statedPurpose(exchange.store.db, viewer.session, name);
  const ownReference = stated && (await openForUnit(exchange, viewer, stated));
  const read = await readOnly(exchange.store.db, async (trx) => ({
    revisions: row.wrapped ? await revisionsOf(exchange, trx, name, row.wrapped, open) : [],
    partner: await partnerRow(trx, name.originator),
    names: new Map((await partnerRows(trx)).map(({ issuer, name: called }) => [issuer, called])),
    duplicates: await sameAddress(exchange, trx, viewer, content),
  }));
  const own = row.direction === 'out';
  const { self, settings } = exchange;
  return {
    line: lineOf(shown),
    content: withoutAddress(content),
    own,
    updatedAt: row.updated_at,
    sender: own
      ? { issuer: self, name: settings.name, contact: settings.contact }
      : { issuer: name.originator, name: read.partner?.name, contact: read.partner?.contact ?? undefined },
    names: new Map([...read.names, [self, settings.name]]),
    events,
    revisions: read.revisions,
    duplicates: await othersShown(exchange, viewer, name, read.duplicates),
    stated: stated && { purpose: stated.purpose, ownReference },
  };
}

function withoutAddress({ url: _, access, ...content }: CaseReference): ShownCase['content'] {
  const referrer = access?.referrer;
  return referrer === undefined ? content : { ...content, access: { referrer: maskUrl(referrer) } };
}

const MOST_SAME = 20;

/** Looked for within the scope alone: references that the liaison may not see cannot crowd out those that it may. */
async function sameAddress(exchange: Exchange, trx: Trx, viewer: Viewer, content: CaseReference) {
  const { K1, K2 } = matchKeys(content.url);
  const [exact, alike] = [exchange.vault.index('K1', K1), exchange.vault.index('K2', K2)];
  const page = { limit: MOST_SAME + 1, now: new Date(exchange.clock()) };
  const scope = scopeOf(exchange, viewer);
  const known = await searchPortal(trx, scope, { addresses: [exact] }, page);
  const possible = await searchPortal(trx, scope, { addresses: [exact, alike] }, page);
  const positions = new Set(known.map(({ position }) => position));
  const rows = await openRows(trx, [...known, ...possible]);
  return rows.map((row) => ({ row, match: positions.has(row.position) ? ('known' as const) : ('possible' as const) }));
}

async function othersShown(
  exchange: Exchange,
  viewer: Viewer,
  name: ReferenceName,
  found: Awaited<ReturnType<typeof sameAddress>>,
): Promise<ShownCase['duplicates']> {
  const others = found
    .filter(({ row }) => row.id !== name.id || row.originator !== name.originator)
    .toSorted((a, b) => b.row.position - a.row.position)
    .map(({ row, match }) => ({ match, looked: lookAt(exchange, viewer, row) }));
  await keepDecisions(
    exchange,
    viewer,
    others.map(({ looked }) => looked.made),
  );
  return others.flatMap(({ match, looked }) => (looked.shown ? [{ match, line: lineOf(looked.shown) }] : []));
}
