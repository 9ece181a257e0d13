import { sql } from 'kysely';
import type { Trx } from './open.ts';

/** Has the references looked at again that this partner placed holds on which wait for a limit: the limit may be another now. */
export async function wakeLimited(trx: Trx, partner: string, code: string, at: Date): Promise<void> {
  await sql`
    update case_course c set due_at = least(c.due_at, ${at}::timestamptz) from case_statement s
    where s.sender = ${partner} and s.state = 'held' and s.code = ${code}
      and c.originator = s.originator and c.reference_id = s.reference_id`.execute(trx);
}
