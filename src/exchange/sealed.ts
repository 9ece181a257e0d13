import { reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { settleSealed } from '../store/recall.ts';
import { insertAll } from '../store/rows.ts';
import type { Exchange } from './context.ts';
import { laterReceipt } from './purge.ts';
import type { ReferenceName } from './record.ts';

/**
 * Moves the receipts of what was held on when it is sealed: nobody will decide it any more, and its originator would wait
 * for a word that never comes. `purged` follows with the erasure (protocol, "Receipts").
 */
export async function tellSealed(
  exchange: Exchange,
  trx: Trx,
  names: readonly ReferenceName[],
  at: Date,
): Promise<void> {
  const messages = await settleSealed(trx, names);
  if (messages.length === 0) return;
  let position = await reservePositions(trx, messages.length);
  const receipts = messages.map((message) => laterReceipt(exchange, message, { outcome: 'sealed' }, position++, at));
  await insertAll(trx, [deliveryInsert(receipts)]);
}
