import type { KeySet } from '../domain/contract.types.ts';
import type { PublicKey } from '../keys/keystore.ts';
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
  return keySet === null ? undefined : readPublished(keySet).claims;
}

/** What one of our own key sets says, and the identity key that signed it. */
export function readPublished(keySet: string): { readonly claims: KeySet; readonly identity: string } {
  const jws = readCompact(keySet, keySetToken);
  // Our own, signed by us and kept by us: anything else is a bug or a broken store.
  if (isTokenRefusal(jws)) throw new Error(`the published key set cannot be read: ${jws.reason}`);
  return { claims: jws.payload as unknown as KeySet, identity: jws.kid };
}

/**
 * The published key set as partners may be given it: none while it offers a key that is revoked here. A store that was put
 * back, or a death before the publication, must not make a lost key good again.
 */
export async function offeredKeySet(exchange: Exchange): Promise<{ keySet: string; seq: number } | undefined> {
  const published = await publishedKeySet(exchange);
  if (!published) return undefined;
  const { keys } = readPublished(published.keySet).claims;
  return exchange.keys.publicKeys().some((key) => isOfferedThough(key, keys)) ? undefined : published;
}

/** Whether a key set offers a key that is revoked here. */
export function isOfferedThough({ kid, revoked }: PublicKey, keys: KeySet['keys']): boolean {
  return revoked !== undefined && keys.some((told) => told.kid === kid && told.revoked === undefined);
}

/** The newest stored card, whether or not it still lives; undefined before the first. */
export async function storedCard(exchange: Exchange): Promise<string | undefined> {
  return (await publishedRow(exchange.store.db)).card ?? undefined;
}
