import { isoInstant } from '../domain/instant.ts';
import { eventInsert, type NewEvent, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert, type NewDelivery } from '../store/outbox.ts';
import {
  cancelUnsent,
  type Due,
  destroyReferences,
  lockDue,
  type RecallMessage,
  settleRecalls,
  type Unsent,
} from '../store/recall.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { newNotice, voidedOf } from './queue.ts';
import { backupsUntil } from './recalled.ts';
import { every, type Ticking } from './ticking.ts';

const BATCH = 100;

/**
 * Erases what is due, by withdrawal or by retention, and tells each originator that asked. A reference, its data key and
 * its blind-index rows go in the same transaction that queues the receipt, so nobody is told of an erasure that was not.
 * @returns how many references were erased.
 */
export async function purgeDue(exchange: Exchange): Promise<number> {
  let erased = 0;
  for (;;) {
    const done = await inTransaction(exchange.store.db, (trx) => purgeBatch(exchange, trx));
    erased += done;
    if (done > 0) exchange.wake.outbox();
    if (done < BATCH) return erased;
  }
}

async function purgeBatch(exchange: Exchange, trx: Trx): Promise<number> {
  const now = new Date(exchange.clock());
  const due = await lockDue(trx, now, BATCH);
  const isPurge = ({ purge_after: at }: Due) => at !== null && at <= now;
  await erase(exchange, trx, due.filter(isPurge), 'purged');
  await erase(
    exchange,
    trx,
    due.filter((one) => !isPurge(one)),
    'expired',
  );
  return due.length;
}

/** Erases references in this transaction and queues what their originators are told. */
export async function erase(
  exchange: Exchange,
  trx: Trx,
  due: readonly Due[],
  state: 'purged' | 'expired',
  order?: string,
): Promise<void> {
  if (due.length === 0) return;
  const at = new Date(exchange.clock());
  const asked = await settleRecalls(trx, due, 'purged');
  const unsent: Unsent[] = [];
  for (const [originator, ones] of Map.groupBy(due, (one) => one.originator)) {
    // Of a partner's reference only what we said about it waits.
    const ids = ones.map(({ id }) => id);
    unsent.push(...(await cancelUnsent(trx, { originator, ids }, 'expired')));
  }
  const voids = voidedOf(unsent, 'expired');
  await destroyReferences(trx, due, state, at);
  const type = order !== undefined ? 'reference.erased' : state === 'purged' ? 'reference.purged' : 'reference.expired';
  const events = due.map(
    ({ originator, id }): NewEvent => ({
      type,
      at,
      originator,
      reference: id,
      ...(order !== undefined && { body: { order } }),
    }),
  );
  let position = await reservePositions(trx, asked.length + voids.length + events.length);
  const outcome = { outcome: 'purged', backupsUntil: backupsUntil(at.getTime()) };
  const receipts = asked.map((message) => laterReceipt(exchange, message, outcome, position++, at));
  const voided = voids.map(({ partner, payload }) =>
    newNotice(exchange, { partner, event: 'voided', payload, position: position++, at }),
  );
  await insertAll(trx, [deliveryInsert([...receipts, ...voided]), eventInsert(events, position)]);
}

/** A receipt that moves on what an earlier one said; the first one stays as it was. */
export function laterReceipt(
  exchange: Exchange,
  message: RecallMessage,
  outcome: Record<string, unknown>,
  position: number,
  at: Date,
): NewDelivery {
  const { issuer, jti, digest, originator, id, received_at } = message;
  const content = { for: { jti }, digest, receivedAt: isoInstant(received_at.getTime()), ...outcome };
  return {
    id: exchange.chance.uuid(),
    position,
    partner: issuer,
    jti: exchange.chance.jti(),
    event: 'receipt',
    originator,
    reference_id: id,
    revision: null,
    priority: 1,
    payload: { subject: { format: 'iss_sub', iss: originator, sub: id }, content },
    answers: jti,
    at,
  };
}

const TICK_MS = 5000;

/** Erases what is due, now and every few seconds; `stop` waits for what is under way. */
export function startPurge(exchange: Exchange): Ticking {
  return every(exchange, { ms: TICK_MS, event: 'purge.failed' }, () => purgeDue(exchange));
}
