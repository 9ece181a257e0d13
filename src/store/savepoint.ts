import { sql } from 'kysely';
import type { Trx } from './open.ts';

/** What a trial came to: what it wrote is kept or undone; `after` is written in either case. */
export interface Trial<T> {
  readonly kept: boolean;
  readonly value: T;
  readonly after?: () => Promise<void>;
}

/** Does something inside a transaction to see what it comes to, and undoes it alone where it is not to be kept. */
export async function tryOut<T>(trx: Trx, work: () => Promise<Trial<T>>): Promise<T> {
  await sql`savepoint trial`.execute(trx);
  const { kept, value, after } = await work();
  if (!kept) await sql`rollback to savepoint trial`.execute(trx);
  await sql`release savepoint trial`.execute(trx);
  await after?.();
  return value;
}
