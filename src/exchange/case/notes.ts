import type { AlertCode } from '../../domain/alert.ts';
import type { OnTimeout } from '../../domain/authority/notice.ts';
import type { CaseState } from '../../domain/authority/state.ts';
import type { EventDetail } from '../../domain/feed.ts';
import { isoInstant } from '../../domain/instant.ts';

const DAY = 86_400_000;
/** How long before its end a hold is told of, and before its deadline a request, at most. */
const HOLD_NOTICE = 3 * DAY;
const CLEARANCE_NOTICE = DAY;

/** Something about a case that people are told once; `key` names it for ever. */
export interface Note {
  readonly key: string;
  readonly code: string;
  readonly alert?: AlertCode;
  readonly detail?: EventDetail;
}

/** What became true by now without anybody saying it, or by what several said: each with its own key, in a fixed order. */
export function notesOf(state: CaseState, onTimeout: OnTimeout, now: number): Note[] {
  return [
    ...holdNotes(state, now),
    ...clearanceNotes(state, onTimeout, now),
    ...penNotes(state),
    ...conflictNotes(state),
  ];
}

function holdNotes({ holds, held }: CaseState, now: number): Note[] {
  return holds.flatMap((hold) => {
    const name = `${hold.desk.by} ${hold.desk.unit ?? ''} ${hold.since}`;
    const detail = { by: hold.desk.by, until: isoInstant(hold.until) };
    if (!held.includes(hold)) return [{ key: `hold-ended ${name}`, code: 'hold-ended', detail }];
    const ending = now >= Math.max(hold.since, hold.until - HOLD_NOTICE) && hold.until - hold.since > HOLD_NOTICE;
    const review = hold.review !== undefined && now >= hold.review;
    return [
      ...(ending ? [{ key: `hold-ending ${name}`, code: 'hold-ending', alert: 'hold-ending' as const, detail }] : []),
      ...(review
        ? [{ key: `hold-review ${name}`, code: 'hold-review-due', alert: 'hold-review-due' as const, detail }]
        : []),
    ];
  });
}

function clearanceNotes({ clearance }: CaseState, onTimeout: OnTimeout, now: number): Note[] {
  const { status, askedAt, deadline } = clearance;
  if (askedAt === undefined || deadline === undefined) return [];
  const detail = { until: isoInstant(deadline) };
  const name = `${askedAt} ${deadline}`;
  if (status === 'open' && now >= remindAt(askedAt, deadline))
    return [{ key: `clearance-due ${name}`, code: 'clearance-due', alert: 'clearance-due', detail }];
  if (status !== 'timed-out') return [];
  const code = onTimeout === 'notify' ? 'clearance-lapsed' : 'clearance-overdue';
  const told = onTimeout === 'wait' ? {} : { alert: code as AlertCode };
  return [{ key: `clearance-overdue ${name}`, code, ...told, detail }];
}

/** Half of the time is over, or a day is left. */
function remindAt(askedAt: number, deadline: number): number {
  return Math.max(deadline - CLEARANCE_NOTICE, askedAt + (deadline - askedAt) / 2);
}

function penNotes({ pen }: CaseState): Note[] {
  const lapsed = pen.offers.filter(({ state }) => state === 'lapsed');
  return [
    ...lapsed.map(
      ({ giver, to, offeredAt }): Note => ({
        key: `handover-unanswered ${giver} ${to} ${offeredAt}`,
        code: 'handover-unanswered',
        alert: 'handover-unanswered',
        detail: { between: [giver, to] },
      }),
    ),
    ...(pen.unplaced ? [{ key: `unplaced ${pen.returns}`, code: 'unplaced', alert: 'case-unplaced' as const }] : []),
  ];
}

function conflictNotes({ conflicts }: CaseState): Note[] {
  return conflicts.map(({ kind, between }) => ({
    key: `${kind} ${between.join(' ')}`,
    code: kind,
    alert: kind === 'pen-conflict' ? 'pen-conflict' : 'case-conflict',
    detail: { between },
  }));
}

/** When the case changes by itself next, in milliseconds since 1970; undefined where it waits for somebody. */
export function nextTurn({ holds, clearance, pen }: CaseState, now: number): number | undefined {
  const { askedAt, deadline } = clearance;
  const turns = [
    ...holds.flatMap(({ until, review, since }) => [until, until - HOLD_NOTICE, ...(review ? [review] : []), since]),
    ...(askedAt !== undefined && deadline !== undefined ? [remindAt(askedAt, deadline), deadline + 1] : []),
    ...pen.pending.map(({ until }) => until + 1),
  ].filter((at) => at > now);
  return turns.length === 0 ? undefined : Math.ceil(Math.min(...turns));
}
