import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';
import type { SignedBytes } from './outbox.ts';
import { trueState } from './recovery.ts';

/** A signing key of ours that others had from an instant on. */
export interface KeyLoss {
  readonly kid: string;
  readonly since: Date;
}

/** Remembers that a key is published as lost, and when its deliveries are looked at again. */
export async function noteLoss(trx: Trx, { kid, since }: KeyLoss, at: Date, again: Date): Promise<void> {
  await sql`
    insert into key_loss (kid, since, told_at, look_at) values (${kid}, ${since}, ${at}, ${again})
    on conflict (kid) do update set since = least(key_loss.since, excluded.since), told_at = excluded.told_at, looks = 0,
      look_at = excluded.look_at`.execute(trx);
}

/** Losses whose deliveries are to be looked at again; the time of the look after that is set by who looks. */
export function lossesToLookAt(trx: Trx, now: Date) {
  const query = trx.selectFrom('key_loss').selectAll().where('look_at', '<=', now).orderBy('kid');
  return query.forUpdate().skipLocked().execute();
}

export async function setLook(trx: Trx, kid: string, looks: number, lookAt: Date | null): Promise<void> {
  await trx.updateTable('key_loss').set({ looks, look_at: lookAt }).where('kid', '=', kid).execute();
}

/**
 * Owes the attestation of everything that a lost key signed and a partner took since: to who took it then, not to who was
 * introduced under its name later; of a reference only what it says now, and nothing of one that was taken back. What is
 * owed already is due at once.
 * @returns how many are owed by this look
 */
export async function oweAttestations(
  trx: Trx,
  { kid, since }: KeyLoss,
  owing: { readonly horizon: Date; readonly at: Date; readonly partner?: string | undefined },
): Promise<number> {
  const { horizon, at, partner } = owing;
  const whose = partner === undefined ? sql`` : sql`and d.partner = ${partner}`;
  const { rows } = await sql<{ n: number }>`
    with owed as (
      insert into attestation (delivery, partner, kid, state, next_at)
      select d.id, d.partner, d.kid, 'owed', ${at} from delivery d
      join partner p on p.issuer = d.partner and p.state <> 'removed' and p.added_at <= d.sent_at
      where d.kid = ${kid} and d.sent_at is not null and greatest(d.sent_at, d.reissued_at) >= ${since} ${whose}
        and d.created_at > ${horizon} and (d.body is not null or d.plain is not null)
        and (d.event not in ('submitted', 'revised') or exists (
          select 1 from reference r where r.originator = d.originator and r.id = d.reference_id
            and r.revision = d.revision and r.state not in ('sealed', 'restricted', 'purged', 'expired')))
        and (d.statement is null or exists (
          select 1 from reference r where r.originator = d.originator and r.id = d.reference_id
            and ${trueState} not in ('sealed', 'restricted', 'purged', 'expired')))
      on conflict (delivery) do update set kid = excluded.kid, state = 'owed', code = null, attempts = 0,
        next_at = excluded.next_at, settled_at = null
        where attestation.state = 'owed' or attestation.kid <> excluded.kid
      returning 1)
    select count(*)::int as n from owed`.execute(trx);
  return rows[0]?.n ?? 0;
}

/** A message that is owed, with its bytes as they were signed. */
export interface Owed {
  readonly delivery: string;
  readonly partner: string;
  readonly kid: string;
  readonly attempts: number;
  readonly event: string;
  readonly originator: string | null;
  readonly reference_id: string | null;
  readonly body: Buffer | null;
  readonly plain: string | null;
  readonly wrapped: Buffer | null;
}

/** Takes attestations that are due, under a lease. */
export async function claimOwed(
  trx: Trx,
  claim: { readonly now: Date; readonly lease: string; readonly leaseUntil: Date; readonly limit: number },
): Promise<Owed[]> {
  const { rows } = await sql<Owed>`
    with due as (
      select a.delivery from attestation a where a.state = 'owed' and a.next_at <= ${claim.now}
        and (a.lease_until is null or a.lease_until < ${claim.now})
      order by a.next_at limit ${claim.limit} for update skip locked),
    taken as (
      update attestation a set lease = ${claim.lease}::uuid, lease_until = ${claim.leaseUntil}, attempts = a.attempts + 1
      from due where a.delivery = due.delivery returning a.delivery, a.partner, a.kid, a.attempts)
    select t.*, d.event, d.originator, d.reference_id, d.body, d.plain, k.wrapped from taken t
    join delivery d on d.id = t.delivery
    left join reference_key k on d.body is not null and k.originator = d.originator and k.id = d.reference_id
    order by d.priority, d.position`.execute(trx);
  return rows;
}

/** Ends an attestation, or puts it off. */
export async function settleOwed(
  db: Database,
  owed: { readonly delivery: string; readonly lease: string },
  end: { readonly state: 'done' | 'never' | 'owed'; readonly code: string | null; readonly at: Date },
): Promise<void> {
  await sql`
    update attestation set state = ${end.state}, code = ${end.code}, lease = null, lease_until = null,
      next_at = ${end.at}, settled_at = ${end.state === 'owed' ? null : end.at}
    where delivery = ${owed.delivery}::uuid and lease = ${owed.lease}::uuid`.execute(db);
}

/** Puts the newly signed bytes in the place of those of the lost key; receipts may still name the digest of before. */
export async function replaceBytes(db: Database, lost: string, signed: SignedBytes, at: Date): Promise<void> {
  const body = signed.body ? Buffer.from(signed.body) : null;
  await sql`
    update delivery set body = ${body}, plain = ${signed.plain}, kid = ${signed.kid}, reissued_at = ${at},
      former_digests = array_append(coalesce(former_digests, '{}'), digest), digest = ${signed.digest}
    where id = ${signed.id}::uuid and kid = ${lost}`.execute(db);
}

/** How many messages are still to be said again. */
export async function countOwed(db: Database): Promise<number> {
  const row = await db
    .selectFrom('attestation')
    .select((s) => s.fn.countAll<number>().as('n'))
    .where('state', '=', 'owed')
    .executeTakeFirst();
  return Number(row?.n ?? 0);
}
