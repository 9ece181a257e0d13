import type { ListedReference } from '../store/lists.ts';
import { isClosed } from '../store/recall.ts';
import { matchKeys } from '../wire/match.ts';
import type { Exchange } from './context.ts';
import { type DuplicatesFound, duplicatesOf } from './duplicates.ts';
import { macsOf, openContent } from './record.ts';

/**
 * The other references to the address of one that is shown, own and partners': each is named at every other. Nothing of a reference
 * that shows nothing itself.
 */
export async function duplicatesShown(exchange: Exchange, row: ListedReference): Promise<Partial<DuplicatesFound>> {
  const { originator, id, state, revision, body, wrapped, pen } = row;
  if (!body || !wrapped || isClosed(state)) return {};
  const { url } = openContent(exchange.vault, { originator, id }, { revision, body, wrapped });
  const macs = macsOf(exchange.vault, matchKeys(url));
  return duplicatesOf(exchange.store.db, { originator, id, macs, state, ...(pen && { holders: pen }) });
}
