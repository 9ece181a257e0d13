import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';
import { isPastAnswer } from './overdue.ts';
import { closedStates } from './recall.ts';
import { trueState } from './recovery.ts';

/** How our messages to a partner stand that have not come to their end. */
export interface Outstanding {
  readonly state: 'queued' | 'sent' | 'overdue' | 'dead';
  readonly count: number;
  readonly oldest: Date;
}

/** Our messages to a partner that it has not answered for and may; receipts and voided numbers are answered by nobody. */
export async function outstandingTo(db: Database, partner: string): Promise<Outstanding[]> {
  const { rows } = await sql<Outstanding>`
    select state, count(*)::int as count, min(created_at) as oldest from delivery
    where partner = ${partner} and event not in ('receipt', 'voided') and state in ('queued', 'sent', 'overdue', 'dead')
      and not ${isPastAnswer('delivery')}
    group by state order by array_position(array['queued', 'sent', 'overdue', 'dead'], state)`.execute(db);
  return rows;
}

/** Receipts for a partner's messages that have not left yet. */
export async function receiptsQueued(db: Database, partner: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from delivery where partner = ${partner} and event = 'receipt' and state = 'queued'`.execute(
    db,
  );
  return rows[0]?.n ?? 0;
}

/** Our withdrawals that a partner has neither carried out nor given a reason to keep what they are about, oldest first. */
export async function unsettledWithdrawals(db: Database, partner: string, limit: number) {
  const { rows } = await sql<{
    id: string;
    jti: string;
    state: string;
    outcome: string | null;
    at: Date;
    total: number;
  }>`
    select reference_id as id, jti, state, case when contradicted then 'refused' else outcome end as outcome, created_at as at, count(*) over ()::int as total from delivery
    where partner = ${partner} and event = 'withdrawn' and state <> 'dropped'
      and (outcome is null or contradicted or outcome in ('held', 'refused') or (outcome = 'sealed' and payload ->> 'purge' = 'true'))
    order by position limit ${limit}`.execute(db);
  return { total: rows[0]?.total ?? 0, first: rows.map(({ total: _, ...row }) => row) };
}

/** The epoch and number that our messages to a partner run in, and the epochs before. */
export async function ownStanding(db: Database, partner: string) {
  const now = await db
    .selectFrom('partner_stream')
    .select(['epoch', 'n'])
    .where('partner', '=', partner)
    .executeTakeFirst();
  const before = await db
    .selectFrom('own_epoch')
    .select(['epoch', 'n', 'ended_at'])
    .where('partner', '=', partner)
    .orderBy('ended_at', 'desc')
    .limit(20)
    .execute();
  return { now, before };
}

/**
 * Where a partner's numbers stand, newest epoch last. `open` are numbers below the highest that neither came nor are said never to
 * come, found missing yet or not.
 */
export async function theirStreams(db: Database, partner: string) {
  const { rows } = await sql<{ epoch: string; floor: number; highest: number; open: number }>`
    select s.epoch, s.floor, s.highest, case when s.floor >= s.highest then 0 else greatest(0, s.highest - s.floor
      - (select count(distinct m.n) from message m
          where m.issuer = s.partner and m.epoch = s.epoch and m.n > s.floor and m.n <= s.highest)
      - (select coalesce(sum(least(v.last, s.highest) - greatest(v.first, s.floor + 1) + 1), 0) from voided_run v
          where v.partner = s.partner and v.epoch = s.epoch and v.last > s.floor and v.first <= s.highest))::int end as open
    from incoming_stream s where s.partner = ${partner} order by s.first_at, s.epoch`.execute(db);
  return rows;
}

/** Numbers of a partner that did not come in time and that nothing explains yet. */
export function openGaps(db: Database, partner: string, limit: number) {
  return db
    .selectFrom('gap')
    .select(['epoch', 'first', 'last', 'found_at'])
    .where('partner', '=', partner)
    .where('closed_at', 'is', null)
    .orderBy('found_at')
    .orderBy('first')
    .limit(limit)
    .execute();
}

/** What a partner was asked to send once more, newest first. */
export function requestsTo(db: Database, partner: string, limit: number) {
  return db
    .selectFrom('replay_request')
    .select(['epoch', 'from_n', 'to_n', 'cause', 'state', 'code', 'attempts', 'created_at', 'asked_at', 'settled_at'])
    .where('partner', '=', partner)
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute();
}

/** The last round trip to a partner. */
export function lastVerify(db: Database, partner: string) {
  return db
    .selectFrom('delivery')
    .select(['jti', 'state', 'outcome', 'last_code', 'created_at', 'sent_at', 'settled_at'])
    .where('partner', '=', partner)
    .where('event', '=', 'verify')
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/**
 * Messages that a partner took before an instant and never answered for, with their bytes still here, locked: sent once more, they
 * are answered by the receipt that it stored. Nothing about a reference that is closed here.
 */
export async function lockUnanswered(
  trx: Trx,
  partner: string,
  { before, limit }: { readonly before: Date; readonly limit: number },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select d.id from delivery d
    where d.partner = ${partner} and d.state in ('sent', 'overdue') and d.event not in ('receipt', 'voided')
      and d.sent_at < ${before} and (d.body is not null or d.plain is not null)
      and (d.event not in ('submitted', 'revised') and d.statement is null or exists (
        select 1 from reference r where r.originator = d.originator and r.id = d.reference_id
          and ${trueState} <> all(${[...closedStates]}::text[])))
    order by d.position limit ${limit} for update of d skip locked`.execute(trx);
  return rows.map(({ id }) => id);
}
