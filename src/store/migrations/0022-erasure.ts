import { type Kysely, sql } from 'kysely';

/**
 * Indexes by which an erasure finds what it removes, and other references to one address are found, without reading whole tables.
 */
const statements = [
  'create index reference_index_position on reference_index (position)',
  'create index message_kept on message (originator, reference_id) where body is not null',
  `create index event_case on event (originator, reference_id) where type like 'case.%'`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
