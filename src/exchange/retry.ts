import { type Refusal, refuse } from '../domain/refusal.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { closedAmong } from '../store/recall.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';

/** Puts a delivery that waits, is overdue or was given up back to the front of the outbox, with the same signed bytes. */
export async function retryDelivery(
  exchange: Exchange,
  id: string,
): Promise<{ id: string; state: 'queued' } | Refusal> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return refuse('delivery-unknown');
  const answer = await inTransaction(exchange.store.db, async (trx) => {
    const row = await trx
      .selectFrom('delivery')
      .select(['state', 'partner', 'jti', 'digest', 'body', 'plain', 'event', 'originator', 'reference_id'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (!row) return refuse('delivery-unknown');
    if (row.state === 'receipted' || row.state === 'dropped') {
      return refuse(
        'state-conflict',
        '',
        `The delivery is ${row.state}; there is nothing to send.`,
        'Look at it: caseref delivery list.',
      );
    }
    if (row.digest !== null && row.body === null && row.plain === null) return refuse('reference-withdrawn');
    if (await isTakenBack(trx, row)) return refuse('reference-withdrawn');
    const at = new Date(exchange.clock());
    await trx
      .updateTable('delivery')
      .set({ state: 'queued', next_at: at, lease: null, lease_until: null, last_code: null, reissued_at: null })
      .where('id', '=', id)
      .execute();
    await recordEvents(trx, [{ type: 'delivery.retried', at, partner: row.partner, jti: row.jti }]);
    return { id, state: 'queued' as const };
  });
  exchange.wake.outbox();
  return answer;
}

/** A reference that was withdrawn, restricted or erased leaves no more, whatever waited about it. */
async function isTakenBack(
  trx: Trx,
  { event, originator, reference_id: id }: { event: string; originator: string | null; reference_id: string | null },
): Promise<boolean> {
  if (originator === null || id === null || (event !== 'submitted' && event !== 'revised')) return false;
  return (await closedAmong(trx, [{ originator, id }])).length > 0;
}
