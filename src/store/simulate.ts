import { sql } from 'kysely';
import { linkedNotice } from './case-linked.ts';
import type { Database, Trx } from './open.ts';
import { closedStates } from './recall.ts';

/** Which references of the past a draft is tried against: our own, and those that came from this partner. */
export interface Past {
  readonly partner: string;
  readonly since: Date;
}

/** A reference as it stands, with the content of its newest revision where that may and can still be read. */
export interface PastReference {
  readonly position: number;
  readonly originator: string;
  readonly id: string;
  readonly direction: 'in' | 'out';
  readonly revision: number;
  readonly wrapped: Buffer | null;
  readonly body: Buffer | null;
  /** Whether a message about it has left for this partner. */
  readonly sent: boolean;
  readonly case_held: boolean | null;
  readonly case_clearance: string | null;
  readonly case_timeout: string | null;
  readonly linked_notice: string | null;
}

/** Runs `work` where the server itself refuses every write, on one unmoving view of the store. */
export function readOnly<T>(db: Database, work: (trx: Trx) => Promise<T>): Promise<T> {
  return db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work);
}

function within({ partner, since }: Past) {
  return sql`r.created_at >= ${since} and (r.direction = 'out' or r.originator = ${partner})`;
}

/** How many references a draft will be tried against. */
export async function countPast(trx: Trx, past: Past): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from reference r where ${within(past)}`.execute(trx);
  return rows[0]?.n ?? 0;
}

/**
 * The past page by page, newest first, below a position. What was withdrawn, restricted or erased is in it without its
 * content, so that it can be counted.
 */
export async function readPast(
  trx: Trx,
  past: Past,
  page: { readonly limit: number; readonly before?: number | undefined },
): Promise<PastReference[]> {
  const below = page.before === undefined ? sql`true` : sql`r.position < ${page.before}`;
  const { rows } = await sql<PastReference>`
    select r.position, r.originator, r.id, r.direction, r.revision, k.wrapped, v.body,
      r.case_held, r.case_clearance, r.case_timeout,
      ${linkedNotice('r')} as linked_notice,
      r.direction = 'out' and exists (
        select 1 from delivery d where d.originator = r.originator and d.reference_id = r.id and d.partner = ${past.partner}
          and d.event in ('submitted', 'revised') and d.sent_at is not null) as sent
    from (
      select * from reference r where ${within(past)} and ${below} order by r.position desc limit ${page.limit}) r
    left join reference_key k on k.originator = r.originator and k.id = r.id and r.state <> all(${[...closedStates]}::text[])
    left join reference_revision v on v.originator = r.originator and v.id = r.id and v.revision = r.revision
      and k.wrapped is not null
    order by r.position desc`.execute(trx);
  return rows;
}
