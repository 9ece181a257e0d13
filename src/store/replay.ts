import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';
import { codeKept } from './overdue.ts';
import { stopped, trueState } from './recovery.ts';
import type { ReplayTable } from './replay-tables.ts';
import type { DeliveryState } from './tables.ts';

/** The place in the outbox of what comes again: after everything that a partner has not been sent yet. */
const REPLAYED = 2;

interface Stream {
  readonly partner: string;
  readonly epoch: string;
}

/** The replay of a partner that was granted last, locked until the transaction ends. */
export function lastReplay(trx: Trx, partner: string): Promise<ReplayTable | undefined> {
  const query = trx
    .selectFrom('replay')
    .selectAll()
    .where('partner', '=', partner)
    .orderBy('asked_at', 'desc')
    .limit(1);
  return query.forUpdate().executeTakeFirst();
}

/** Since when the organisation of today is behind a partner's name: what was sent before was sent to another. */
export async function partnerSince(db: Database, partner: string): Promise<Date | undefined> {
  const row = await db.selectFrom('partner').select('added_at').where('issuer', '=', partner).executeTakeFirst();
  return row?.added_at;
}

/** The least number of a stream that was given for a message queued since an instant; undefined where there is none. */
export async function oldestKept(db: Database, { partner, epoch }: Stream, since: Date): Promise<number | undefined> {
  const { rows } = await sql<{ n: number | null }>`
    select min(n) as n from delivery
    where partner = ${partner} and epoch = ${epoch}::uuid and n is not null and created_at > ${since}`.execute(db);
  return rows[0]?.n ?? undefined;
}

/** Of these numbers, how many messages there are that have not been given up. */
export async function countKept(
  db: Database,
  { partner, epoch }: Stream,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from delivery
    where partner = ${partner} and epoch = ${epoch}::uuid and n between ${from} and ${to}
      and (state = 'queued' or (state <> 'dropped' and outcome is distinct from 'refused'
        and (body is not null or plain is not null)))`.execute(db);
  return rows[0]?.n ?? 0;
}

/** One message of a stream, as far as it is looked at to see whether it may come again. */
export interface Stretch {
  readonly id: string;
  readonly n: number;
  readonly state: DeliveryState;
  readonly event: string;
  readonly last_code: string | null;
  readonly outcome: string | null;
  readonly created_at: Date;
  /** Its signed bytes are here and can be read. */
  readonly kept: boolean;
  /** State of the reference that it carries or speaks of, and whether a newer revision of what it carries has come since. */
  readonly reference_state: string | null;
  /** The reference is closed by the word of somebody who said that we withdrew it: the operator has not decided yet. */
  readonly closed_by_word: boolean;
  readonly superseded: boolean;
}

/** The next messages of a stream by their numbers, locked until the transaction ends. */
export async function lockStretch(
  trx: Trx,
  { partner, epoch }: Stream,
  { from, to, limit }: { readonly from: number; readonly to: number; readonly limit: number },
): Promise<Stretch[]> {
  const { rows } = await sql<Stretch>`
    select d.id, d.n, d.state, d.event, d.last_code, d.outcome, d.created_at,
      d.digest is not null and (d.plain is not null or (d.body is not null and k.id is not null)) as kept,
      ${trueState} as reference_state, coalesce(r.direction = 'out' and r.veiled_state is not null, false) as closed_by_word,
      coalesce(r.revision <> d.revision, false) as superseded
    from delivery d
    left join reference r on (d.event in ('submitted', 'revised') or d.statement is not null)
      and r.originator = d.originator and r.id = d.reference_id
    left join reference_key k on d.body is not null and k.originator = d.originator and k.id = d.reference_id
    where d.partner = ${partner} and d.epoch = ${epoch}::uuid and d.n between ${from} and ${to}
    order by d.n limit ${limit} for update of d`.execute(trx);
  return rows;
}

/**
 * Puts messages that left before back into the outbox, with their bytes, after everything else there. No decision stands for
 * them any more: each is decided again before it leaves. Receipts for them stay, and so does when they were first sent.
 */
export async function putBack(trx: Trx, ids: readonly string[], at: Date): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    update delivery set state = 'queued', priority = ${REPLAYED}, next_at = ${at}, reissued_at = ${at}, attempts = 0,
      last_code = ${codeKept}, basis = null, lease = null, lease_until = null
    where id = any(${[...ids]}::uuid[]) and state <> 'queued'`.execute(trx);
}

/**
 * What was signed and never left waits for the end of a recovery. Where the partner asks for it, it leaves as what comes again
 * does: the partner's own recovery waits for these numbers.
 */
export async function askForStopped(trx: Trx, partner: string, ids: readonly string[], at: Date): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    update delivery set priority = ${REPLAYED}, next_at = ${at}, reissued_at = ${at}, basis = null
    where id = any(${[...ids]}::uuid[]) and state = 'queued' and digest is not null and sent_at is null
      and (event in ('submitted', 'revised') or statement is not null) and ${stopped(partner)}`.execute(trx);
}

/**
 * What the partner took once, and a person wanted sent again before the partner asked for it: it leaves as it would, and where it is
 * ended before that, the partner learns that this number does not come.
 */
export async function askForRetried(trx: Trx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    update delivery set priority = ${REPLAYED}
    where id = any(${[...ids]}::uuid[]) and state = 'queued' and sent_at is not null
      and (event in ('submitted', 'revised') or statement is not null)`.execute(trx);
}

/** How many replayed messages a partner has still before it. */
export async function countReplayed(db: Database, partner: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from delivery
    where partner = ${partner} and state = 'queued' and priority = ${REPLAYED}`.execute(db);
  return rows[0]?.n ?? 0;
}

/** A partner that numbers what it sends in another epoch than before, and when the first message of that came. */
export interface NewEpoch {
  readonly partner: string;
  readonly at: Date;
}

/** Active partners of which a new epoch began since an instant, after another one that was known. */
export async function newEpochs(db: Database, since: Date): Promise<NewEpoch[]> {
  const { rows } = await sql<NewEpoch>`
    select s.partner, max(s.first_at) as at from incoming_stream s
    join partner p on p.issuer = s.partner and p.state = 'active'
    where s.first_at > ${since} and exists (
      select 1 from incoming_stream o where o.partner = s.partner and o.epoch <> s.epoch and o.first_at <= s.first_at)
    group by s.partner order by s.partner`.execute(db);
  return rows;
}

/**
 * Active partners that began to count between two instants for the first time, and that have not answered for what they took long
 * before: they may have lost it before they ever said anything. Also where they were sent it again since.
 */
export async function firstEpochs(db: Database, after: Date, before: Date): Promise<NewEpoch[]> {
  const { rows } = await sql<NewEpoch>`
    select s.partner, s.first_at as at from incoming_stream s
    join partner p on p.issuer = s.partner and p.state = 'active'
    where s.first_at > ${after} and s.first_at < ${before}
      and not exists (select 1 from incoming_stream o where o.partner = s.partner and o.epoch <> s.epoch)
      and (exists (
          select 1 from delivery d where d.partner = s.partner and d.state in ('sent', 'overdue')
            and d.event not in ('receipt', 'voided') and d.sent_at < s.first_at - interval '1 hour')
        or exists (select 1 from replay r where r.partner = s.partner and r.asked_at > s.first_at))
    order by s.partner`.execute(db);
  return rows;
}

/** One epoch of ours towards a partner, and whether a replay of it was begun since an instant. */
export interface OwnStream {
  readonly epoch: string;
  readonly n: number;
  readonly replayed: boolean;
}

/** The epochs of our numbers to a partner, the newest first; `ended` leaves out what ended before. */
export async function ownStreams(
  db: Database,
  partner: string,
  { since, ended }: { readonly since: Date; readonly ended: Date },
): Promise<OwnStream[]> {
  const { rows } = await sql<OwnStream>`
    select o.epoch, o.n, exists (
      select 1 from replay r where r.partner = ${partner} and r.epoch = o.epoch and r.asked_at >= ${since}) as replayed
    from (
      select epoch, n, null::timestamptz as ended_at from partner_stream where partner = ${partner}
      union all
      select epoch, n, ended_at from own_epoch where partner = ${partner} and ended_at > ${ended}) o
    order by o.ended_at desc nulls first, o.epoch`.execute(db);
  return rows;
}

/** One replay that is under way and that no other process works at, locked until the transaction ends. */
export async function lockReplay(trx: Trx, not: readonly string[]): Promise<ReplayTable | undefined> {
  const { rows } = await sql<ReplayTable>`
    select * from replay where state = 'running' and not (id = any(${[...not]}::uuid[]))
    order by asked_at limit 1 for update skip locked`.execute(trx);
  return rows[0];
}

/** Notes how far a replay has come. */
export async function moveReplay(
  trx: Trx,
  id: string,
  to: { readonly next: number; readonly state: ReplayTable['state']; readonly at: Date },
): Promise<void> {
  await sql`
    update replay set next_n = ${to.next}, state = ${to.state}, finished_at = ${to.state === 'running' ? null : to.at}
    where id = ${id}::uuid`.execute(trx);
}

/**
 * Of these messages, those of which the partner's receipt stands in the newest epoch of its own numbers: it has lost nothing
 * since, so it has them. One that began a new epoch after its receipt may not have them any more.
 */
export async function surelyThere(db: Database, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await sql<{ id: string }>`
    select d.id from delivery d join message m on m.issuer = d.partner and m.jti = d.receipt_jti
    where d.id = any(${[...ids]}::uuid[]) and (m.epoch is null or not exists (
      select 1 from incoming_stream newer join incoming_stream own on own.partner = newer.partner and own.epoch = m.epoch
      where newer.partner = d.partner and newer.first_at > own.first_at))`.execute(db);
  return new Set(rows.map(({ id }) => id));
}
