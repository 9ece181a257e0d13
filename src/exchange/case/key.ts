import { lockReferences } from '../../store/messages.ts';
import type { Trx } from '../../store/open.ts';
import type { Exchange } from '../context.ts';
import { ownerOf, type ReferenceName } from '../record.ts';

/** The data key of a reference, which the transaction locks. */
export async function lockDataKey(exchange: Exchange, trx: Trx, name: ReferenceName) {
  const [row] = await lockReferences(trx, [name]);
  return row?.wrapped ? exchange.vault.unwrap(row.wrapped, ownerOf(name)) : undefined;
}
