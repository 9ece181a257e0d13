import type { Statement } from '../../domain/authority/statement.ts';
import type { NewEvent } from '../../store/feed.ts';
import type { CaseLog, Entered } from './log.ts';

/** Names an entry that the feed was not told of, among what is noted of a case. */
const VEILED = 'veiled ';

/** What the feed is told of a log. */
export interface Spoken {
  readonly events: readonly NewEvent[];
  /** What was noted, as it stands after that. */
  readonly noted: readonly string[];
}

/**
 * What the feed is told of entries that this transaction changed. Of a partner's reference behind a veil nobody learns what was said
 * about it before the veil is lifted; if it was withdrawn by then, never.
 */
export function spokenOf(
  log: CaseLog,
  changed: readonly Entered[],
  { veiled, gone, at }: { readonly veiled: boolean; readonly gone: boolean; readonly at: Date },
): Spoken {
  const noted = log.course?.noted ?? [];
  if (veiled) return { events: [], noted: [...new Set([...noted, ...changed.map(({ id }) => `${VEILED}${id}`)])] };
  const before = new Set(gone ? [] : noted);
  const now = log.entries.filter((entered) => changed.includes(entered) || before.has(`${VEILED}${entered.id}`));
  return {
    events: now.flatMap((entered) => eventOf(log, entered, at)),
    noted: noted.filter((key) => !key.startsWith(VEILED)),
  };
}

function eventOf(log: CaseLog, entered: Entered, at: Date): NewEvent[] {
  if (entered.state === 'taken') return entered.statement ? [recordedEvent(log, entered, at)] : [];
  return [waitingEvent(log, entered, at)];
}

function waitingEvent({ name }: CaseLog, { row, state, code }: Entered, at: Date): NewEvent {
  const { sender: partner, carrier } = row;
  return {
    type: state === 'held' ? 'case.held' : 'case.refused',
    at,
    originator: name.originator,
    reference: name.id,
    partner,
    ...(carrier !== null && { jti: carrier }),
    ...(code !== null && { code }),
  };
}

/** Until when it stands or is waited for, and whom it goes to: what somebody has to act on in time. */
function endOf(payload: Statement['payload']) {
  const until = 'until' in payload ? payload.until : 'deadline' in payload ? payload.deadline : undefined;
  const answerBy = 'answerBy' in payload ? payload.answerBy : undefined;
  const last = until ?? answerBy;
  return {
    ...(last !== undefined && { until: last }),
    ...('to' in payload && payload.to !== undefined && { to: payload.to }),
  };
}

/** What the feed is told of a statement: who said what, never a number or a name of a unit. */
function recordedEvent({ name }: CaseLog, { statement, row }: Entered, at: Date): NewEvent {
  if (!statement) throw new Error('a statement without content was about to be told');
  const { event, payload, by, relayed } = statement;
  const code = 'code' in payload ? payload.code : undefined;
  return {
    type: `case.${event}`,
    at,
    originator: name.originator,
    reference: name.id,
    ...(row.direction === 'in' && { partner: row.sender, jti: row.carrier ?? undefined }),
    ...(code !== undefined && { code }),
    body: {
      by,
      ...('step' in payload && { step: payload.step }),
      ...('action' in payload && { action: payload.action, standing: payload.standing }),
      ...endOf(payload),
      ...(relayed && { relayed: true }),
      ...(payload.toldBy !== undefined && { toldBy: true }),
    },
  };
}
