import type { Issuer } from '../contract.types.ts';
import { type Refusal, refuse } from '../refusal.ts';
import { type Pen, penOf } from './pen.ts';
import { readLog, type Statement } from './statement.ts';

/**
 * Refuses a step of a hand-over that would take the pen from somebody who has no part in it, since it is dated before that one
 * got it: who let the pen go rewrites nobody's past. Two hand-overs that one giver confirmed stay a conflict that everybody sees.
 * `log` is what counts, and `pen` what it comes to at `now`, in milliseconds since 1970.
 */
export function refuseRewriting(
  step: Statement,
  { log, originator, pen, now }: { log: readonly Statement[]; originator: Issuer; pen: Pen; now: number },
): Refusal | undefined {
  if (step.event !== 'handover') return undefined;
  const after = penOf(readLog([...log, step]), originator, now);
  const lost = pen.holders.filter((holder) => !after.holders.includes(holder) && holder !== step.by);
  const giver = step.payload.step === 'accepted' ? giverIn(after, step.by) : undefined;
  return lost.every((holder) => holder === giver) ? undefined : refuse('not-assignee', '/step');
}

/** Who gave the pen to the one that accepts it now, having confirmed before the acceptance came. */
function giverIn({ offers }: Pen, to: Issuer): Issuer | undefined {
  return offers.findLast((offer) => offer.to === to && offer.state === 'confirmed')?.giver;
}
