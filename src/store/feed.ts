import { sql } from 'kysely';
import { type AlertCause, alertsOf } from '../domain/alert.ts';
import type { EventDetail, EventType } from '../domain/feed.ts';
import { type Raised, raiseAlerts } from './alerts.ts';
import type { Database, Trx } from './open.ts';
import { type Insert, insertAll } from './rows.ts';

/** One thing that happened, as it goes into the feed: codes and identifiers, never an address or a handle. */
export interface NewEvent {
  readonly type: EventType;
  readonly at: Date;
  readonly originator?: string | undefined;
  readonly reference?: string | undefined;
  readonly partner?: string | undefined;
  readonly jti?: string | undefined;
  readonly code?: string | undefined;
  readonly body?: EventDetail | undefined;
}

/**
 * Reserves `count` positions and returns the first. The counter's row stays locked until the transaction ends, so a
 * position becomes visible before any higher one is given, and a reader that remembers the last position it saw never
 * skips a row (a bare sequence would: its ids commit out of order). Call it as late in the transaction as possible.
 */
export async function reservePositions(trx: Trx, count: number): Promise<number> {
  const { rows } = await sql<{ position: number }>`
    update feed_counter set position = position + ${count} returning position`.execute(trx);
  const [row] = rows;
  if (!row) throw new Error('the feed counter is missing');
  return row.position - count + 1;
}

/** The rows of events at positions from `first` on, which were reserved in the same transaction. */
export function eventInsert(events: readonly NewEvent[], first: number): Insert {
  const rows = events.map((event, index) => ({
    position: first + index,
    type: event.type,
    at: event.at,
    originator: event.originator ?? null,
    reference_id: event.reference ?? null,
    partner: event.partner ?? null,
    jti: event.jti ?? null,
    code: event.code ?? null,
    body: event.body ?? null,
  }));
  return { table: 'event', rows };
}

/** Writes events at the end of the feed, and raises what a person must be told because of them. */
export async function recordEvents(trx: Trx, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await insertAll(trx, [eventInsert(events, await reservePositions(trx, events.length))]);
  await raiseFor(trx, events);
}

/** Raises what a person must be told because of events that this transaction writes; each new alert is an entry of its own. */
export async function raiseFor(trx: Trx, events: readonly NewEvent[]): Promise<void> {
  const at = events[0]?.at;
  if (at) await raise(trx, events.flatMap(alertsOf), at);
}

/** Raises alerts and tells the feed of those that were not open before. `seenAgain`: see `raiseAlerts`. */
export async function raise(
  trx: Trx,
  causes: readonly AlertCause[],
  at: Date,
  options: { readonly seenAgain?: boolean } = {},
): Promise<void> {
  if (causes.length === 0) return;
  // The counter is locked before the alerts, here as everywhere: two orders would be a deadlock.
  await reservePositions(trx, 0);
  const raised = await raiseAlerts(trx, causes, at, options);
  if (raised.length === 0) return;
  const events = raised.map((one) => raisedEvent(one, causes, at));
  await insertAll(trx, [eventInsert(events, await reservePositions(trx, events.length))]);
}

function raisedEvent({ id, code, partner, subject }: Raised, causes: readonly AlertCause[], at: Date): NewEvent {
  const cause = causes.find((one) => one.code === code && (one.partner ?? '') === partner && one.subject === subject);
  const named =
    cause?.originator === undefined ? { jti: cause?.subject } : { originator: cause.originator, reference: subject };
  return {
    type: 'alert.raised',
    at,
    code,
    partner: partner === '' ? undefined : partner,
    ...named,
    body: { alert: id },
  };
}

/** Events after a position, oldest first. */
export async function eventsAfter(db: Database, after: number, limit: number) {
  return db.selectFrom('event').selectAll().where('position', '>', after).orderBy('position').limit(limit).execute();
}
