import type { DropReason } from '../domain/dropped.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { closeAlertAbout } from '../store/alerts.ts';
import { dropLetter, type Letter, type LockedLetter, lockLetter } from '../store/dead-letters.ts';
import { eventInsert, type NewEvent, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { newNotice, voidedOf } from './queue.ts';
import { endDeadLetters, isDeliveryId } from './retry.ts';

export interface Dropped {
  readonly id: string;
  readonly state: 'dropped';
  readonly reason: DropReason;
  /** Its number is covered by a signed `voided` that goes to the partner; false where it never had one. */
  readonly voided: boolean;
}

function conflict(message: string, next: string): Refusal {
  return refuse('state-conflict', '', message, next);
}

/** Why a message cannot be given up: it is evidence, it is on its way, or somebody has a right to it. */
function obstacle(letter: LockedLetter, now: Date): Refusal | undefined {
  const { id, state, event, sent_at, lease_until, reference_id: reference } = letter;
  const list = 'Look at it: caseref delivery list.';
  if (event === 'receipt' || event === 'voided')
    return conflict(`A ${event} is owed to the partner and cannot be given up.`, 'caseref delivery retry ID');
  if (state === 'receipted' || state === 'dropped')
    return conflict(`The delivery is ${state}; there is nothing to give up.`, list);
  if (state === 'sent' || state === 'overdue' || sent_at !== null) {
    const next = 'Ask the partner for its receipt, or take the reference back: caseref reference withdraw ID';
    return conflict('The partner has taken it; what has arrived cannot be given up.', next);
  }
  if (state === 'queued' && lease_until !== null && lease_until > now)
    return conflict('It is under way at this moment.', 'Wait a minute, then look again: caseref delivery list.');
  // A number that is covered says that nothing came: of what may have come it would be a lie, and nobody would ask for it back.
  if (letter.perhaps_there) {
    const next = `Send it until there is an answer: caseref delivery retry ${id}; or take the reference back: caseref reference withdraw ${reference}`;
    return conflict('The partner may have it: its answer was lost. What may have arrived cannot be given up.', next);
  }
  return undefined;
}

/**
 * Gives up a message that is dead or waits, by the word of a person: it is not tried again and its number is covered by a
 * signed `voided`, so that the partner misses nothing. What the partner has taken, or may be taking now, is refused.
 */
export async function dropDelivery(
  exchange: Exchange,
  id: string,
  reason: DropReason,
  by: string,
): Promise<Dropped | Refusal> {
  if (!isDeliveryId(id)) return refuse('delivery-unknown');
  const answer = await inTransaction(exchange.store.db, async (trx) => {
    const at = new Date(exchange.clock());
    const letter = await lockLetter(trx, id);
    if (!letter) return refuse('delivery-unknown');
    const wrong = obstacle(letter, at);
    if (wrong) return wrong;
    await dropLetter(trx, id, reason);
    const voided = await coverNumber(exchange, trx, letter, { reason, by, at });
    await endAlerts(trx, letter, at);
    return { id, state: 'dropped' as const, reason, voided };
  });
  exchange.wake.outbox();
  return answer;
}

async function coverNumber(
  exchange: Exchange,
  trx: Trx,
  { id, partner, jti, epoch, n, originator, reference_id }: Letter,
  { reason, by, at }: { readonly reason: DropReason; readonly by: string; readonly at: Date },
): Promise<boolean> {
  const voids = voidedOf([{ id, partner, epoch, n }], 'dropped');
  let position = await reservePositions(trx, voids.length + 1);
  const notices = voids.map(({ payload }) =>
    newNotice(exchange, { partner, event: 'voided', payload, position: position++, at }),
  );
  const event: NewEvent = {
    type: 'delivery.dropped',
    at,
    partner,
    jti,
    code: reason,
    body: { by },
    ...(originator !== null && { originator }),
    ...(reference_id !== null && { reference: reference_id }),
  };
  await insertAll(trx, [deliveryInsert(notices), eventInsert([event], position)]);
  return voids.length > 0;
}

/** What a person was told of this message is over: the alert of the partner's dead letters with the last of them. */
async function endAlerts(trx: Trx, { partner, reference_id }: Letter, at: Date): Promise<void> {
  await endDeadLetters(trx, partner, at);
  if (reference_id === null) return;
  const code = 'emergency-undelivered';
  const alert = await closeAlertAbout(trx, { code, partner, scope: reference_id }, at);
  if (alert === undefined) return;
  const event: NewEvent = { type: 'alert.closed', at, code, partner, body: { alert } };
  await insertAll(trx, [eventInsert([event], await reservePositions(trx, 1))]);
}
