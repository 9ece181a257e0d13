import type { Marking, Policy } from '../contract.types.ts';
import { hostNotice } from '../marking.ts';
import { type CaseState, isHeld } from './state.ts';

/** Why a host may not be told now; `clear` when it may. */
export const hostNotices = [
  ...(['clear', 'must-not', 'hold'] as const),
  ...(['clearance-missing', 'clearance-open', 'clearance-refused', 'clearance-timed-out'] as const),
] as const;
export type HostNotice = (typeof hostNotices)[number];

/** What is done when nobody answers a request for clearance. */
export type OnTimeout = 'wait' | 'escalate' | 'notify';

/** What the marking alone says, before anything was said about the case: silence means that clearance comes first. */
export function noticeByMarking(marking: Marking): HostNotice {
  const notice = hostNotice(marking);
  if (notice === 'must-not') return 'must-not';
  return notice === 'may' ? 'clear' : 'clearance-missing';
}

/**
 * Whether the host may be told, which sending to an industry partner is (rules 6 and 7). Nothing is sent while a hold that binds is
 * in force or a clearance is open or refused, whatever the marking says; after a deadline only by an agreement that is named.
 */
export function hostNoticeOf(
  marking: Marking,
  state: Pick<CaseState, 'held' | 'clearance'>,
  onTimeout: OnTimeout,
): HostNotice {
  const marked = noticeByMarking(marking);
  if (marked === 'must-not') return marked;
  if (isHeld(state)) return 'hold';
  switch (state.clearance.status) {
    case 'none':
      return marked;
    case 'granted':
      return 'clear';
    case 'timed-out':
      return onTimeout === 'notify' ? 'clear' : 'clearance-timed-out';
    default:
      return `clearance-${state.clearance.status}`;
  }
}

/** What the policy of the desk that is asked says; `notify` without an agreement that is named is `escalate`. */
export function onTimeoutOf(policy: Policy | undefined): OnTimeout {
  const wanted = policy?.clearance?.onTimeout ?? 'escalate';
  return wanted === 'notify' && policy?.legal?.agreement === undefined ? 'escalate' : wanted;
}
