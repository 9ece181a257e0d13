import { sql } from 'kysely';
import type { Trx } from './open.ts';
import { type Found, type ScopePlace, scopeRows } from './portal-search.ts';

/**
 * References of a scope that are under a hold or wait for a clearance, those that change by themselves the soonest first. The time is the
 * earliest of several: what becomes of which then, the log says.
 */
export async function waitingCases(
  trx: Trx,
  scope: readonly ScopePlace[],
  { limit, now }: { readonly limit: number; readonly now: Date },
): Promise<Found[]> {
  if (scope.length === 0) return [];
  const { rows } = await sql<Found>`
    select r.position, r.originator, r.id from reference r
    join case_course c on c.originator = r.originator and c.reference_id = r.id
    where (r.case_held or r.case_clearance = 'open') and c.due_at is not null and exists (
      select 1 from ${scopeRows(scope)} join portal_place e on e.place = w.place
      where e.position = r.position and (e.expires_at is null or e.expires_at > ${now}))
    order by c.due_at, r.position limit ${limit}`.execute(trx);
  return rows;
}
