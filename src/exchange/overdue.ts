import { recordEvents } from '../store/feed.ts';
import { easeOverdue, markOverdue } from '../store/overdue.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';

const HOUR = 3_600_000;
/** Hours within which a receipt is expected where the partner's policy names none. */
const RECEIPT_HOURS = 24;
const MOST = 500;

/** Marks messages whose receipt did not come in time, each once, and tells the feed. A receipt that comes later still counts. */
export async function findOverdue(exchange: Exchange): Promise<number> {
  const { partners } = await exchange.directory.within(exchange.store.db);
  const now = exchange.clock();
  let found = 0;
  for (const { facts, policy } of partners.values()) {
    const before = new Date(now - (policy?.security?.receiptWithinHours ?? RECEIPT_HOURS) * HOUR);
    found += await inTransaction(exchange.store.db, async (trx) => {
      await easeOverdue(trx, facts.issuer);
      const rows = await markOverdue(trx, facts.issuer, before, MOST);
      const at = new Date(now);
      await recordEvents(
        trx,
        rows.map((row) => ({
          type: 'delivery.overdue',
          at,
          partner: facts.issuer,
          jti: row.jti,
          ...(row.originator !== null && { originator: row.originator }),
          ...(row.reference_id !== null && { reference: row.reference_id }),
        })),
      );
      return rows.length;
    });
  }
  return found;
}
