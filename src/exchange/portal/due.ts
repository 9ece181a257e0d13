import { caseState } from '../../domain/authority/state.ts';
import type { CaseReference } from '../../domain/contract.types.ts';
import type { Trx } from '../../store/open.ts';
import { waitingCases } from '../../store/portal-due.ts';
import { openRows } from '../../store/portal-search.ts';
import { readOnly } from '../../store/simulate.ts';
import { type CaseLog, counted, openLogs } from '../case/log.ts';
import { partiesOf, subjectOf } from '../case/parties.ts';
import type { Exchange } from '../context.ts';
import type { Snapshot } from '../directory.ts';
import { ownerOf } from '../record.ts';
import { type ListedCase, lineOf } from './list.ts';
import { keepDecisions, lookAt, type Shown } from './look.ts';
import { scopeOf } from './scope.ts';
import type { Viewer } from './viewer.ts';

/** Holds that end within this time stand on the first page. */
const SOON_MS = 3 * 86_400_000;
/** Cases that are looked into for it. */
const MOST = 50;

/** A case that waits for a clearance, or whose hold ends, at an instant. */
export interface Due {
  readonly what: 'clearance' | 'hold';
  readonly at: Date;
  readonly line: ListedCase;
}

/** Clearances that wait, and holds that end soon, of what a liaison may see, the soonest first. */
export async function dueFor(exchange: Exchange, viewer: Viewer): Promise<Due[]> {
  const now = new Date(exchange.clock());
  const scope = scopeOf(exchange, viewer);
  const { rows, logs, snapshot } = await readOnly(exchange.store.db, async (trx) => {
    const rows = await openRows(trx, await waitingCases(trx, scope, { limit: MOST, now }));
    return { rows, logs: await logsOf(exchange, trx, rows), snapshot: await exchange.directory.within(trx) };
  });
  const looked = rows.map((row) => lookAt(exchange, viewer, row));
  await keepDecisions(
    exchange,
    viewer,
    looked.map(({ made }) => made),
  );
  const due = looked.flatMap(({ shown }) => {
    const log = shown && logs.get(ownerOf(shown.row));
    return log ? dueOf(exchange, { shown, log, snapshot, now: now.getTime() }) : [];
  });
  return due.toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

function logsOf(exchange: Exchange, trx: Trx, rows: Awaited<ReturnType<typeof openRows>>) {
  const wrapped = new Map(rows.map((row) => [ownerOf(row), row.wrapped]));
  return openLogs(exchange, trx, rows, (name) => {
    const key = wrapped.get(ownerOf(name));
    return key ? exchange.vault.unwrap(key, ownerOf(name)) : undefined;
  });
}

interface Waiting {
  readonly shown: Shown;
  readonly log: CaseLog;
  readonly snapshot: Snapshot;
  readonly now: number;
}

function dueOf(exchange: Exchange, { shown, log, snapshot, now }: Waiting): Due[] {
  const content: CaseReference = shown.content;
  const state = caseState(subjectOf(log.name, content, partiesOf(exchange, snapshot)), counted(log), now);
  const line = lineOf(shown);
  const { status, deadline } = state.clearance;
  const waits = status === 'open' && deadline !== undefined;
  const ending = state.held.filter(({ until }) => until <= now + SOON_MS);
  return [
    ...(waits ? [{ what: 'clearance' as const, at: new Date(deadline), line }] : []),
    ...ending.map(({ until }) => ({ what: 'hold' as const, at: new Date(until), line })),
  ];
}
