import { type Kysely, sql } from 'kysely';

/**
 * How often a partner granted what is asked of it, apart from how often it did not answer: only the first says how long to wait
 * for the rest. And the ends of a veil that hangs on a partner's word alone: the partner refused its replay, a day went by, or
 * it was not drawn at all, since one was drawn on its word less than a week before.
 */
const statements = [
  'alter table replay_request add column grants int not null default 0',
  'alter table recovery drop constraint recovery_opened_by_check',
  `alter table recovery add constraint recovery_opened_by_check
     check (opened_by in ('replay', 'operator', 'refused', 'time', 'undrawn'))`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
