import type { CodeList } from '../domain/code-lists.ts';
import type { Database, Trx } from './open.ts';
import { insertRows, type NewRow } from './rows.ts';

/** The newest version in force of every list that was imported, by the name of the list. */
export async function activeCodeLists(db: Database): Promise<CodeList[]> {
  const rows = await db
    .selectFrom('code_list')
    .distinctOn('list')
    .select('document')
    .where('state', '=', 'active')
    .orderBy('list')
    .orderBy('version', 'desc')
    .execute();
  return rows.map(({ document }) => document);
}

/** Every version that was imported, the newest of each list first. */
export function codeListRows(db: Database) {
  return db.selectFrom('code_list').selectAll().orderBy('list').orderBy('version', 'desc').execute();
}

/** Stores a version as the one in force of its list, or as one that waits for a second person, in the place of what waited. */
export async function putCodeList(trx: Trx, row: NewRow & { readonly list: string }): Promise<void> {
  const { list } = row;
  await trx.deleteFrom('code_list').where('list', '=', list).where('state', '=', 'pending').execute();
  await insertRows(trx, 'code_list', [row]);
}
