import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';
import type { DeliveryTable } from './tables.ts';

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

/** One delivery, locked until the transaction ends. */
export function lockLetter(trx: Trx, id: string): Promise<Letter | undefined> {
  return trx.selectFrom('delivery').select(columns).where('id', '=', id).forUpdate().executeTakeFirst();
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
    update delivery set state = 'queued', next_at = ${at}, lease = null, lease_until = null, last_code = null,
      reissued_at = null, retried_at = ${at}
    where id = any(${[...ids]}::uuid[])`.execute(trx);
}

/** Ends a delivery by a person's word; the reason stands where the last answer stood. */
export async function dropLetter(trx: Trx, id: string, reason: string): Promise<void> {
  await sql`
    update delivery set state = 'dropped', last_code = ${reason}, lease = null, lease_until = null
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
