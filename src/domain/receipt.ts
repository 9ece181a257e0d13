/** What a recipient says of a message (protocol, "Receipts"). */
export const receiptOutcomes = ['accepted', 'held', 'refused', 'sealed', 'purged', 'retained'] as const;
export type ReceiptOutcome = (typeof receiptOutcomes)[number];

/**
 * The sender's states of one message to one recipient: `sent` is a 202 or an ack and no evidence, only `receipted` is;
 * `overdue` is sent without a receipt in time; `dead` will not be tried again by itself.
 */
export const deliveryStates = ['queued', 'sent', 'receipted', 'overdue', 'dead'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

const laterOutcomes: Readonly<Record<ReceiptOutcome, readonly ReceiptOutcome[]>> = {
  // A held withdrawal that is released is answered by what it then does.
  held: ['accepted', 'refused', 'sealed', 'purged', 'retained'],
  sealed: ['purged', 'retained'],
  retained: ['purged'],
  accepted: [],
  refused: [],
  purged: [],
};

/** A receipt can overtake the record of the 202 and can follow a death by age: evidence counts whenever it arrives. */
const laterStates: Readonly<Record<DeliveryState, readonly DeliveryState[]>> = {
  queued: ['sent', 'receipted', 'dead'],
  sent: ['queued', 'receipted', 'overdue', 'dead'],
  overdue: ['queued', 'receipted', 'dead'],
  dead: ['queued', 'receipted'],
  receipted: [],
};

/**
 * What a receipt does to the outcome known so far: the first one counts whatever it says, later ones only forward;
 * backward ones are ignored, so that any order of arrival ends in the same outcome.
 */
export function settle(
  current: ReceiptOutcome | undefined,
  next: ReceiptOutcome,
): 'first' | 'change' | 'same' | 'ignored' {
  if (current === undefined) return 'first';
  if (current === next) return 'same';
  return laterOutcomes[current].includes(next) ? 'change' : 'ignored';
}

/**
 * Whether a recipient that says so is to be taken at neither word: it refused the message, and before or after that it had it.
 * It was put back to an older state in between, and may hold what it said that it refused.
 */
export function contradicts(current: ReceiptOutcome | undefined, next: ReceiptOutcome): boolean {
  return settle(current, next) === 'ignored' && (current === 'refused' || next === 'refused');
}

/** Whether a delivery may go from one state to another (`queued` again: an operator's retry or a lapsed lease). */
export function mayBecome(current: DeliveryState, next: DeliveryState): boolean {
  return laterStates[current].includes(next);
}

/** Whether a receipt is overdue; both instants in milliseconds since 1970, `withinHours` from the policy's `security`. */
export function isOverdue(sentAt: number, now: number, withinHours = 24): boolean {
  return now - sentAt > withinHours * 3_600_000;
}
