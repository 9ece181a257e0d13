import { type RawBuilder, sql } from 'kysely';
import type { Database } from './open.ts';

// What ends before it was answered may have arrived all the same: the partner read it and its answer was lost. A row that is
// given up is therefore no proof that nobody has what it said.

/**
 * SQL over a delivery whose lease is taken away: signed bytes under a lease may be on their way at this moment, and whoever
 * sends them can no longer write down what came of it.
 */
export const reachedByNow = sql<boolean>`(reached or (lease is not null and digest is not null))`;

/**
 * SQL over a delivery: its signed bytes may be on their way at this moment, and whoever sends them will write down what came of
 * it; or a partner that polls has been given them and will say so. Who was killed is waited for until the lease has run out.
 */
export function isUnderWay(now: Date): RawBuilder<boolean> {
  return sql<boolean>`(lease is not null and digest is not null and lease_until >= ${now})`;
}

function carries(alias: string): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(`${alias}.event`)} in ('submitted', 'revised')`;
}

/** SQL over a delivery: it may have arrived, whatever became of it here. */
function perhapsArrived(alias: string): RawBuilder<boolean> {
  const d = (column: string) => sql.ref(`${alias}.${column}`);
  // What waited when state was lost may have left in the time that nobody here remembers.
  return sql<boolean>`(${d('sent_at')} is not null or ${d('reached')}
    or ${d('last_code')} = 'state-lost' or (${d('lease')} is not null and ${d('digest')} is not null))`;
}

/** SQL over a delivery: its partner has the reference that it carries or may have it, whatever became of the message here. */
export function perhapsThere(alias: string): RawBuilder<boolean> {
  return sql<boolean>`(${carries(alias)} and ${perhapsArrived(alias)})`;
}

/** The same for what is said about a reference: whoever may know it is not told that it never came. */
export function perhapsKnown(alias: string): RawBuilder<boolean> {
  return sql<boolean>`((${carries(alias)} or ${sql.ref(`${alias}.statement`)} is not null) and ${perhapsArrived(alias)})`;
}

/** Stands beside what nobody here remembers to have sent, and of which its partner says that it took it. */
export const SAID_THERE = 'said-there';

/** SQL over a delivery: it left, or may have left in a time that nobody here remembers. */
export function leftEver(alias: string): RawBuilder<boolean> {
  return sql<boolean>`(${sql.ref(`${alias}.n`)} is not null or ${sql.ref(`${alias}.last_code`)} in ('state-lost', ${SAID_THERE}))`;
}

/** SQL over a delivery: its partner has what it carries, may have it or is about to get it. */
export function isTold(alias: string): RawBuilder<boolean> {
  return sql<boolean>`(${carries(alias)} and (${sql.ref(`${alias}.state`)} <> 'dropped' or ${perhapsThere(alias)}))`;
}

/**
 * SQL over a delivery: what it carries left for its partner, or may have, and the partner refused it by every word that it
 * signed: one that was put back to an older state may take later what it refused before.
 */
export function mayHold(alias: string): RawBuilder<boolean> {
  const d = (column: string) => sql.ref(`${alias}.${column}`);
  return sql<boolean>`(${isTold(alias)} and ${leftEver(alias)}
    and (${d('outcome')} is distinct from 'refused' or ${d('contradicted')}))`;
}

/** Partners that were told of a reference, may have been or are about to be. */
export async function partnersTold(db: Database, name: { originator: string; id: string }): Promise<string[]> {
  const { rows } = await sql<{ partner: string }>`
    select distinct d.partner from delivery d
    where d.originator = ${name.originator} and d.reference_id = ${name.id}::uuid and ${isTold('d')}`.execute(db);
  return rows.map((row) => row.partner);
}

type Pair = { readonly id: string; readonly partner: string };

async function pairsWith(
  db: Database,
  originator: string,
  pairs: readonly Pair[],
  which: RawBuilder<boolean>,
): Promise<Set<string>> {
  if (pairs.length === 0) return new Set();
  const wanted = JSON.stringify(pairs.map(({ id, partner }) => ({ id, partner })));
  const { rows } = await sql<{ pair: string }>`
    select distinct w.id || ' ' || w.partner as pair from jsonb_to_recordset(${wanted}::jsonb) as w (id uuid, partner text)
    join delivery d on d.originator = ${originator} and d.reference_id = w.id and d.partner = w.partner
    where ${which}`.execute(db);
  return new Set(rows.map(({ pair }) => pair));
}

/** Which of these (reference, partner) pairs were told, may have been or are about to be, as `id partner`. */
export function toldPairs(db: Database, originator: string, pairs: readonly Pair[]): Promise<Set<string>> {
  return pairsWith(db, originator, pairs, isTold('d'));
}

/**
 * Which of these (reference, partner) pairs the partner has or may have, as `id partner`: something arrived, or may have, and
 * nothing that still stands asked for it back since.
 */
export function perhapsHeld(db: Database, originator: string, pairs: readonly Pair[]): Promise<Set<string>> {
  return pairsWith(
    db,
    originator,
    pairs,
    sql<boolean>`${perhapsThere('d')} and ${mayHold('d')} and ${notAskedBack('d')}`,
  );
}

/** SQL over a delivery that is a withdrawal: it asks and was not refused, as far as its partner is to be believed. */
export function standsAsked(alias: string): RawBuilder<boolean> {
  const w = (column: string) => sql.ref(`${alias}.${column}`);
  return sql<boolean>`(${w('state')} not in ('dead', 'dropped') and ${w('outcome')} is distinct from 'refused'
    and not ${w('contradicted')})`;
}

/** SQL over a delivery: no withdrawal that came after it still stands. */
export function notAskedBack(alias: string): RawBuilder<boolean> {
  const d = (column: string) => sql.ref(`${alias}.${column}`);
  return sql<boolean>`not exists (
    select 1 from delivery w where w.originator = ${d('originator')} and w.reference_id = ${d('reference_id')}
      and w.partner = ${d('partner')} and w.event = 'withdrawn' and w.position > ${d('position')}
      and ${standsAsked('w')})`;
}

/**
 * After a loss of state nobody knows what became of signed bytes in the time that was lost: the partner may have all of what
 * waits here.
 */
export async function doubtSigned(db: Database, partner: string): Promise<void> {
  await sql`
    update delivery set reached = true
    where partner = ${partner} and state = 'queued' and digest is not null and not reached`.execute(db);
}
