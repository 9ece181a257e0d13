import { type Kysely, sql } from 'kysely';

/** When a person last asked for a message to be tried again: its time to be delivered begins anew with that. */
const statements = ['alter table delivery add column retried_at timestamptz'];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
