import type { Database, Trx } from './open.ts';
import { insertRows, type NewRow } from './rows.ts';

/** Every operator there is or was, in the order in which they were added. */
export function operatorRows(db: Database) {
  return db.selectFrom('operator').selectAll().orderBy('added_at').orderBy('name').execute();
}

export async function removeOperatorRow(trx: Trx, name: string, at: Date): Promise<void> {
  await trx.updateTable('operator').set({ state: 'removed', removed_at: at }).where('name', '=', name).execute();
}

/** Acts that wait for their second signature, oldest first. */
export function pendingActs(db: Database) {
  return db.selectFrom('act').selectAll().where('state', '=', 'pending').orderBy('created_at').orderBy('id').execute();
}

/** The act on a subject that waits for its second signature: of one kind there is at most one. */
export function pendingAct(db: Database, kinds: readonly string[], subject: string) {
  return db
    .selectFrom('act')
    .selectAll()
    .where('state', '=', 'pending')
    .where('kind', 'in', [...kinds])
    .where('subject', '=', subject)
    .executeTakeFirst();
}

/** An act that ended before a second person had approved it. */
export interface EndedAct {
  readonly kind: string;
  readonly subject: string;
  readonly digest: string;
  readonly author: string | null;
}

const ended = ['kind', 'subject', 'digest', 'author'] as const;

/** Ends what waits for a subject: something newer stands in its place. Gives the acts that ended. */
export function supersedePending(
  trx: Trx,
  kinds: readonly string[],
  subject: string,
  at: Date,
): Promise<readonly EndedAct[]> {
  return trx
    .updateTable('act')
    .set({ state: 'superseded', settled_at: at })
    .where('state', '=', 'pending')
    .where('kind', 'in', [...kinds])
    .where('subject', '=', subject)
    .returning([...ended])
    .execute();
}

/** Ends what waits with an operator's signature as its author. Gives the acts that ended. */
export function supersedeByAuthor(trx: Trx, author: string, at: Date): Promise<readonly EndedAct[]> {
  return trx
    .updateTable('act')
    .set({ state: 'superseded', settled_at: at })
    .where('state', '=', 'pending')
    .where('author', '=', author)
    .returning([...ended])
    .execute();
}

export async function insertAct(trx: Trx, row: NewRow): Promise<void> {
  await insertRows(trx, 'act', [row]);
}

export async function settleAct(trx: Trx, id: string, approver: string, at: Date): Promise<void> {
  await trx.updateTable('act').set({ state: 'effective', approver, settled_at: at }).where('id', '=', id).execute();
}

export async function insertSignature(trx: Trx, row: NewRow): Promise<void> {
  await insertRows(trx, 'act_signature', [row]);
}

/** Whether a signature, by the digest of its signing input, has counted before. */
export async function signatureCounted(db: Database, tokenDigest: string): Promise<boolean> {
  const row = await db
    .selectFrom('act_signature')
    .select('act')
    .where('token_digest', '=', tokenDigest)
    .executeTakeFirst();
  return row !== undefined;
}
