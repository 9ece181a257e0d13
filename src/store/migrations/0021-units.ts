import { type Kysely, sql } from 'kysely';

/** Parties that run no node and are heard through this one: what they told is recorded for them, and they are called there. */
const statements = [
  `create table unit (
     name text primary key, jurisdiction text not null, phone text, added_at timestamptz not null, removed_at timestamptz)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
