import { sql } from 'kysely';
import type { Database } from './open.ts';

/**
 * Partners whose references are closed, or to whom references wait, since state was lost, while no alert that says so is open or was
 * closed since an instant: with the epoch of the newest loss.
 */
export async function untoldLosses(
  db: Database,
  since: Date,
  limit: number,
): Promise<{ partner: string; subject: string }[]> {
  const { rows } = await sql<{ partner: string; subject: string }>`
    select distinct on (v.partner) v.partner, v.epoch::text as subject from recovery v
    join partner p on p.issuer = v.partner and p.state in ('active', 'suspended')
    where (v.opened_at is null or v.resumed_at is null) and not exists (
      select 1 from alert a where a.code = 'state-lost' and a.partner = v.partner
        and (a.acknowledged_at is null or a.acknowledged_at > ${since}))
    order by v.partner, v.at desc limit ${limit}`.execute(db);
  return rows;
}
