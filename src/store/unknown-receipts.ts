import { type RawBuilder, sql } from 'kysely';
import { mayHold, SAID_THERE } from './may-hold.ts';
import type { Database, Trx } from './open.ts';
import { isClosed } from './recall.ts';
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
}

/** Receipts for unknown messages that nobody has looked at, oldest first. */
export async function unlookedReceipts(db: Database, limit: number): Promise<Unlooked[]> {
  const { rows } = await sql<Unlooked>`
    select u.partner, u.jti, u.answers, u.outcome, u.code, u.originator, u.reference_id, u.received_at,
      exists (select 1 from recovery v where v.partner = u.partner and v.at >= u.received_at) as explained,
      exists (select 1 from partner p join delivery d on d.partner = p.issuer and d.jti = u.answers
        where d.digest is not null) as misdirected
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

/** Since when a store runs whose witness could not be read and that nobody has looked at; null where there is none. */
const unwitnessedSince = sql<Date | null>`(
  select min(first_at) from alert where code = 'witness-unusable' and acknowledged_at is null)`;

/**
 * Lets the receipts of a partner be looked at once more, when a loss is vouched for: those that came to the store as it is now, and
 * not those that somebody may have planted in it before. Without a witness nobody can tell the two apart, and they are listed only.
 */
export async function lookAgain(trx: Trx, partner: string): Promise<void> {
  await sql`
    update unknown_receipt set looked_at = null
    where partner = ${partner} and not restricted and at >= ${unwitnessedSince}`.execute(trx);
}

const DAY = 86_400_000;
/** After its end a loss explains what a partner still says of it for this long. */
const LATE_MS = 7 * DAY;

/** The last instant that a store knew when it was put back (`v` is the recovery); null where nobody knows it. */
const restoredUntil = sql<Date | null>`(
  select e.at from event e where v.because = 'store-restored' and e.position < (
    select l.position from store_life l where l.began_at <= v.at order by l.position desc limit 1)
  order by e.position desc limit 1)`;

/**
 * Whether a receipt (`u`) from a partner (`p`) speaks of the time that a loss (`v`) took, and of a reference (`r`) that is older than
 * that loss, which is new and which our witness or operator vouches for. A condition.
 */
function isOfLostTime(at: Date): RawBuilder<boolean> {
  return sql<boolean>`(v.partner = u.partner and v.because in ('store-restored', 'operator')
    and v.at >= p.added_at and r.created_at <= v.at
    and (v.opened_at is null or v.resumed_at is null or v.at >= ${new Date(at.getTime() - LATE_MS)})
    and (u.at >= v.at or u.at >= ${unwitnessedSince})
    -- Partners' clocks differ, and a receipt knows whole seconds only.
    and u.received_at <= v.at
    and u.received_at >= coalesce(${restoredUntil}, '-infinity') - interval '5 minutes')`;
}

/** Outcomes of a withdrawal. */
const takenBack = sql.raw(`('sealed', 'purged', 'retained')`);

/**
 * Closes the own reference of which this receipt says that we took it back in the lost time: out of every face, nothing of it
 * leaves, nothing is erased, and what waits of it for others goes on waiting. A receipt is the partner's word alone, so that all else
 * has to agree: a loss of this partner that our witness or operator vouches for and that is new, a message of that time, and a
 * reference that is older than the loss and went to this very partner. Gives whether there was one to close.
 */
export async function closeOwn(
  trx: Trx,
  receipt: Pick<UnknownReceipt, 'partner' | 'jti'>,
  self: string,
  at: Date,
): Promise<boolean> {
  const { rows } = await sql`
    update reference r set veiled_state = r.state, state = 'sealed', updated_at = ${at}
    from unknown_receipt u join partner p on p.issuer = u.partner and p.state = 'active'
    where u.partner = ${receipt.partner} and u.jti = ${receipt.jti} and u.outcome in ${takenBack} and u.originator = ${self}
      and r.originator = u.originator and r.id = u.reference_id and r.direction = 'out'
      and r.state not in ('sealed', 'restricted', 'purged', 'expired')
      and exists (
        select 1 from recovery v where ${isOfLostTime(at)} and exists (
          select 1 from delivery d where d.partner = u.partner and d.originator = r.originator and d.reference_id = r.id
            and d.event in ('submitted', 'revised') and d.created_at <= v.at
            and (d.n is not null or d.last_code = 'state-lost')))
    returning r.id`.execute(trx);
  return rows.length > 0;
}

/** An own reference that a partner has by its receipt, and what became of it here. */
export interface SaidThere {
  readonly withdrawn_reason: string | null;
  /** It was to be erased, or is. */
  readonly purge: boolean;
  /** Effect of the stored decision. */
  readonly effect: string | null;
}

/**
 * Notes as sent, under the name that the receipt gives it, an own reference that this partner took in the lost time: whoever takes it
 * back later, or took it back meanwhile, knows then who has it. It counts as nothing else, since it is the partner's word alone:
 * it has no number and no bytes, and is younger than the loss. Undefined where nothing was learned.
 */
export async function noteSaidThere(
  trx: Trx,
  receipt: Pick<UnknownReceipt, 'partner' | 'jti'>,
  given: { readonly self: string; readonly id: string; readonly position: number; readonly at: Date },
): Promise<SaidThere | undefined> {
  const { self, id, position, at } = given;
  const { rows } = await sql<SaidThere>`
    with said as (
      select u.*, r.withdrawn_reason, r.state = 'purged' or r.purge_after is not null as purge
      from unknown_receipt u join partner p on p.issuer = u.partner and p.state <> 'removed'
      join reference r on r.originator = u.originator and r.id = u.reference_id and r.direction = 'out'
      where u.partner = ${receipt.partner} and u.jti = ${receipt.jti} and u.outcome in ('accepted', 'held')
        and u.originator = ${self} and exists (select 1 from recovery v where ${isOfLostTime(at)})
        and not exists (
          select 1 from delivery d where d.originator = u.originator and d.reference_id = u.reference_id and d.partner = u.partner
            and ${mayHold('d')})),
    noted as (
      insert into delivery (id, position, partner, jti, event, originator, reference_id, state, last_code, outcome, outcome_code,
        receipt_jti, next_at, created_at, sent_at, settled_at)
      select ${id}::uuid, ${position}::bigint, partner, answers, 'submitted', originator, reference_id, 'receipted', ${SAID_THERE},
        outcome, code, jti, ${at}::timestamptz, ${at}::timestamptz, received_at, ${at}::timestamptz from said
      on conflict (partner, jti) do nothing returning id)
    select s.withdrawn_reason, s.purge, x.effect from said s cross join noted
    left join decision x on x.originator = s.originator and x.id = s.reference_id and x.partner = s.partner
      and x.direction = 'out'`.execute(trx);
  return rows[0];
}

/**
 * Whether a delivery (`d`) has to wait because its reference was closed by `closeOwn`: until the operator shows it again, or
 * withdraws it and so ends it. A condition; asked row by row, since an "exists" may be answered by reading the whole table.
 */
export const waitsClosed: RawBuilder<boolean> = sql<boolean>`((d.event in ('submitted', 'revised') or d.statement is not null) and coalesce((
  select r.direction = 'out' and r.veiled_state is not null from reference r
  where r.originator = d.originator and r.id = d.reference_id), false))`;

/** Of these own references, those that are closed by `closeOwn`. */
export async function closedByReceipt(trx: Trx, self: string, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await sql<{ id: string }>`
    select id from reference where originator = ${self} and id = any(${[...ids]}::uuid[]) and direction = 'out'
      and veiled_state is not null`.execute(trx);
  return new Set(rows.map(({ id }) => id));
}

/**
 * Shows again what was closed by `closeOwn` on this partner's word and not withdrawn since, and forgets what it said of own references:
 * the operator has decided. `said` counts what it said of those that are open.
 */
export async function reopenOwn(
  trx: Trx,
  partner: string,
): Promise<{ names: { originator: string; id: string }[]; said: number }> {
  const { rows: names } = await sql<{ originator: string; id: string }>`
    update reference r set state = r.veiled_state, veiled_state = null
    where r.veiled_state is not null and r.direction = 'out' and exists (
      select 1 from unknown_receipt u where u.partner = ${partner} and u.restricted and u.originator = r.originator
        and u.reference_id = r.id)
    returning r.originator, r.id`.execute(trx);
  const { rows } = await sql<{ state: string }>`
    delete from unknown_receipt u using reference r
    where u.partner = ${partner} and u.outcome in ${takenBack} and u.looked_at is not null
      and r.originator = u.originator and r.id = u.reference_id and r.direction = 'out'
    returning r.state`.execute(trx);
  return { names, said: rows.filter(({ state }) => !isClosed(state)).length };
}

/** Forgets receipts from before an instant, and the oldest of a partner that has more than `most`; what closes something stays. */
export async function forgetUnknown(db: Database, before: Date, most: number): Promise<void> {
  await sql`
    delete from unknown_receipt u using (
      select partner, jti, row_number() over (partition by partner order by at desc, jti) as k from unknown_receipt) w
    where w.partner = u.partner and w.jti = u.jti and (u.at < ${before} or w.k > ${most}) and not (u.restricted and exists (
      select 1 from reference r where r.originator = u.originator and r.id = u.reference_id and r.veiled_state is not null))`.execute(
    db,
  );
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
  const claimed = await sql<{ id: string }>`
    select distinct r.id from unknown_receipt u join reference r on r.originator = u.originator and r.id = u.reference_id
    where u.partner = ${partner} and u.originator = ${self} and u.outcome in ${takenBack} and r.direction = 'out'
      and r.state not in ('sealed', 'restricted', 'purged', 'expired') order by r.id limit ${limit}`.execute(db);
  return {
    total: rows[0]?.total ?? 0,
    claimed: claimed.rows.map(({ id }) => id),
    closed: closed.rows.map(({ id }) => id),
    strange: strange.rows,
  };
}
