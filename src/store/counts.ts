import { sql } from 'kysely';
import type { Database } from './open.ts';
import type { DeliveryState } from './tables.ts';
import type { PartnerTable } from './trust-tables.ts';

/** How many of our messages are in each of these states; our receipts count too, since they wait for delivery like the rest. */
export async function countDeliveries(
  db: Database,
  states: readonly DeliveryState[],
): Promise<Map<DeliveryState, number>> {
  // One by one and by name: each of them then has an index that leaves out what was delivered, which only grows.
  const counted = states.map((state) => {
    const name = sql.lit(state);
    return sql`select ${name} as state, count(*)::int as n from delivery where state = ${name}`;
  });
  const { rows } = await sql<{ state: DeliveryState; n: number }>`${sql.join(counted, sql` union all `)}`.execute(db);
  return new Map(rows.map(({ state, n }) => [state, n]));
}

/** How many partners are in each state. */
export async function countPartners(db: Database): Promise<Map<PartnerTable['state'], number>> {
  const { rows } = await sql<{ state: PartnerTable['state']; n: number }>`
    select state, count(*)::int as n from partner group by state`.execute(db);
  return new Map(rows.map(({ state, n }) => [state, n]));
}

/** True when the store answers. */
export async function answers(db: Database): Promise<boolean> {
  const { rows } = await sql<{ one: number }>`select 1 as one`.execute(db);
  return rows[0]?.one === 1;
}

/** How many decisions stand for each partner, direction, effect and rule. */
export async function tallyDecisions(db: Database) {
  const { rows } = await sql<{ partner: string; direction: 'in' | 'out'; effect: string; rule: string; n: number }>`
    select partner, direction, effect, rule, count(*)::int as n from decision
    group by partner, direction, effect, rule order by partner, direction, n desc, rule`.execute(db);
  return rows;
}

/** How many messages stand in each state for each partner, with what their receipts said; our own receipts left out. */
export async function tallyDeliveries(db: Database) {
  const { rows } = await sql<{ partner: string; state: DeliveryState; outcome: string | null; n: number }>`
    select partner, state, outcome, count(*)::int as n from delivery where event <> 'receipt'
    group by partner, state, outcome order by partner, state, outcome`.execute(db);
  return rows;
}
