import { sql } from 'kysely';
import { waitsUntold } from './case-delivery.ts';
import { reachedByNow } from './may-hold.ts';
import type { Database } from './open.ts';
import type { Claimed } from './outbox.ts';
import { mayLeaveStopped, stopped } from './recovery.ts';
import { waitsClosed } from './unknown-receipts.ts';

/**
 * Takes a nonce for the one request that may carry it, in all processes, and notes where that is a poll that this partner
 * asked; false where it was taken before. One statement: nothing is noted of a request that comes twice.
 */
export async function takeNonce(
  db: Database,
  { issuer, nonce, forgetAt, at, isPoll }: { issuer: string; nonce: string; forgetAt: Date; at: Date; isPoll: boolean },
): Promise<boolean> {
  const { rows } = await sql<{ taken: boolean }>`
    with fresh as (
      insert into poll_nonce (issuer, nonce, forget_at) values (${issuer}, ${nonce}, ${forgetAt})
      on conflict do nothing returning issuer),
    seen as (
      insert into poll_seen as s (partner, side, at) select issuer, 'served', ${at}::timestamptz from fresh where ${isPoll}::boolean
      on conflict (partner, side) do update set at = excluded.at where s.at is null or s.at < excluded.at
      returning 1)
    select exists (select 1 from fresh) as taken`.execute(db);
  return rows[0]?.taken ?? false;
}

/** Forgets nonces whose requests nobody takes any more. */
export async function forgetNonces(db: Database, now: Date): Promise<void> {
  await sql`delete from poll_nonce where forget_at < ${now}`.execute(db);
}

/** `wait`: the one long poll of a partner that is kept open here; `turn`: the one process of ours that asks a partner. */
export type PollLease = 'wait' | 'turn';

export interface HeldLease {
  readonly kind: PollLease;
  readonly partner: string;
  readonly lease: string;
}

/** Takes a lease or prolongs one's own; false while somebody else has it. One statement decides between processes. */
export async function takeLease(db: Database, { kind, partner, lease }: HeldLease, now: Date, until: Date) {
  const { rows } = await sql`
    insert into poll_lease as l (kind, partner, lease, lease_until) values (${kind}, ${partner}, ${lease}::uuid, ${until})
    on conflict (kind, partner) do update set lease = excluded.lease, lease_until = excluded.lease_until
      where l.lease = excluded.lease or l.lease_until < ${now} returning 1`.execute(db);
  return rows.length === 1;
}

/** Gives a lease back; one that somebody else has taken over meanwhile stays. */
export async function endLease(db: Database, { kind, partner, lease }: HeldLease): Promise<void> {
  await sql`
    delete from poll_lease where kind = ${kind} and partner = ${partner} and lease = ${lease}::uuid`.execute(db);
}

/** Forgets leases of processes that have ended: for a store that one process has, before it takes any. */
export async function forgetLeases(db: Database, kind: PollLease): Promise<void> {
  await sql`delete from poll_lease where kind = ${kind}`.execute(db);
}

/**
 * Marks claimed deliveries as put into an answer, until when they are not offered again. Never as before they were queued, which another
 * process may have done by a clock that is ahead: who acknowledges them would not be heard.
 */
export async function markOffered(
  db: Database,
  ids: readonly string[],
  { lease, at, until }: { lease: string; at: Date; until: Date },
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await sql<{ id: string }>`
    update delivery set offered_at = greatest(${at}, coalesce(reissued_at, created_at)), lease_until = ${until}
    where id = any(${[...ids]}::uuid[]) and lease = ${lease}::uuid and state = 'queued' returning id`.execute(db);
  return new Set(rows.map(({ id }) => id));
}

/** A delivery that its recipient speaks of in a poll: what `afterAttempt` and the feed want to know of it. */
export type Offered = Claimed;

/**
 * Takes over, under a lease of one's own, those of the messages named that were offered to this partner and not answered
 * yet. What was never offered, or to somebody else, or not since it is sent again, is not touched: an acknowledgement
 * releases from retention.
 */
export async function takeOffered(
  db: Database,
  { partner, jtis, lease, until }: { partner: string; jtis: readonly string[]; lease: string; until: Date },
): Promise<Offered[]> {
  if (jtis.length === 0) return [];
  const { rows } = await sql<Offered>`
    update delivery d set lease = ${lease}::uuid, lease_until = ${until}
    where d.partner = ${partner} and d.jti = any(${[...jtis]}::text[]) and d.state = 'queued'
      and d.offered_at >= coalesce(d.reissued_at, d.created_at)
    returning d.id, d.jti, d.event, d.originator, d.reference_id, d.revision, d.epoch, d.n, null as body, null as plain,
      d.digest, d.attempts, d.kid, d.last_code, null as payload, d.created_at, d.reissued_at, d.retried_at,
      d.priority = 2 as replayed, d.outcome is not null as receipted, null as wrapped,
      null as revision_body, null as effect, true as decided`.execute(db);
  return rows;
}

/** Whether more waits for a partner than what is under this lease; what waits for one of them counts as well. */
export async function hasMore(
  db: Database,
  { partner, suspended, now, lease }: { partner: string; suspended: boolean; now: Date; lease: string },
): Promise<boolean> {
  // By the order of its index, as the look for partners with work does: an "exists" reads the table from its delivered end.
  const { rows } = await sql<{ more: boolean | null }>`
    select (
      select true from delivery d
      where d.partner = ${partner} and d.state = 'queued' and d.next_at <= ${now}
        and (d.lease_until is null or d.lease_until < ${now})
        and (not ${suspended} or d.event in ('receipt', 'withdrawn'))
        and (${mayLeaveStopped('d')} or not ${stopped(partner)}) and not ${waitsClosed} and not ${waitsUntold}
        and (d.event = 'receipt' or d.reference_id is null or not exists (
          select 1 from delivery e
          where e.partner = d.partner and e.state = 'queued' and e.event <> 'receipt' and e.originator = d.originator
            and e.reference_id = d.reference_id and e.position < d.position and (e.priority < 2 or d.priority = 2)
            and (${mayLeaveStopped('e')} or not ${stopped(partner)})
            and e.lease is distinct from ${lease}::uuid))
      order by d.priority, d.position limit 1) as more`.execute(db);
  return rows[0]?.more ?? false;
}

/**
 * Takes what has waited since `before` out of the outbox, whether anybody tried it or not. A withdrawal waits longer, since
 * `horizon`, and what is being offered or sent waits for its end. What is kept back from a suspended partner waits as long as
 * that lasts.
 */
export async function takeAged(
  db: Database,
  wanted: { partner: string; suspended: boolean; before: Date; horizon: Date; now: Date; lease: string; until: Date },
): Promise<Offered[]> {
  const { partner, suspended, before, horizon, now, lease, until } = wanted;
  const { rows } = await sql<Offered>`
    update delivery d set reached = ${reachedByNow}, lease = ${lease}::uuid, lease_until = ${until}
    where d.id in (
      select id from delivery
      where partner = ${partner} and state = 'queued' and greatest(coalesce(reissued_at, created_at), retried_at)
          < case when event = 'withdrawn' then ${horizon}::timestamptz else ${before}::timestamptz end
        and (lease_until is null or lease_until < ${now})
        and (not ${suspended}::boolean or event in ('receipt', 'withdrawn'))
      order by position limit 500 for update skip locked)
    returning d.id, d.jti, d.event, d.originator, d.reference_id, d.revision, d.epoch, d.n, null as body, null as plain,
      d.digest, d.attempts, d.kid, d.last_code, null as payload, d.created_at, d.reissued_at, d.retried_at,
      d.priority = 2 as replayed, d.outcome is not null as receipted, null as wrapped,
      null as revision_body, null as effect, true as decided`.execute(db);
  return rows;
}

/** Notes how asking a partner went; a failure leaves the last success as it was. */
export async function noteAsked(db: Database, partner: string, at: Date, code: string | null): Promise<void> {
  await sql`
    insert into poll_seen as s (partner, side, at, code, failed_at)
    values (${partner}, 'asked', ${code === null ? at : null}, ${code}, ${code === null ? null : at})
    on conflict (partner, side) do update set at = coalesce(excluded.at, s.at), code = excluded.code,
      failed_at = coalesce(excluded.failed_at, s.failed_at)`.execute(db);
}

/** The last poll between us and a partner. */
export interface PollSeen {
  readonly partner: string;
  /** `served`: it asked us; `asked`: we asked it. */
  readonly side: 'served' | 'asked';
  /** The last that went well; null where none did. */
  readonly at: Date | null;
  /** Why the last one did not go well; null where it did. */
  readonly code: string | null;
}

export async function pollsSeen(db: Database): Promise<PollSeen[]> {
  const { rows } = await sql<PollSeen>`select partner, side, at, code from poll_seen order by partner, side`.execute(
    db,
  );
  return rows;
}
