import { maskUrl } from '../../domain/mask.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { findOf } from '../../store/portal-finds.ts';
import { openRows, type PortalFilter, searchPortal } from '../../store/portal-search.ts';
import { readOnly } from '../../store/simulate.ts';
import type { Exchange } from '../context.ts';
import { readBlindCursor, writeBlindCursor } from '../cursor.ts';
import { keepDecisions, lookAt, type Shown } from './look.ts';
import { scopeOf } from './scope.ts';
import { placeBeforeReading } from './undecided.ts';
import type { Viewer } from './viewer.ts';

/** What a liaison searches by. Codes and instants only: addresses and numbers are named by an opaque id, `find`. */
export interface PortalSearch {
  readonly jurisdiction?: string | undefined;
  readonly category?: string | undefined;
  readonly assessment?: string | undefined;
  readonly state?: string | undefined;
  readonly urgency?: string | undefined;
  readonly partner?: string | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  readonly find?: string | undefined;
}

/** One line of a list: the address masked and defanged. */
export interface ListedCase {
  readonly originator: string;
  readonly id: string;
  readonly category: string;
  readonly urgency: string;
  readonly state: string;
  readonly hosting: string | undefined;
  readonly concerned: readonly string[];
  readonly address: string;
  readonly receivedAt: Date;
  readonly suspect: boolean;
}

export interface CasePage {
  readonly cases: readonly ListedCase[];
  readonly next: string | undefined;
}

const PAGE = 50;

/** One page of what a liaison may see, newest first, each line decided anew; `find-unknown` as not-found. */
export async function listCases(
  exchange: Exchange,
  viewer: Viewer,
  search: PortalSearch,
  { limit = PAGE, cursor }: { readonly limit?: number; readonly cursor?: string | undefined } = {},
): Promise<CasePage | Refusal> {
  const before = cursor === undefined ? undefined : readBlindCursor(exchange.vault, 'portal', cursor);
  if (isRefusal(before)) return before;
  const filter = await filterOf(exchange, viewer, search);
  if (isRefusal(filter)) return filter;
  await placeBeforeReading(exchange);
  const now = new Date(exchange.clock());
  const scope = scopeOf(exchange, viewer, search.jurisdiction);
  const { found, rows } = await readOnly(exchange.store.db, async (trx) => {
    const found = await searchPortal(trx, scope, filter, { limit: limit + 1, before, now });
    return { found, rows: await openRows(trx, found.slice(0, limit)) };
  });
  const looked = rows.toSorted((a, b) => b.position - a.position).map((row) => lookAt(exchange, viewer, row));
  await keepDecisions(
    exchange,
    viewer,
    looked.map(({ made }) => made),
  );
  const last = found.length > limit ? found[limit - 1] : undefined;
  return {
    cases: looked.flatMap(({ shown }) => (shown ? [lineOf(shown)] : [])),
    next: last && writeBlindCursor(exchange.vault, 'portal', last.position),
  };
}

async function filterOf(exchange: Exchange, viewer: Viewer, search: PortalSearch): Promise<PortalFilter | Refusal> {
  const { find, jurisdiction: _, ...filter } = search;
  if (find === undefined) return filter;
  const row = await findOf(exchange.store.db, viewer.session, find);
  if (!row) return refuse('not-found');
  if (row.kind === 'host') return { ...filter, host: row.macs[0] };
  return row.kind === 'number' ? { ...filter, numbers: row.macs } : { ...filter, addresses: row.macs };
}

export function lineOf({ row, content }: Shown): ListedCase {
  const { originator, id, urgency, state, suspect } = row;
  const { hosting, concerned = [] } = content.jurisdiction;
  return {
    originator,
    id,
    category: content.category,
    urgency,
    state,
    hosting,
    concerned: concerned.map(({ country }) => country),
    address: maskUrl(content.url),
    receivedAt: row.created_at,
    suspect,
  };
}
