import { sql } from 'kysely';
import { mayHold, perhapsThere, reachedByNow } from './may-hold.ts';
import type { Trx } from './open.ts';
import type { Unsent } from './recall.ts';

const REMOVED = 'partner-removed';

/** Own references that a partner holds: told, not refused by it, and not given back by a withdrawal that it settled. */
export async function heldByPartner(trx: Trx, self: string, partner: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(distinct d.reference_id)::int as n from delivery d
    where d.partner = ${partner} and d.originator = ${self} and ${mayHold('d')}
      and (d.state <> 'queued' or ${perhapsThere('d')})
      and not exists (
        select 1 from delivery w where w.partner = d.partner and w.originator = d.originator
          and w.reference_id = d.reference_id and w.event = 'withdrawn' and w.position > d.position
          and w.outcome in ('sealed', 'purged', 'retained') and not w.contradicted)`.execute(trx);
  return rows[0]?.n ?? 0;
}

/** Withdrawals that a partner has not answered for good, oldest first. */
export function owedWithdrawals(trx: Trx, partner: string) {
  return trx
    .selectFrom('delivery')
    .select(['reference_id', 'jti', 'state', 'created_at'])
    .where('partner', '=', partner)
    .where('event', '=', 'withdrawn')
    .where((where) =>
      where.or([where('state', 'in', ['queued', 'sent', 'overdue', 'dead']), where('outcome', '=', 'held')]),
    )
    .orderBy('position')
    .execute();
}

/**
 * Ends everything that waits for a partner, what is under way included; gives how many they were. What it took before and
 * wanted once more stays the evidence that it was.
 */
export async function endDeliveries(trx: Trx, partner: string): Promise<number> {
  const { rows } = await sql`
    update delivery set reached = ${reachedByNow}, lease = null, lease_until = null,
      state = case when sent_at is null then 'dropped' when outcome is null then 'sent' else 'receipted' end,
      last_code = case when sent_at is null then ${REMOVED} else last_code end
    where partner = ${partner} and state = 'queued' returning id`.execute(trx);
  // What was to be said again is owed to who took it, not to who is introduced under its name later.
  await sql`
    update attestation set state = 'never', code = ${REMOVED}, lease = null, lease_until = null
    where partner = ${partner} and state = 'owed'`.execute(trx);
  return rows.length;
}

/** What was dropped at a removal with a number; each is given once. */
export async function takeDropped(trx: Trx, partner: string): Promise<Unsent[]> {
  const { rows } = await sql<Unsent>`
    update delivery set last_code = 'dropped'
    where partner = ${partner} and state = 'dropped' and last_code = ${REMOVED} and n is not null
    returning id, partner, epoch, n`.execute(trx);
  return rows;
}

/** No policy of a partner outlives it: whoever introduces it anew decides anew. */
export async function endPolicies(trx: Trx, partner: string): Promise<void> {
  await trx
    .updateTable('policy')
    .set({ state: 'superseded' })
    .where('partner', '=', partner)
    .where('state', '<>', 'superseded')
    .execute();
}
