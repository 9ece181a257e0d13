import { wakeCases } from '../../store/case.ts';
import { lockReferences } from '../../store/messages.ts';
import type { Trx } from '../../store/open.ts';
import { type Claimed, endClaimed, releaseDeliveries, restDeliveries } from '../../store/outbox.ts';
import { closedReason } from '../../store/recall.ts';
import { closedByReceipt } from '../../store/unknown-receipts.ts';
import type { Exchange } from '../context.ts';
import { coverNumbers } from '../cover.ts';

/**
 * Ends numbered statements about references that may not go to their partner any more. What the partner took is evidence and rests as
 * it is, and where the partner asks for it again it learns that this will not come; what had not left is covered by a `voided`, and
 * is said anew when the reference may go there again. What is closed by somebody's word waits for the operator.
 */
export async function endUntold(
  exchange: Exchange,
  trx: Trx,
  partner: string,
  claimed: readonly Claimed[],
  lease: string,
): Promise<void> {
  const at = new Date(exchange.clock());
  const names = new Map(
    claimed.map(({ originator, reference_id: id }) => [id, { originator: originator as string, id: id as string }]),
  );
  const rows = await lockReferences(trx, [...names.values()]);
  const states = new Map(rows.map(({ id, state }) => [id, state]));
  const closed = await closedByReceipt(trx, exchange.self, [...states.keys()]);
  const waits = claimed.filter(({ reference_id: id }) => closed.has(id ?? ''));
  const over = claimed.filter((one) => !waits.includes(one));
  const resting = over.filter(({ sent_at }) => sent_at !== null);
  const idsOf = (deliveries: readonly Claimed[]) => deliveries.map(({ id }) => id);
  await releaseDeliveries(trx, idsOf(waits), lease);
  await restDeliveries(trx, idsOf(resting), lease);
  const unsent = idsOf(over.filter(({ sent_at }) => sent_at === null));
  const dropped = new Set(
    (await endClaimed(trx, unsent, lease, { state: 'dropped', code: 'policy' })).map(({ id }) => id),
  );
  const covered = over.filter(({ id, replayed, sent_at }) => dropped.has(id) || (replayed && sent_at !== null));
  for (const [epoch, ended] of Map.groupBy(covered, (one) => one.epoch ?? '')) {
    const numbers = ended.map(({ n, reference_id: id }) => ({
      n: n ?? 0,
      reason: closedReason(states.get(id ?? '') ?? null) ?? ('policy' as const),
    }));
    await coverNumbers(exchange, trx, { partner, epoch }, numbers, at);
  }
  // It may be allowed again by now, and nobody else would look.
  await wakeCases(trx, rows, at);
}
