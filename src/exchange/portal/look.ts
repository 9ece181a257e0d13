import type { CaseReference } from '../../domain/contract.types.ts';
import { decidePortal, type PortalDecision } from '../../domain/portal.ts';
import type { ReferenceContent } from '../../domain/reference.ts';
import type { Trx } from '../../store/open.ts';
import type { OpenedRow } from '../../store/portal-search.ts';
import { type MadeDecision, storePortalDecisions } from '../../store/portal-views.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { Exchange } from '../context.ts';
import { openContent } from '../record.ts';
import { scopeName } from './scope.ts';
import { unitName, type Viewer } from './viewer.ts';

/** A reference that was decided to be shown to this liaison, with its content: nothing else may reach a page. */
export interface Shown {
  readonly row: OpenedRow;
  readonly content: CaseReference;
}

/** A reference as it was opened for one liaison: `shown` only where the decision says so. */
export interface Looked {
  readonly made: MadeDecision;
  readonly shown: Shown | undefined;
}

/** What a row says; undefined, and logged, for one that is damaged: the others of its page, and its batch, are not to fall with it. */
export function readable<Said>(
  exchange: Exchange,
  { id }: { readonly id: string },
  read: () => Said,
): Said | undefined {
  try {
    return read();
  } catch (failure) {
    exchange.log.failure('portal.unreadable', failure, { reference: id });
    return undefined;
  }
}

/** Decides on one opened row for a liaison, from what it says now and nothing that was stored before. */
export function lookAt(exchange: Exchange, viewer: Viewer, row: OpenedRow): Looked {
  const { originator, id, revision, wrapped, body } = row;
  const content =
    wrapped && body
      ? readable(exchange, row, () => openContent(exchange.vault, row, { revision, wrapped, body }))
      : undefined;
  const decision = content ? decide(exchange, viewer, row, content) : gone(row);
  const shown = content && decision.effect === 'show' ? { row, content: content as CaseReference } : undefined;
  return { made: { originator, id, revision, decision }, shown };
}

/** Whether this liaison might be shown an earlier revision of a reference, if it were what the reference says now. */
export function wasOpen(exchange: Exchange, viewer: Viewer, row: OpenedRow, earlier: ReferenceContent): boolean {
  return decide(exchange, viewer, row, earlier).effect === 'show';
}

function decide(exchange: Exchange, viewer: Viewer, row: OpenedRow, reference: ReferenceContent): PortalDecision {
  return decidePortal({
    reference,
    state: row.state,
    expiresAt: row.expires_at?.getTime() ?? null,
    jurisdictions: viewer.jurisdictions,
    home: exchange.settings.jurisdictions,
    now: exchange.clock(),
  });
}

/** Without a data key there is nothing left to decide on. */
function gone({ state }: OpenedRow): PortalDecision {
  return { effect: 'withhold', rule: 'state', trace: [{ gate: 'state', passed: false, compared: [state] }] };
}

/** Stores decisions for the liaison's unit. */
export async function keepDecisions(exchange: Exchange, viewer: Viewer, made: readonly MadeDecision[]): Promise<void> {
  if (made.length > 0) await inTransaction(exchange.store.db, (trx) => writeDecisions(exchange, trx, viewer, made));
}

export function writeDecisions(
  exchange: Exchange,
  trx: Trx,
  viewer: Viewer,
  made: readonly MadeDecision[],
): Promise<void> {
  return storePortalDecisions(
    trx,
    { unit: unitName(viewer), scope: scopeName(viewer), at: new Date(exchange.clock()) },
    made,
  );
}
