import type { Database } from './open.ts';

/** Clients whose tokens have these keyed digests and are not revoked. */
export function clientsByDigest(db: Database, digests: readonly Buffer[]) {
  return db
    .selectFrom('client')
    .select(['id', 'name', 'scopes', 'token_digest'])
    .where('token_digest', 'in', [...digests])
    .where('revoked_at', 'is', null)
    .execute();
}
