import { codes } from '../domain/codes.ts';
import { isoInstant } from '../domain/instant.ts';
import { checkJurisdiction } from '../domain/jurisdiction.ts';
import { isIndustryForm } from '../domain/policy/industry.ts';
import { WAITS_TO_BE_FETCHED, waitsToBeFetched } from '../domain/poll.ts';
import { referenceStates, unknownCodes } from '../domain/reference.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { emergenciesAmong } from '../store/emergencies.ts';
import { eventsAfter } from '../store/feed.ts';
import {
  decisionsOf,
  findReference,
  hasCode,
  type ListedDelivery,
  type ListedReference,
  listDeliveries,
  listReferences,
  type ReferenceFilter,
  revisionsOf,
} from '../store/lists.ts';
import { partnerRow } from '../store/partners.ts';
import { isClosed } from '../store/recall.ts';
import { matchKeys } from '../wire/match.ts';
import type { Exchange } from './context.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { duplicatesShown } from './duplicates-shown.ts';
import { callOf } from './emergency-call.ts';
import { openContent } from './record.ts';
import { type Sight, viewDecision, viewDelivery, viewReference } from './view.ts';

/** One page of any list: `next` is null on the last. */
export interface Listed<Row> {
  readonly items: readonly Row[];
  readonly next: string | null;
}

export interface PageRequest {
  /** 1 to 500. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

async function page<Row extends { position: number }, View>(
  exchange: Exchange,
  list: string,
  request: PageRequest,
  read: (page: { limit: number; before?: number | undefined }) => Promise<readonly Row[]>,
  view: (row: Row) => View,
): Promise<Listed<View> | Refusal> {
  const before = request.cursor === undefined ? undefined : readCursor(exchange.vault, list, request.cursor);
  if (isRefusal(before)) return before;
  const rows = await read({ limit: request.limit + 1, before });
  const items = rows.slice(0, request.limit);
  const last = items.at(-1);
  const next = rows.length > request.limit && last ? writeCursor(exchange.vault, list, last.position) : null;
  return { items: items.map(view), next };
}

/**
 * A value that nothing here has or could be given is a mistake of the caller, and an empty list would hide it. A code that
 * a partner's newer list brought stays one that can be asked for.
 */
async function checkFilter(
  exchange: Exchange,
  { state, category, urgency, jurisdiction, partner }: ReferenceFilter,
): Promise<Refusal | undefined> {
  const { known } = (await exchange.directory.current()).codes;
  const listed = { state: referenceStates, category: known.category ?? [], urgency: codes.urgencyLevel };
  for (const [member, value] of Object.entries({ state, category, urgency })) {
    const list: readonly string[] = listed[member as keyof typeof listed];
    if (value === undefined || list.includes(value)) continue;
    if (member === 'state' || !(await hasCode(exchange.store.db, member as 'category' | 'urgency', value)))
      return refuse('query-invalid', `/${member}`, `There is no such ${member}.`, `Use one of: ${list.join(', ')}.`);
  }
  const place = jurisdiction === undefined ? undefined : checkJurisdiction(jurisdiction, '/jurisdiction');
  if (place) return { ...place, code: 'query-invalid' };
  if (partner === undefined || partner === exchange.self || (await partnerRow(exchange.store.db, partner)))
    return undefined;
  return unknownPartner(partner, '/partner', 'query-invalid');
}

/** Refuses an organisation that is neither a partner nor this node: for the command line, where it is the answer and no wrong call. */
export async function checkKnown(exchange: Exchange, partner: string | undefined): Promise<Refusal | undefined> {
  if (partner === undefined || partner === exchange.self || (await partnerRow(exchange.store.db, partner)))
    return undefined;
  return unknownPartner(partner, '/partner');
}

/** References that fit a filter, newest first. */
export async function browseReferences(
  exchange: Exchange,
  filter: ReferenceFilter,
  request: PageRequest,
  sight: Sight,
) {
  const wrong = await checkFilter(exchange, filter);
  if (wrong) return wrong;
  return page(
    exchange,
    'references',
    request,
    (keyset) => listReferences(exchange.store.db, filter, keyset),
    (row) => viewReference(exchange, row, sight),
  );
}

/** The blind indexes to search by: an address finds itself with and without its fragment, a host everything on it. */
export function searchMacs(
  exchange: Exchange,
  wanted: { url?: string | undefined; host?: string | undefined },
): Uint8Array[] {
  const { vault } = exchange;
  if (wanted.url !== undefined) {
    const keys = matchKeys(wanted.url);
    return [vault.index('K1', keys.K1), vault.index('K2', keys.K2)];
  }
  return wanted.host === undefined ? [] : [vault.index('K3', wanted.host)];
}

/** One reference with the instants of its revisions and the others to its address, or `not-found`. */
export async function showReference(exchange: Exchange, originator: string, id: string, sight: Sight) {
  const row = await findReference(exchange.store.db, originator, id);
  if (!row) return refuse('not-found');
  const revisions = await revisionsOf(exchange.store.db, originator, id);
  const history = revisions.map(({ revision, at, jti }) => ({
    revision,
    at: isoInstant(at.getTime()),
    ...(jti !== null && { jti }),
  }));
  const unknown = await unknownHere(exchange, row);
  const duplicates = await duplicatesShown(exchange, row);
  return { ...viewReference(exchange, row, sight), ...unknown, history: { revisions: history }, ...duplicates };
}

/** Which codes of a partner's newer lists this node does not know; nothing where there is none or no content. */
async function unknownHere({ vault, directory }: Exchange, row: ListedReference) {
  const { originator, id, revision, wrapped, body, state } = row;
  if (!wrapped || !body || isClosed(state)) return {};
  const content = openContent(vault, { originator, id }, { revision, wrapped, body });
  if (isIndustryForm(content)) return {};
  const unknown = unknownCodes(content, (await directory.current()).codes);
  return unknown.length === 0 ? {} : { unknown };
}

/** Stored decisions about a reference, or `not-found`. */
export async function showDecisions(exchange: Exchange, originator: string, id: string) {
  const reference = await findReference(exchange.store.db, originator, id);
  if (!reference) return refuse('not-found');
  const rows = await decisionsOf(exchange.store.db, originator, id);
  // What a rule compared are codes of the content.
  const silent = isClosed(reference.state) ? { trace: [], change: null, disclosed: null } : {};
  return { items: rows.map((row) => viewDecision({ ...row, ...silent })), next: null };
}

/** Why a delivery that is due does not go; `until` where the end is known. The line is known to the process that runs alone. */
export interface HeldBack {
  readonly heldBack?: { readonly by: 'suspended' | 'state-lost' | 'line-shut'; readonly until?: string };
}

/** Deliveries of a reference or of the whole node, newest first; `beside` adds to what is shown of each. */
export async function browseDeliveries(
  exchange: Exchange,
  filter: {
    state?: string | undefined;
    partner?: string | undefined;
    originator?: string | undefined;
    reference?: string | undefined;
  },
  request: PageRequest,
  beside: (row: ListedDelivery) => HeldBack = () => ({}),
) {
  const wrong = await checkFilter(exchange, { partner: filter.partner });
  if (wrong) return wrong;
  const snapshot = await exchange.directory.current();
  const { partners } = snapshot;
  let urgent: ReadonlySet<string> = new Set();
  return page(
    exchange,
    'deliveries',
    request,
    async (keyset) => {
      const rows = await listDeliveries(exchange.store.db, filter, keyset);
      urgent = await urgentAmong(exchange, rows);
      return rows;
    },
    (row) => {
      const partner = partners.get(row.partner);
      // Nothing was tried and nothing failed: it is the partner's turn.
      const waits = row.state === 'queued' && row.last_code === null && partner && waitsToBeFetched(partner);
      const call = urgent.has(row.id) ? callOf(snapshot, row.partner) : undefined;
      const shown = viewDelivery(waits ? { ...row, last_code: WAITS_TO_BE_FETCHED } : row);
      return { ...shown, ...(call && { call }), ...beside(row) };
    },
  );
}

/** Which of these deliveries carry an emergency that the partner has not simply taken: until then somebody has to call. */
async function urgentAmong({ store: { db } }: Exchange, rows: readonly ListedDelivery[]): Promise<Set<string>> {
  const open = rows.filter(({ outcome, state }) => outcome !== 'accepted' && state !== 'dropped');
  const found = await emergenciesAmong(
    db,
    open.map(({ id }) => id),
  );
  const named = new Set(found.map(({ partner, id }) => `${partner} ${id}`));
  const carries = ({ event, partner, reference_id: id }: ListedDelivery) =>
    (event === 'submitted' || event === 'revised') && named.has(`${partner} ${id}`);
  return new Set(open.filter(carries).map(({ id }) => id));
}

/** The feed after a cursor, oldest first; `next` is never null: it is where to go on, also when nothing is new. */
export async function browseEvents(exchange: Exchange, request: { limit: number; after?: string | undefined }) {
  const after = request.after === undefined ? 0 : readCursor(exchange.vault, 'events', request.after, '/after');
  if (isRefusal(after)) return after;
  const rows = await eventsAfter(exchange.store.db, after, request.limit);
  const items = rows.map((row) => ({
    cursor: writeCursor(exchange.vault, 'events', row.position),
    type: row.type,
    at: isoInstant(row.at.getTime()),
    ...(row.originator !== null &&
      row.reference_id !== null && { reference: { originator: row.originator, id: row.reference_id } }),
    ...(row.partner !== null && { partner: row.partner }),
    ...(row.jti !== null && { jti: row.jti }),
    ...(row.code !== null && { code: row.code }),
    ...(row.body !== null && { detail: row.body }),
  }));
  return { items, next: items.at(-1)?.cursor ?? request.after ?? writeCursor(exchange.vault, 'events', 0) };
}
