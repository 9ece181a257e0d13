import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';

/**
 * SQLSTATE of a serialisation failure, of a deadlock that the server resolved by ending one side, and of a unique violation:
 * what is written here is looked for first, so another transaction wrote it in between, and the next try sees it.
 */
const transient = new Set(['40001', '40P01', '23505']);
const TRIES = 5;

/** Runs `work` in one transaction, again when the server ended it only for the sake of another one. */
export async function inTransaction<T>(db: Database, work: (trx: Trx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction().execute(work);
    } catch (failure) {
      const code = (failure as { code?: string }).code ?? '';
      if (!transient.has(code) || attempt >= TRIES) throw failure;
    }
  }
}

/** Holds a name until the transaction ends: whoever asks for the same one waits, in this process or another. */
export async function lockName(trx: Trx, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 1))`.execute(trx);
}
