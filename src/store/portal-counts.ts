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

const month = sql`date_trunc('month', e.created_at, 'UTC')`;
const day = sql`date_trunc('day', e.created_at, 'UTC')`;

const groupings = {
  day,
  month,
  category: sql`e.category`,
  hosting: sql`left(e.hosting, 2)`,
  state: sql`e.state`,
  urgency: sql`e.urgency`,
  originator: sql`e.originator`,
} as const;

/** As they are told: an instant is written once for each group, not for each row. */
const columns = {
  ...groupings,
  day: sql`to_char(${day} at time zone 'UTC', 'YYYY-MM-DD')`,
  month: sql`to_char(${month} at time zone 'UTC', 'YYYY-MM')`,
} as const;

type Row<By extends CountedBy> = { readonly [Name in By]: string | null } & { readonly n: number };

/**
 * Counts references of a scope that came since an instant, by each of these, the most frequent first; one that stands under two places counts
 * once. Read in one go, whatever is counted: a year of a busy nation is hundreds of thousands of rows.
 */
export async function countPortal<By extends CountedBy>(
  trx: Trx,
  scope: readonly ScopePlace[],
  by: readonly By[],
  { since, now }: { readonly since: Date; readonly now: Date },
): Promise<Record<By, PortalCount[]>> {
  const rows = scope.length === 0 ? [] : await groups(trx, scope, by, { since, now });
  return Object.fromEntries(by.map((member) => [member, folded(rows, member)])) as Record<By, PortalCount[]>;
}

async function groups<By extends CountedBy>(
  trx: Trx,
  scope: readonly ScopePlace[],
  by: readonly By[],
  { since, now }: { readonly since: Date; readonly now: Date },
): Promise<readonly Row<By>[]> {
  const once = scope.length === 1 ? sql`` : sql`distinct on (e.position)`;
  const named = sql.join(by.map((member) => sql`${columns[member]} as ${sql.ref(member)}`));
  const grouped = sql.join(by.map((member) => groupings[member]));
  const { rows } = await sql<Row<By>>`
    select ${named}, count(*)::int as n from (
      select ${once} e.* from ${scopeRows(scope)} join portal_place e on e.place = w.place
      where e.created_at >= ${since} and (e.expires_at is null or e.expires_at > ${now})) e
    group by ${grouped}`.execute(trx);
  return rows;
}

function folded<By extends CountedBy>(rows: readonly Row<By>[], member: By): PortalCount[] {
  const sums = new Map<string | null, number>();
  for (const row of rows) sums.set(row[member], (sums.get(row[member]) ?? 0) + row.n);
  const counts = [...sums].map(([code, n]) => ({ code, n }));
  return counts.sort((a, b) => b.n - a.n || ((a.code ?? '') < (b.code ?? '') ? -1 : 1));
}
