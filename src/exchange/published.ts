import type { KeySet } from '../domain/contract.types.ts';
import type { Database } from '../store/open.ts';
import { keySetToken, readCompact } from '../wire/compact.ts';
import { isTokenRefusal } from '../wire/token-refusal.ts';
import type { Exchange } from './context.ts';

/** What the node keeps of its last publication; nulls before the first. */
export async function publishedRow(db: Database) {
  const row = await db.selectFrom('node').select(['key_set', 'key_set_seq', 'card']).executeTakeFirstOrThrow();
  return { keySet: row.key_set, seq: row.key_set_seq, card: row.card };
}

/** The published key set as a compact token, with the ETag that its number makes; undefined before the first. */
export async function publishedKeySet(exchange: Exchange): Promise<{ keySet: string; seq: number } | undefined> {
  const { keySet, seq } = await publishedRow(exchange.store.db);
  return keySet === null ? undefined : { keySet, seq };
}

/** What the published key set says; undefined before the first. */
export async function publishedClaims(db: Database): Promise<KeySet | undefined> {
  const { keySet } = await publishedRow(db);
  if (keySet === null) return undefined;
  const jws = readCompact(keySet, keySetToken);
  // Our own, signed by us and kept by us: anything else is a bug or a broken store.
  if (isTokenRefusal(jws)) throw new Error(`the published key set cannot be read: ${jws.reason}`);
  return jws.payload as unknown as KeySet;
}

/** The newest stored card, whether or not it still lives; undefined before the first. */
export async function storedCard(exchange: Exchange): Promise<string | undefined> {
  return (await publishedRow(exchange.store.db)).card ?? undefined;
}
