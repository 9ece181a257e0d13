import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';
import type { UnknownReceiptTable } from './recovery-tables.ts';

/** A receipt, properly signed, for a message that this store does not know. */
export type UnknownReceipt = Omit<UnknownReceiptTable, 'at' | 'looked_at' | 'restricted'>;

/**
 * Keeps receipts for unknown messages. Gives, as "partner jti", those that a loss explains which was noted since their message
 * was taken: nobody has to be told of these.
 */
export async function noteUnknownReceipts(
  trx: Trx,
  receipts: readonly UnknownReceipt[],
  at: Date,
): Promise<Set<string>> {
  if (receipts.length === 0) return new Set();
  const one = [...new Map(receipts.map((receipt) => [`${receipt.partner} ${receipt.jti}`, receipt])).values()];
  const rows = one.map((receipt) => ({ ...receipt, at, restricted: false }));
  await sql`
    insert into unknown_receipt select * from jsonb_populate_recordset(null::unknown_receipt, ${JSON.stringify(rows)}::jsonb)
    on conflict do nothing`.execute(trx);
  const { rows: explained } = await sql<{ name: string }>`
    select w.partner || ' ' || w.jti as name
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as w (partner text, jti text, received_at timestamptz)
    where exists (select 1 from recovery v where v.partner = w.partner and v.at >= w.received_at)`.execute(trx);
  return new Set(explained.map(({ name }) => name));
}

/** One that nobody has looked at yet, and what may explain it. */
export interface Unlooked extends UnknownReceipt {
  /** A loss was noted after its message was taken there. */
  readonly explained: boolean;
  /** The message went to somebody else: the partner has no business with it, and we have lost nothing. */
  readonly misdirected: boolean;
  /** A loss was noted that our own witness or operator vouches for. */
  readonly vouched: boolean;
}

/** Receipts for unknown messages that nobody has looked at, oldest first. */
export async function unlookedReceipts(db: Database, limit: number): Promise<Unlooked[]> {
  const { rows } = await sql<Unlooked>`
    select u.partner, u.jti, u.answers, u.outcome, u.code, u.originator, u.reference_id, u.received_at,
      exists (select 1 from recovery v where v.partner = u.partner and v.at >= u.received_at) as explained,
      exists (select 1 from partner p join delivery d on d.partner = p.issuer and d.jti = u.answers
        where d.digest is not null) as misdirected,
      exists (select 1 from recovery v where v.partner = u.partner and v.because in ('store-restored', 'operator')) as vouched
    from unknown_receipt u where u.looked_at is null order by u.at, u.partner, u.jti limit ${limit}`.execute(db);
  return rows;
}

export async function markLooked(
  trx: Trx,
  { partner, jti }: Pick<UnknownReceipt, 'partner' | 'jti'>,
  at: Date,
  restricted: boolean,
): Promise<void> {
  await trx
    .updateTable('unknown_receipt')
    .set({ looked_at: at, restricted })
    .where('partner', '=', partner)
    .where('jti', '=', jti)
    .execute();
}

/** Lets the receipts of a partner be looked at once more: a loss that is vouched for gives them another meaning. */
export async function lookAgain(trx: Trx, partner: string): Promise<void> {
  await trx
    .updateTable('unknown_receipt')
    .set({ looked_at: null })
    .where('partner', '=', partner)
    .where('restricted', '=', false)
    .execute();
}

/**
 * Closes an own reference that somebody says we took back in the lost time: out of every face, nothing of it leaves, and nothing
 * is erased. Gives whether there was one to close.
 */
export async function closeOwn(trx: Trx, name: { originator: string; id: string }, at: Date): Promise<boolean> {
  const { rows } = await sql`
    update reference set veiled_state = state, state = 'sealed', updated_at = ${at}
    where originator = ${name.originator} and id = ${name.id}::uuid and direction = 'out'
      and state not in ('sealed', 'restricted', 'purged', 'expired') returning id`.execute(trx);
  return rows.length > 0;
}

/** Shows again what was closed by `closeOwn` on this partner's word and not withdrawn since. */
export async function reopenOwn(trx: Trx, partner: string): Promise<{ originator: string; id: string }[]> {
  const { rows } = await sql<{ originator: string; id: string }>`
    update reference r set state = r.veiled_state, veiled_state = null
    where r.veiled_state is not null and r.direction = 'out' and exists (
      select 1 from unknown_receipt u where u.partner = ${partner} and u.restricted and u.originator = r.originator
        and u.reference_id = r.id)
    returning r.originator, r.id`.execute(trx);
  await trx
    .updateTable('unknown_receipt')
    .set({ restricted: false })
    .where('partner', '=', partner)
    .where('restricted', '=', true)
    .execute();
  return rows;
}

/** What a partner says of messages that this store does not know. */
export async function unknownOf(db: Database, self: string, partner: string, limit: number) {
  const { rows } = await sql<{ total: number }>`
    select count(*)::int as total from unknown_receipt where partner = ${partner}`.execute(db);
  const closed = await sql<{ id: string }>`
    select distinct r.id from unknown_receipt u join reference r on r.originator = u.originator and r.id = u.reference_id
    where u.partner = ${partner} and u.restricted and r.veiled_state is not null order by r.id limit ${limit}`.execute(
    db,
  );
  const strange = await sql<{ id: string; outcome: string; at: Date }>`
    select distinct on (u.reference_id) u.reference_id as id, u.outcome, u.received_at as at
    from unknown_receipt u left join reference r on r.originator = u.originator and r.id = u.reference_id
    where u.partner = ${partner} and u.originator = ${self} and u.reference_id is not null and r.id is null
    order by u.reference_id, u.received_at desc limit ${limit}`.execute(db);
  return { total: rows[0]?.total ?? 0, closed: closed.rows.map(({ id }) => id), strange: strange.rows };
}
