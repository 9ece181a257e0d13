import { LONGEST_HOLD, LONGEST_SUM, sumOfHolds } from '../../domain/authority/hold.ts';
import { deskOf, SKEW, type Statement, type StatementOf, sameDesk } from '../../domain/authority/statement.ts';
import type { CaseLog } from './log.ts';

type Hold = StatementOf<'hold'>;

/**
 * Whether a hold that is placed now would have an organisation stop a reference here for longer than 90 days in sum, by this node's
 * clock. The sum in the state of the case is counted by the speaker's: a lift that comes when the hold is nearly over, and says that it
 * was said when the hold began, would leave it at nothing, time and again.
 */
export function isHeldTooLong({ entries }: CaseLog, placed: Statement, now: number): boolean {
  if (placed.event !== 'hold' || placed.payload.step !== 'placed' || placed.relayed) return false;
  const heard = entries.flatMap(({ state, statement, row }) =>
    state === 'taken' && !row.suspect && statement?.event === 'hold' && statement.by === placed.by
      ? [{ hold: statement, at: row.received_at.getTime() }]
      : [],
  );
  const spans = heard.flatMap(({ hold, at: since }) => {
    if (hold.payload.step !== 'placed') return [];
    const lift = heard.find(({ hold: other, at }) => at >= since && ends(other, hold));
    return [{ desk: deskOf(hold), since, until: Math.max(since, Math.min(endOf(hold), lift?.at ?? endOf(hold))) }];
  });
  const next = { desk: deskOf(placed), since: now, until: Math.max(now, endOf(placed)) };
  const all = [...spans, next].sort((a, b) => a.since - b.since);
  return sumOfHolds(all, placed.by) > LONGEST_SUM + SKEW;
}

function ends(lift: Hold, hold: Hold): boolean {
  return lift.payload.step === 'lifted' && lift.said >= hold.said && sameDesk(deskOf(lift), deskOf(hold));
}

function endOf({ payload, said }: Hold): number {
  return Math.min(Date.parse(payload.until ?? ''), said + LONGEST_HOLD);
}
