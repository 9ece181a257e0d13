import { sql } from 'kysely';
import type { Trx } from './open.ts';
import { type ScopePlace, scopeRows } from './portal-search.ts';

/** How many references came under a scope, by one member of what is stored in the clear. */
export interface PortalCount {
  readonly code: string | null;
  readonly n: number;
}

/** By what arrivals are counted: never by anything about a person. */
export type CountedBy = 'day' | 'month' | 'category' | 'hosting' | 'state' | 'urgency' | 'originator';

const columns = {
  day: sql`to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD')`,
  month: sql`to_char(e.created_at at time zone 'UTC', 'YYYY-MM')`,
  category: sql`e.category`,
  hosting: sql`left(e.hosting, 2)`,
  state: sql`e.state`,
  urgency: sql`e.urgency`,
  originator: sql`e.originator`,
} as const;

/** Counts references of a scope that came since an instant; one that stands under two places counts once. */
export async function countPortal(
  trx: Trx,
  scope: readonly ScopePlace[],
  by: CountedBy,
  { since, now }: { readonly since: Date; readonly now: Date },
): Promise<PortalCount[]> {
  if (scope.length === 0) return [];
  const { rows } = await sql<PortalCount>`
    select ${columns[by]} as code, count(distinct e.position)::int as n
    from ${scopeRows(scope)} join portal_place e on e.place = w.place and (w.home or e.reach = 'concerned')
    where e.created_at >= ${since} and (e.expires_at is null or e.expires_at > ${now})
    group by 1 order by 2 desc, 1 limit 400`.execute(trx);
  return rows;
}
