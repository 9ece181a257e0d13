import { type Kysely, sql } from 'kysely';

/** What is kept of who looked at a reference is found when it is erased, without reading every look there ever was. */
const statements = [
  'create index portal_decision_reference on portal_decision (reference_id)',
  'create index portal_view_own_reference on portal_view (reference_id) where own_reference is not null',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
