import { codes } from '../domain/codes.ts';
import { isRefusal, refuse } from '../domain/refusal.ts';
import { recordEvents } from '../store/feed.ts';
import { inTransaction } from '../store/transaction.ts';
import { showReference } from './browse.ts';
import type { Exchange } from './context.ts';

/** Shows one reference with its addresses whole, for a purpose of the code list that is recorded before it is shown. */
export async function revealReference(exchange: Exchange, originator: string, id: string, purpose: string) {
  if (purpose === 'unknown' || !(codes.purpose as readonly string[]).includes(purpose)) {
    return refuse(
      'usage-invalid',
      '/purpose',
      'The purpose is not in the code list.',
      `Use one of: ${codes.purpose.filter((code) => code !== 'unknown').join(', ')}.`,
    );
  }
  const shown = await showReference(exchange, originator, id, 'whole');
  if (isRefusal(shown)) return shown;
  const at = new Date(exchange.clock());
  await inTransaction(exchange.store.db, (trx) =>
    recordEvents(trx, [{ type: 'address.revealed', at, originator, reference: id, code: purpose }]),
  );
  return shown;
}
