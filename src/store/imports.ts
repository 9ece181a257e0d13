import { sql } from 'kysely';
import type { Database } from './open.ts';

/** How far the import of a file has come; `line` and every line before it are finished. */
export interface ImportProgress {
  readonly line: number;
  readonly begunAt: Date;
  readonly finishedAt: Date | null;
}

/** Begins the import of a file, or finds how far an earlier one came. */
export async function beginImportFile(
  db: Database,
  file: { digest: Uint8Array; path: Uint8Array },
  at: Date,
): Promise<ImportProgress> {
  const row = await db
    .insertInto('import_file')
    .values({ digest: Buffer.from(file.digest), path: Buffer.from(file.path), line: 0, begun_at: at, at })
    .onConflict((found) => found.column('digest').doUpdateSet({ at }))
    .returning(['line', 'begun_at', 'finished_at'])
    .executeTakeFirstOrThrow();
  return { line: row.line, begunAt: row.begun_at, finishedAt: row.finished_at };
}

/** Whether a file of this path, with other content, was begun and never finished. */
export async function unfinishedElsewhere(
  db: Database,
  file: { digest: Uint8Array; path: Uint8Array },
): Promise<boolean> {
  const found = await db
    .selectFrom('import_file')
    .select('digest')
    .where('path', '=', Buffer.from(file.path))
    .where('digest', '<>', Buffer.from(file.digest))
    .where('finished_at', 'is', null)
    .executeTakeFirst();
  return found !== undefined;
}

/** Whether this very file was begun before. */
export async function isImportBegun(db: Database, digest: Uint8Array): Promise<boolean> {
  const found = await db
    .selectFrom('import_file')
    .select('line')
    .where('digest', '=', Buffer.from(digest))
    .executeTakeFirst();
  return found !== undefined;
}

/** Notes that every line to this one is finished. Runs after their commit, so that it never claims too much. */
export async function advanceImportFile(
  db: Database,
  digest: Uint8Array,
  to: { line: number; whole: boolean },
  at: Date,
): Promise<void> {
  await sql`
    update import_file set line = greatest(line, ${to.line}), at = ${at},
      finished_at = case when ${to.whole} then coalesce(finished_at, ${at}::timestamptz) else finished_at end
    where digest = ${Buffer.from(digest)}`.execute(db);
}

/** A reference as it was first shared; key and body are gone once it was erased. */
export interface FirstShared {
  readonly id: string;
  readonly state: string;
  readonly createdAt: Date;
  readonly wrapped: Buffer | null;
  readonly body: Buffer | null;
}

/** References of one originator as their first revision said it. */
export async function firstShared(db: Database, originator: string, ids: readonly string[]): Promise<FirstShared[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<FirstShared>`
    select r.id, r.state, r.created_at as "createdAt", k.wrapped, v.body
    from reference r
    left join reference_key k on k.originator = r.originator and k.id = r.id
    left join reference_revision v on v.originator = r.originator and v.id = r.id and v.revision = 1
    where r.originator = ${originator} and r.id = any(${[...ids]}::uuid[])`.execute(db);
  return rows;
}

/** What stands decided about own references, for every partner, in the order of partners. */
export function sendDecisions(db: Database, originator: string, ids: readonly string[]) {
  return db
    .selectFrom('decision')
    .select(['id', 'partner', 'effect', 'rule', 'policy_version', 'trace'])
    .where('originator', '=', originator)
    .where('direction', '=', 'out')
    .where('id', 'in', [...ids])
    .orderBy('partner')
    .execute();
}
