import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';

interface Name {
  readonly originator: string;
  readonly id: string;
}

/** What became of the requests for clearance of one reference. */
export interface ClearanceFact {
  readonly askedAt: Date;
  readonly answeredAt: Date | null;
  /** When the content was gone before an answer came. */
  readonly goneAt: Date | null;
}

/** Keeps what became of the requests for clearance of a reference, as its log says it now; undefined: there was none after all. */
export async function saveClearance(
  trx: Trx,
  { originator, id }: Name,
  fact: ClearanceFact | undefined,
): Promise<void> {
  if (fact === undefined) {
    await sql`
      delete from case_clearance where originator = ${originator} and reference_id = ${id}::uuid`.execute(trx);
    return;
  }
  await sql`
    insert into case_clearance (originator, reference_id, asked_at, answered_at, gone_at)
    values (${originator}, ${id}::uuid, ${fact.askedAt}, ${fact.answeredAt}, ${fact.goneAt})
    on conflict (originator, reference_id) do update set
      asked_at = excluded.asked_at, answered_at = excluded.answered_at, gone_at = excluded.gone_at`.execute(trx);
}

/** How many references clearance was first asked for in a time, and what became of them. */
export interface ClearanceCounts {
  readonly asked: number;
  readonly answered: number;
  /** Of those asked, how many were gone before an answer came. */
  readonly goneBefore: number;
}

/** Counts the references for which clearance was first asked from `since` on and before `until`, erased ones too. */
export async function countClearances(db: Database, since: Date, until: Date): Promise<ClearanceCounts> {
  const { rows } = await sql<ClearanceCounts>`
    select count(*)::int as asked, count(answered_at)::int as answered, count(gone_at)::int as "goneBefore"
    from case_clearance where asked_at >= ${since} and asked_at < ${until}`.execute(db);
  return rows[0] ?? { asked: 0, answered: 0, goneBefore: 0 };
}
