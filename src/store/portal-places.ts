import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';
import { insertAll, type NewRow } from './rows.ts';

/** A reference whose places in the portal are to be decided, with the content of its newest revision. */
export interface Undecided {
  readonly position: number;
  readonly originator: string;
  readonly id: string;
  readonly revision: number;
  readonly state: string;
  readonly category: string;
  readonly urgency: string;
  readonly hosting: string | null;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly wrapped: Buffer | null;
  readonly body: Buffer | null;
}

/**
 * Takes up to `limit` references that wait, newest first, and locks them until the transaction ends: a change that comes meanwhile
 * waits, and its trigger then finds the rows that were made here. Rows that somebody else has locked wait for the next time.
 */
export async function takeUndecided(trx: Trx, limit: number): Promise<Undecided[]> {
  const { rows } = await sql<Undecided>`
    select r.position, r.originator, r.id, r.revision, r.state, r.category, r.urgency, r.hosting, r.created_at, r.expires_at,
      k.wrapped, v.body
    from portal_pending p join reference r on r.position = p.position
    left join reference_key k on k.originator = r.originator and k.id = r.id
    left join reference_revision v on v.originator = r.originator and v.id = r.id and v.revision = r.revision
    order by p.position desc limit ${limit} for update of p skip locked for share of r skip locked`.execute(trx);
  return rows;
}

/** Whether anything waits: most of the time nothing does, and a page need not ask for locks. */
export async function isUndecided(db: Database): Promise<boolean> {
  return (await db.selectFrom('portal_pending').select('position').limit(1).executeTakeFirst()) !== undefined;
}

/** Writes where these references are found, in place of what was there, and takes them from the queue. */
export async function settlePlaces(
  trx: Trx,
  positions: readonly number[],
  made: {
    readonly places: readonly NewRow[];
    readonly assessed: readonly NewRow[];
    readonly handles: readonly NewRow[];
  },
): Promise<void> {
  if (positions.length === 0) return;
  for (const table of ['portal_pending', 'portal_place', 'portal_assessed', 'portal_handle'] as const) {
    await sql`delete from ${sql.table(table)} where position = any(${[...positions]}::bigint[])`.execute(trx);
  }
  await insertAll(trx, [
    { table: 'portal_place', rows: made.places },
    { table: 'portal_assessed', rows: made.assessed },
    { table: 'portal_handle', rows: made.handles, ignoreConflicts: true },
  ]);
}
