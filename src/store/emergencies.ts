import { type RawBuilder, sql } from 'kysely';
import type { Database } from './open.ts';

export interface Emergency {
  readonly partner: string;
  readonly originator: string;
  readonly id: string;
}

/** Of these deliveries, those that carry an emergency. */
export async function emergenciesAmong(db: Database, deliveries: readonly string[]): Promise<Emergency[]> {
  if (deliveries.length === 0) return [];
  const { rows } = await sql<Emergency>`
    select distinct d.partner, r.originator, r.id from delivery d
    join reference r on r.originator = d.originator and r.id = d.reference_id
    where d.id = any(${[...deliveries]}::uuid[]) and d.event in ('submitted', 'revised') and r.urgency = 'emergency'`.execute(
    db,
  );
  return rows;
}

/** Emergencies made after `from` that were queued before `since` and have not left. */
export async function emergenciesWaiting(db: Database, from: Date, since: Date, limit: number): Promise<Emergency[]> {
  const { rows } = await sql<Emergency>`
    select distinct d.partner, r.originator, r.id from reference r
    join delivery d on d.originator = r.originator and d.reference_id = r.id
    where r.urgency = 'emergency' and r.direction = 'out' and r.emergency_at > ${from}
      and d.state = 'queued' and d.event in ('submitted', 'revised') and d.created_at < ${since} and d.sent_at is null
    limit ${limit}`.execute(db);
  return rows;
}

/** Nobody of this organisation has said that a person has it, since it is an emergency. */
const unacknowledged = (by: RawBuilder<unknown>) => sql`not exists (
  select 1 from case_statement s where s.originator = r.originator and s.reference_id = r.id and s.event = 'acknowledged'
    and s.state = 'taken' and s.speaker = ${by} and s.received_at >= r.emergency_at)`;

/**
 * Emergencies that somebody took between `from` and `until`: ours that a partner has, and partners' that are open here.
 * Only a person's `acknowledged` stops the timer: what is gone from the net leaves a child where it is.
 */
export async function emergenciesTaken(db: Database, from: Date, until: Date, limit: number): Promise<Emergency[]> {
  const { rows } = await sql<Emergency>`
    select distinct d.partner, r.originator, r.id from reference r
    join delivery d on d.originator = r.originator and d.reference_id = r.id
    where r.urgency = 'emergency' and r.direction = 'out' and r.emergency_at > ${from} and r.state <> 'purged'
      and d.event in ('submitted', 'revised') and greatest(d.sent_at, r.emergency_at) <= ${until} and d.sent_at is not null and ${unacknowledged(sql`d.partner`)}
    union
    select r.originator as partner, r.originator, r.id from reference r
    where r.urgency = 'emergency' and r.direction = 'in' and r.emergency_at > ${from} and r.emergency_at <= ${until}
      and r.state in ('open', 'on-hold', 'unplaced', 'removed', 'unavailable') and ${unacknowledged(sql`(select issuer from node)`)}
    limit ${limit}`.execute(db);
  return rows;
}

/** Since when a reference is an emergency; undefined where it is none. */
export async function emergencySince(
  db: Database,
  { originator, id }: { readonly originator: string; readonly id: string },
): Promise<Date | undefined> {
  const { rows } = await sql<{ at: Date | null }>`
    select emergency_at as at from reference where originator = ${originator} and id = ${id}::uuid`.execute(db);
  return rows[0]?.at ?? undefined;
}

/** References whose erasure was due before `since`, and withdrawals that a partner sealed before `asked` and has not erased. */
export async function purgesOverdue(db: Database, since: Date, asked: Date, limit: number) {
  const { rows } = await sql<{ partner: string | null; originator: string; id: string }>`
    select case when direction = 'in' then originator end as partner, originator, id from reference
    where (purge_after < ${since} or expires_at < ${since}) and (kept_until is null or kept_until < ${since})
    union all
    select partner, originator, reference_id as id from delivery
    where event = 'withdrawn' and state = 'receipted' and outcome = 'sealed' and settled_at < ${asked}
      and (payload->>'purge')::boolean
    limit ${limit}`.execute(db);
  return rows;
}
