import { type Kysely, sql } from 'kysely';

/**
 * How far each imported file has come. File and path stand here as digests keyed by the node's vault, so that a reader of
 * the database cannot try which file it was.
 */
const statements = [
  `create table import_file (
     digest bytea primary key, path bytea not null, line bigint not null default 0,
     begun_at timestamptz not null, at timestamptz not null, finished_at timestamptz)`,
  'create index import_file_unfinished on import_file (path) where finished_at is null',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
