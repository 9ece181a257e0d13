import { type Kysely, sql } from 'kysely';

/**
 * What each partner answered when it was last told our key set, and from which number on our key sets are signed by the
 * identity of today: a partner that has taken none of these does not know who we are.
 */
const statements = [
  'alter table partner add column told_seq bigint, add column told_code text, add column told_at timestamptz',
  'alter table node add column identity_seq bigint not null default 0, add column identity_at timestamptz',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
