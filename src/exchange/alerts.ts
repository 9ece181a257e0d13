import { alertMeaning, alertNext } from '../domain/alert.ts';
import { ACKNOWLEDGE_WITHIN } from '../domain/authority/emergency.ts';
import type { Call } from '../domain/call.ts';
import { isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { closeAlert as closeStored, openAlerts } from '../store/alerts.ts';
import { emergenciesTaken, emergenciesWaiting, purgesOverdue } from '../store/emergencies.ts';
import { raise, recordEvents } from '../store/feed.ts';
import { partnersWaitingSince } from '../store/held.ts';
import { countsOfVeiled } from '../store/recovery.ts';
import { untoldLosses } from '../store/standing-loss.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { overdueBefore } from './decide-held.ts';
import { callOf } from './emergency-call.ts';

const MOST = 500;
const SECOND = 1000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
/** An emergency that has not left after this long is told, tried or not: the line may be shut for a pause. */
const EMERGENCY_WAIT_MS = 15 * SECOND;
/** The longest erasure delay of the protocol, and a day for the receipt. */
const PARTNER_PURGE_MS = 8 * DAY;

/** An open alert as it is shown: codes, identifiers and our own sentences. */
export interface AlertView {
  readonly id: string;
  readonly code: string;
  readonly urgent: boolean;
  readonly message: string;
  readonly next: string;
  readonly partner?: string;
  /** Id of the reference or jti of the message that it was raised for last. */
  readonly subject?: string;
  /** Whom to call, of an emergency. */
  readonly call?: Call;
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

/** How many of a partner's references show nowhere because of the loss that the alert is about. */
function closedOf({ code, partner }: { code: string; partner: string }, veiled: ReadonlyMap<string, number>): string[] {
  const count = code === 'state-lost' ? veiled.get(partner) : undefined;
  return count === undefined ? [] : [`${count} of its references are closed until then.`];
}

/** Alerts that nobody has closed: the urgent ones first, then oldest first. */
export async function listAlerts(exchange: Pick<Exchange, 'store' | 'directory'>): Promise<AlertView[]> {
  const rows = await openAlerts(exchange.store.db, MOST);
  const lost = rows.filter(({ code }) => code === 'state-lost').map(({ partner }) => partner);
  const veiled = await countsOfVeiled(exchange.store.db, lost);
  const snapshot = await exchange.directory.current();
  const views = rows.map((row): AlertView => {
    const { says, urgent = false } = alertMeaning(row.code);
    const call = row.code.startsWith('emergenc') ? callOf(snapshot, row.partner) : undefined;
    const named = {
      ...(row.partner !== '' && { partner: row.partner }),
      ...(row.subject !== '' && { subject: row.subject }),
    };
    return {
      id: row.id,
      code: row.code,
      urgent,
      message: [says, ...closedOf(row, veiled)].join(' '),
      next: alertNext({ code: row.code, ...named }),
      ...named,
      ...(call && { call }),
      count: row.count,
      firstAt: isoInstant(row.first_at.getTime()),
      lastAt: isoInstant(row.last_at.getTime()),
    };
  });
  return [...views.filter(({ urgent }) => urgent), ...views.filter(({ urgent }) => !urgent)];
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Closes an alert: a person has seen to it. The same trouble raises it anew. */
export async function closeAlert(exchange: Exchange, id: string): Promise<{ id: string; closed: true } | Refusal> {
  const unknown = refuse('not-found', '/id', 'There is no open alert with this id.', 'List them: caseref doctor.');
  if (!uuid.test(id)) return unknown;
  return inTransaction(exchange.store.db, async (trx) => {
    const at = new Date(exchange.clock());
    const closed = await closeStored(trx, id, at);
    if (!closed) return unknown;
    const partner = closed.partner === '' ? undefined : closed.partner;
    await recordEvents(trx, [{ type: 'alert.closed', at, code: closed.code, partner, body: { alert: id } }]);
    return { id, closed: true as const };
  });
}

/** Raises what no transaction causes, since it is something that did not happen. */
export async function findMissed(exchange: Exchange): Promise<void> {
  const { db } = exchange.store;
  const now = exchange.clock();
  const ago = (milliseconds: number) => new Date(now - milliseconds);
  const waiting = await emergenciesWaiting(db, ago(14 * DAY), ago(EMERGENCY_WAIT_MS), MOST);
  const taken = await emergenciesTaken(db, ago(2 * DAY), ago(ACKNOWLEDGE_WITHIN), MOST);
  const purges = await purgesOverdue(db, ago(HOUR), ago(PARTNER_PURGE_MS), MOST);
  const lost = await untoldLosses(db, ago(DAY), MOST);
  const undecided = await partnersWaitingSince(db, overdueBefore(exchange));
  const causes = [
    ...lost.map((one) => ({ code: 'state-lost', ...one }) as const),
    ...undecided.map((partner) => ({ code: 'decisions-overdue', partner }) as const),
    ...waiting.map((one) => ({ code: 'emergency-undelivered', ...one, subject: one.id }) as const),
    ...taken.map((one) => ({ code: 'emergency-unacknowledged', ...one, subject: one.id }) as const),
    ...purges.map(
      ({ partner, ...one }) =>
        ({ code: 'purge-overdue', partner: partner ?? undefined, ...one, subject: one.id }) as const,
    ),
  ];
  if (causes.length > 0) await inTransaction(db, (trx) => raise(trx, causes, new Date(now), { seenAgain: true }));
}
