import type { Issuer } from '../contract.types.ts';
import type { CaseState } from './state.ts';
import { SKEW } from './statement.ts';

/** How long a human has to acknowledge an emergency before the timer alerts, in milliseconds: a quarter of an hour. */
export const ACKNOWLEDGE_WITHIN = 900_000;

/**
 * What has become of an emergency at one recipient (rule 9); `sentAt`, when it got it as an emergency, in milliseconds since 1970. Who
 * had it in hand before it was one has not said that a person knows that it is. `overdue` alerts: no machine acknowledges, and none
 * of this replaces the call.
 */
export function acknowledgement(
  { acknowledged }: Pick<CaseState, 'acknowledged'>,
  recipient: Issuer,
  { sentAt, now }: { readonly sentAt: number; readonly now: number },
): 'acknowledged' | 'waiting' | 'overdue' {
  if (acknowledged.some(({ by, said }) => by === recipient && said >= sentAt - SKEW)) return 'acknowledged';
  return now - sentAt > ACKNOWLEDGE_WITHIN ? 'overdue' : 'waiting';
}
