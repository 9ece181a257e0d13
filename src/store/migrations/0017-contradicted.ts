import { type Kysely, sql } from 'kysely';

/** Its recipient signed of a message both that it refused it and that it had it: it counts as one that may have it. */
const statements = ['alter table delivery add column contradicted boolean not null default false'];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
