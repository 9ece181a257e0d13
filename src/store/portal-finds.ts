import type { Database, Trx } from './open.ts';
import type { PortalFindTable } from './portal-tables.ts';
import { insertAll } from './rows.ts';

type Find = Pick<PortalFindTable, 'id' | 'liaison' | 'session' | 'kind' | 'created_at'> & {
  readonly macs: readonly Uint8Array[];
};

/** Forgets searches that were begun before an instant, or at it. */
export async function deleteFinds(db: Database, before: Date): Promise<void> {
  await db.deleteFrom('portal_find').where('created_at', '<=', before).execute();
}

/** Keeps a search as blind indexes. */
export async function insertFind(trx: Trx, find: Find): Promise<void> {
  await trx
    .insertInto('portal_find')
    .values({ ...find, macs: find.macs.map((mac) => Buffer.from(mac)) })
    .execute();
}

/** A search of this session: nobody else's, and none of an earlier session. */
export function findOf(db: Database, session: string, id: string) {
  return db
    .selectFrom('portal_find')
    .select(['kind', 'macs'])
    .where('id', '=', id)
    .where('session', '=', session)
    .executeTakeFirst();
}

export function savedSearches(db: Database, liaison: string) {
  return db
    .selectFrom('portal_saved')
    .select(['id', 'filters', 'created_at'])
    .where('liaison', '=', liaison)
    .orderBy('created_at')
    .orderBy('id')
    .limit(50)
    .execute();
}

export async function insertSaved(
  trx: Trx,
  saved: { id: string; liaison: string; filters: Readonly<Record<string, string>>; at: Date },
): Promise<void> {
  const { id, liaison, filters, at } = saved;
  await insertAll(trx, [{ table: 'portal_saved', rows: [{ id, liaison, filters, created_at: at }] }]);
}

export async function deleteSaved(trx: Trx, liaison: string, id: string): Promise<void> {
  await trx.deleteFrom('portal_saved').where('liaison', '=', liaison).where('id', '=', id).execute();
}
