import { sql } from 'kysely';
import { perhapsKnown, reachedByNow } from './may-hold.ts';
import type { Database, Trx } from './open.ts';
import { codeKept } from './overdue.ts';
import type { DeliveryTable } from './tables.ts';
import { SEND_LIMIT } from './traffic.ts';

/** What a person decides on when a message is to be tried again or given up. */
export type Letter = Pick<
  DeliveryTable,
  | 'id'
  | 'partner'
  | 'jti'
  | 'event'
  | 'originator'
  | 'reference_id'
  | 'state'
  | 'epoch'
  | 'n'
  | 'body'
  | 'plain'
  | 'digest'
  | 'lease_until'
  | 'sent_at'
>;

const columns = [
  'id',
  'partner',
  'jti',
  'event',
  'originator',
  'reference_id',
  'state',
  'epoch',
  'n',
  'body',
  'plain',
  'digest',
  'lease_until',
  'sent_at',
] as const;

/** A delivery that is locked until its transaction ends. */
export interface LockedLetter extends Letter {
  /** The partner has the reference that it carries, or what it says of one, or may have. */
  readonly perhaps_there: boolean;
}

/** One delivery, locked until the transaction ends. */
export function lockLetter(trx: Trx, id: string): Promise<LockedLetter | undefined> {
  return trx
    .selectFrom('delivery')
    .select([...columns, perhapsKnown('delivery').as('perhaps_there')])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
}

/** Deliveries of one partner in one state above a position, in the order of the outbox, locked until the transaction ends. */
export function lockLetters(
  trx: Trx,
  { partner, state, after }: { partner: string; state: 'dead' | 'overdue'; after: number },
  limit: number,
): Promise<(Letter & { position: number })[]> {
  return trx
    .selectFrom('delivery')
    .select([...columns, 'position'])
    .where('partner', '=', partner)
    .where('state', '=', state)
    .where('position', '>', after)
    .orderBy('position')
    .limit(limit)
    .forUpdate()
    .execute();
}

/** Puts deliveries back to the front of the outbox; the time that they are tried begins anew. */
export async function requeue(trx: Trx, ids: readonly string[], at: Date): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    update delivery set state = 'queued', next_at = ${at}, reached = ${reachedByNow}, lease = null, lease_until = null, last_code = ${codeKept},
      reissued_at = null, retried_at = ${at}
    where id = any(${[...ids]}::uuid[])`.execute(trx);
}

/**
 * Lets what waits for a pause of its own go now, whatever its last answer was; what is under way is left alone. Gives how many; the
 * limits of our own policy stand.
 */
export async function hastenAll(trx: Trx, partner: string, at: Date): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update delivery set next_at = ${at}
    where partner = ${partner} and state = 'queued' and next_at > ${at} and last_code is distinct from ${SEND_LIMIT}
      and (lease_until is null or lease_until < ${at})`.execute(trx);
  return Number(numAffectedRows);
}

/**
 * Begins the time anew for which what waits for these partners is tried, as after a person's wish: while we kept it back
 * nobody tried it. Receipts and withdrawals went on meanwhile, and their time with them.
 */
export async function beginAnew(trx: Trx, partners: readonly string[], at: Date): Promise<void> {
  await sql`
    update delivery set retried_at = ${at}
    where partner = any(${[...partners]}::text[]) and state = 'queued' and event not in ('receipt', 'withdrawn')`.execute(
    trx,
  );
}

/** How many messages wait for a partner, and when the first of them is due. */
export async function waitingFor(db: Database, partner: string): Promise<{ count: number; due: Date | null }> {
  const { rows } = await sql<{ count: number; due: Date | null }>`
    select count(*)::int as count, min(next_at) as due from delivery
    where partner = ${partner} and state = 'queued'`.execute(db);
  return rows[0] ?? { count: 0, due: null };
}

/** Ends a delivery by a person's word; the reason stands where the last answer stood. */
export async function dropLetter(trx: Trx, id: string, reason: string): Promise<void> {
  await sql`
    update delivery set state = 'dropped', last_code = ${reason}, reached = ${reachedByNow}, lease = null,
      lease_until = null
    where id = ${id}::uuid`.execute(trx);
}

/** Whether messages for a partner are given up and still there to be looked at. */
export async function hasDead(db: Database, partner: string): Promise<boolean> {
  const row = await db
    .selectFrom('delivery')
    .select('id')
    .where('partner', '=', partner)
    .where('state', '=', 'dead')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
