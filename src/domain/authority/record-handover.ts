import { INDUSTRY } from '../policy/industry.ts';
import { type Refusal, refuse } from '../refusal.ts';
import type { PartyOf } from './party.ts';
import { type Offer, offerOf, type Pen, refuseNonHolder, speaksAsHolder } from './pen.ts';
import { SKEW, type StatementOf } from './statement.ts';

type Step = StatementOf<'handover'>;

/** What a step is judged by beside the pen. */
interface Facts {
  readonly own: boolean;
  readonly partyOf: PartyOf;
}

/** Whether a step of a hand-over may be recorded (rule 1): nothing, or why not. */
export function refuseHandover(step: Step, pen: Pen, facts: Facts): Refusal | undefined {
  // It is offered none, so that its answer waits for nothing; others would be told of it all the same.
  if (facts.partyOf(step.by)?.type === INDUSTRY)
    return refuse('not-competent', '/step', 'An industry partner holds no pen.');
  switch (step.payload.step) {
    case 'offered':
      return refuseOffer(step, pen, facts);
    case 'accepted':
    case 'declined':
      return refuseAnswer(step, offerOf(pen.offers, step), facts);
    case 'confirmed':
      return refuseConfirmation(step, offerOf(pen.offers, step), facts);
    case 'returned':
      return refuseReturn(step, pen);
  }
}

function refuseOffer({ by, said, payload }: Step, pen: Pen, { partyOf }: Facts): Refusal | undefined {
  if (!speaksAsHolder(pen, by, said)) return refuseNonHolder(pen, by, '/step');
  if (pen.holders.length > 1) return refuse('pen-conflict', '/step');
  if (payload.to === by) return refuse('schema-invalid', '/to', 'Nobody hands the pen to themselves.');
  if (payload.to !== undefined && partyOf(payload.to)?.type === INDUSTRY)
    return refuse('not-competent', '/to', 'An industry partner holds no pen.', 'Offer it to another organisation.');
  return pen.pending.some(({ giver }) => giver === by) ? refuse('handover-pending', '/step') : undefined;
}

/** From a partner an answer may have overtaken the offer that it answers: it is kept, and counts when the offer comes. */
function refuseAnswer(step: Step, offer: Offer | undefined, { own }: Facts): Refusal | undefined {
  if (offer === undefined) return own ? refuse('state-conflict', '/step', 'Nothing was offered.') : undefined;
  if (offer.to !== step.by)
    return refuse('not-assignee', '/accepts', 'It was offered to another organisation.', 'Leave the answer to it.');
  const { accepts } = step.payload;
  const namesAnother = accepts !== undefined && !offer.jtis.includes(accepts);
  if (!own && namesAnother && offer.state !== 'offered') return undefined;
  const answered = offer.acceptedAt !== undefined || !(offer.state === 'offered' || offer.state === 'lapsed');
  if (!answered && step.said > offer.until + SKEW) return lapsed();
  return !answered ? undefined : refuse('state-conflict', '/step', 'The offer has been answered.');
}

function refuseConfirmation({ by, said }: Step, offer: Offer | undefined, { own }: Facts): Refusal | undefined {
  if (offer === undefined) return own ? refuse('state-conflict', '/step', 'Nothing was offered.') : pending();
  if (offer.giver !== by)
    return refuse('not-assignee', '/step', 'Only who offered the pen confirms that it has moved.');
  if (!['offered', 'accepted', 'lapsed'].includes(offer.state))
    return refuse('state-conflict', '/step', 'The hand-over has ended.');
  if (said > offer.until + SKEW) return lapsed();
  return offer.acceptedAt === undefined ? pending() : undefined;
}

function refuseReturn({ by, said }: Step, pen: Pen): Refusal | undefined {
  if (!speaksAsHolder(pen, by, said)) return refuseNonHolder(pen, by, '/step');
  const got = pen.offers.some(({ to, state }) => to === by && state === 'confirmed');
  return got ? undefined : refuse('state-conflict', '/step', 'The originator has nobody to return it to.');
}

function pending(): Refusal {
  return refuse('handover-pending', '/step', 'The hand-over has not been accepted yet.');
}

function lapsed(): Refusal {
  return refuse('state-conflict', '/step', 'The offer has lapsed; the pen has not moved.', 'Offer it again.');
}
