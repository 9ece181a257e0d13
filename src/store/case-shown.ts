import { sql } from 'kysely';
import { isTold } from './may-hold.ts';
import type { Database } from './open.ts';

interface Name {
  readonly originator: string;
  readonly id: string;
}

/** A partner that was sent an own reference, and when it first took it. */
export interface Sent {
  readonly partner: string;
  readonly sent_at: Date;
}

/** When each partner first took an own reference, the earliest first. */
export async function sendings(db: Database, { originator, id }: Name): Promise<Sent[]> {
  const { rows } = await sql<Sent>`
    select d.partner, min(d.sent_at) as sent_at from delivery d
    where d.originator = ${originator} and d.reference_id = ${id}::uuid and d.sent_at is not null and ${isTold('d')}
    group by d.partner order by 2, 1`.execute(db);
  return rows;
}
