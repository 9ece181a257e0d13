import { type Refusal, refuse } from '../domain/refusal.ts';
import type { Database } from './open.ts';
import { insertRows } from './rows.ts';

/** The issuer that this store belongs to; undefined in a store that no node has been made in. */
export async function nodeIssuer(db: Database): Promise<string | undefined> {
  const row = await db.selectFrom('node').select('issuer').executeTakeFirst();
  return row?.issuer;
}

/** Refuses a store that no node, or another one, was made in. */
export async function checkOwner(db: Database, issuer: string): Promise<Refusal | undefined> {
  const owner = await nodeIssuer(db);
  if (owner === issuer) return undefined;
  return owner === undefined
    ? refuse('state-conflict', '', 'No node has been made in this store.', 'Make one: caseref init.')
    : refuse(
        'setting-invalid',
        '/issuer',
        'The store belongs to a node with another issuer.',
        `Restore "issuer" to ${owner}.`,
      );
}

/** Gives a fresh store to a node; the one row that there may be. */
export async function insertNode(db: Database, issuer: string, at: Date): Promise<void> {
  await insertRows(db, 'node', [{ issuer, created_at: at }]);
}

/** Takes back what `insertNode` wrote, where making the node came to nothing. */
export async function forgetNode(db: Database): Promise<void> {
  await db.deleteFrom('node').execute();
}
