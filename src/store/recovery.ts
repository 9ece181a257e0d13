import { sql } from 'kysely';
import { replayLimits } from '../domain/replay.ts';
import { SKEW_MS } from '../domain/skew.ts';
import { renewTellings } from './case-tellings.ts';
import type { Database, Trx } from './open.ts';
import type { LossCause, OpenedBy, RecoveryTable } from './recovery-tables.ts';

/**
 * What a partner's reference (`r`) is behind its veil: for writers, which bring it on while nobody sees it. An own one behind a
 * veil is closed to them as well: nothing of it may leave.
 */
export const trueState = sql<string>`case when r.direction = 'in' then coalesce(r.veiled_state, r.state) else r.state end`;

/** Whether references to a partner wait because state was lost; a condition. */
export function stopped(partner: string) {
  return sql`exists (select 1 from recovery v where v.partner = ${partner} and v.resumed_at is null)`;
}

/**
 * What leaves all the same: all that is no reference, what the partner took before and goes once more, since those are the bytes
 * that it knows, and what it asked for (priority 2), signed and sent or not: it waits for that number. Two partners that both lost
 * their state would else wait for each other for ever. Policy decides on it as on everything. A condition on a delivery.
 */
export function mayLeaveStopped(delivery: 'd' | 'e') {
  return sql`(${sql.ref(`${delivery}.event`)} in ('receipt', 'withdrawn', 'voided', 'verify')
    or ${sql.ref(`${delivery}.sent_at`)} is not null or ${sql.ref(`${delivery}.priority`)} = 2)`;
}

/** The newest loss that was noticed for a partner. */
export function lastRecovery(db: Database, partner: string) {
  return db
    .selectFrom('recovery')
    .selectAll()
    .where('partner', '=', partner)
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Recoveries that have not come to their end, oldest first. */
export function openRecoveries(db: Database): Promise<RecoveryTable[]> {
  return db
    .selectFrom('recovery')
    .selectAll()
    .where((where) => where.or([where('resumed_at', 'is', null), where('opened_at', 'is', null)]))
    .orderBy('at')
    .orderBy('partner')
    .execute();
}

/** What is queued and was never signed, locked before the partner's stream: a claim locks in this order too. */
export async function lockUnsigned(trx: Trx, partner: string) {
  const { rows } = await sql<{ id: string; epoch: string | null; n: number | null }>`
    select id, epoch, n from delivery where partner = ${partner} and state = 'queued' and digest is null
    order by position for update`.execute(trx);
  return rows;
}

/**
 * Ends the epoch that our numbers to a partner ran in and begins another one. The old one stays known, with the highest number
 * that this store has given in it.
 */
export async function turnEpoch(trx: Trx, partner: string, epoch: string, at: Date): Promise<void> {
  await sql`
    with old as (select partner, epoch, n from partner_stream where partner = ${partner} for update),
    kept as (
      insert into own_epoch (partner, epoch, n, ended_at) select partner, epoch, n, ${at}::timestamptz from old
      on conflict (partner, epoch) do update set n = greatest(own_epoch.n, excluded.n))
    update partner_stream s set epoch = ${epoch}::uuid, n = 0 from old where s.partner = old.partner`.execute(trx);
}

/** An epoch of ours: the one of today, or one that ended by a loss; undefined where it never was ours. */
export async function ownEpoch(
  db: Database,
  partner: string,
  epoch: string,
): Promise<{ readonly n: number; readonly ended: boolean } | undefined> {
  const { rows } = await sql<{ n: number; ended: boolean }>`
    select n, false as ended from partner_stream where partner = ${partner} and epoch = ${epoch}::uuid
    union all select n, true from own_epoch where partner = ${partner} and epoch = ${epoch}::uuid limit 1`.execute(db);
  return rows[0];
}

export async function insertRecovery(
  trx: Trx,
  row: { partner: string; epoch: string; because: LossCause; at: Date; verify: string; drawn: boolean },
): Promise<void> {
  await sql`
    insert into recovery (partner, epoch, because, at, verify, opened_at, opened_by)
    values (${row.partner}, ${row.epoch}::uuid, ${row.because}, ${row.at}, ${row.verify},
      ${row.drawn ? null : row.at}, ${row.drawn ? null : 'undrawn'})`.execute(trx);
}

/** What a partner's word alone makes us believe; our own files and our operator are believed as often as they speak. */
const heard: readonly LossCause[] = ['counter-overtaken', 'receipt-unknown'];

export function isHeard(because: LossCause): boolean {
  return heard.includes(because);
}

/** Whether a veil was drawn on a partner's word alone since an instant. */
export async function wasVeiledOnWord(db: Database, partner: string, since: Date): Promise<boolean> {
  const { rows } = await sql`
    select 1 from recovery where partner = ${partner} and because = any(${[...heard]}::text[]) and at > ${since}
      and opened_by is distinct from 'undrawn' limit 1`.execute(db);
  return rows.length > 0;
}

/** Since when a partner's references are veiled on its word alone; undefined where they are not, or where we vouch for a loss. */
export async function veiledOnWordSince(db: Database, partner: string): Promise<Date | undefined> {
  const { rows } = await sql<{ since: Date }>`
    select min(at) as since from recovery where partner = ${partner} and opened_at is null
    having bool_and(because = any(${[...heard]}::text[]))`.execute(db);
  return rows[0]?.since;
}

/**
 * Gives what was never signed another row and another jti, at its place in the order and without a number. In the time that was
 * lost it may have been signed under the old jti with other bytes, which would be a conflict at the partner. Another row and not
 * another jti in the same one: whoever is signing it at this moment must not store its bytes beside a jti that they do not name.
 */
export async function renewUnsigned(
  trx: Trx,
  renewed: readonly { readonly old: string; readonly id: string; readonly jti: string; readonly position: number }[],
): Promise<void> {
  if (renewed.length === 0) return;
  await sql`
    with w as (select * from jsonb_to_recordset(${JSON.stringify(renewed)}::jsonb)
      as w (old uuid, id uuid, jti text, position bigint)),
    ended as (
      update delivery d set state = 'dropped', last_code = 'state-lost', lease = null, lease_until = null
      from w where d.id = w.old returning d.id)
    insert into delivery (id, position, partner, jti, event, originator, reference_id, revision, priority, payload, state,
      attempts, next_at, created_at, answers, statement)
    select w.id, w.position, d.partner, w.jti, d.event, d.originator, d.reference_id, d.revision, d.priority, d.payload,
      'queued', 0, d.next_at, d.created_at, d.answers, d.statement
    from w join delivery d on d.id = w.old join ended e on e.id = d.id`.execute(trx);
  await renewTellings(trx, renewed);
}

/** Puts a partner's references behind the veil, or, once it is lifted for the partner, out from behind it; see migration 0014. */
export async function turnVeil(trx: Trx, partner: string, way: 'down' | 'up'): Promise<number> {
  const { rows } =
    way === 'down'
      ? await sql`
          update reference set state = state where originator = ${partner} and direction = 'in'
            and state not in ('sealed', 'restricted', 'purged', 'expired') returning id`.execute(trx)
      : await sql`
          update reference r set state = r.veiled_state where ${liftable(partner)} returning r.id`.execute(trx);
  return rows.length;
}

/**
 * What a withdrawal that waits for the operator speaks of stays veiled: brought in at once, the withdrawals of the lost time are
 * soon more than the policy lets through in an hour, and nobody may see meanwhile what was taken back.
 */
function liftable(partner: string) {
  return sql`r.originator = ${partner} and r.veiled_state is not null and not exists (
    select 1 from held_withdrawal h where h.issuer = r.originator and h.reference_id = r.id)`;
}

/** The same for what the operator's decision on held withdrawals leaves, where no veil is down for the partner any more. */
export async function liftDecided(trx: Trx, partner: string): Promise<void> {
  await sql`
    update reference r set state = r.veiled_state where ${liftable(partner)} and not exists (
      select 1 from recovery v where v.partner = ${partner} and v.opened_at is null)`.execute(trx);
}

/** How many references of each of these partners are veiled, where any are. */
export async function countsOfVeiled(db: Database, partners: readonly string[]): Promise<Map<string, number>> {
  if (partners.length === 0) return new Map();
  const { rows } = await sql<{ partner: string; n: number }>`
    select originator as partner, count(*)::int as n from reference
    where originator = any(${[...partners]}::text[]) and veiled_state is not null group by originator`.execute(db);
  return new Map(rows.map(({ partner, n }) => [partner, n]));
}

/** Of these partners, those whose references show nowhere now. */
export async function veiledAmong(db: Database, partners: readonly string[]): Promise<Set<string>> {
  if (partners.length === 0) return new Set();
  const { rows } = await sql<{ partner: string }>`
    select distinct partner from recovery where partner = any(${[...partners]}::text[]) and opened_at is null`.execute(
    db,
  );
  return new Set(rows.map(({ partner }) => partner));
}

/** How many references of a partner are veiled. */
export async function countVeiled(db: Database, partner: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from reference where originator = ${partner} and veiled_state is not null`.execute(db);
  return rows[0]?.n ?? 0;
}

/** How many references of each partner show nowhere. */
export async function veiledByPartner(db: Database): Promise<{ partner: string; count: number }[]> {
  const { rows } = await sql<{ partner: string; count: number }>`
    select originator as partner, count(*)::int as count from reference where veiled_state is not null
    group by originator order by originator`.execute(db);
  return rows;
}

/** Emergencies that came behind a veil and that nobody was told of. */
export async function veiledEmergencies(db: Database, limit: number): Promise<{ originator: string; id: string }[]> {
  const { rows } = await sql<{ originator: string; id: string }>`
    select r.originator, r.id from recovery v
    join reference r on r.originator = v.partner and r.veiled_state is not null and r.urgency = 'emergency'
      and r.updated_at > v.at
    where v.opened_at is null and not exists (
      select 1 from alert a where a.code = 'emergency-veiled' and a.partner = r.originator and a.first_at >= v.at
        and (a.scope = 'more' or a.subject = r.id::text))
    order by r.originator, r.id limit ${limit}`.execute(db);
  return rows;
}

/** Notes that references show again, or go again; gives whether something was noted that was not before. */
export async function settleRecovery(
  trx: Trx,
  partner: string,
  what: 'opened' | 'resumed',
  by: OpenedBy,
  at: Date,
): Promise<boolean> {
  const when = sql.ref(`${what}_at`);
  const { rows } = await sql`
    update recovery set ${when} = ${at}, ${sql.ref(`${what}_by`)} = ${by}
    where partner = ${partner} and ${when} is null returning epoch`.execute(trx);
  return rows.length > 0;
}

const DAY = 86_400_000;

/** One of a partner's streams, with how it stands with the replay that was asked for since its recovery began. */
export interface AskedStream {
  readonly epoch: string;
  readonly floor: number;
  readonly highest: number;
  /** Null where nothing was asked for yet. */
  readonly state: 'wanted' | 'granted' | 'done' | 'refused' | null;
  readonly code: string | null;
  readonly asked_at: Date | null;
  /** Another epoch of the partner followed it. */
  readonly superseded: boolean;
  /** It was known before the recovery began, another one followed since, and nothing of the partner says where it ended. */
  readonly endless: boolean;
}

/**
 * What a partner does not keep any more stays missing, though it replays the rest, until a later replay brought all of it; else
 * what is under way counts, and last what was settled. The streams are those that withdrawals of the lost time may have come in: all that we know of a partner but those that another one
 * followed longer ago than anything is replayed. A hole that was passed since is part of what was lost: the floor is taken from
 * below it. Where a stream ended is known when the receipt for the round trip came in it, or by a voided run that reaches above the
 * highest and is long enough to be said of an end alone: the partner may have lost the count of what it had sent.
 */
export async function askedStreams(
  db: Database,
  { partner, at: since, verify }: Pick<RecoveryTable, 'partner' | 'at' | 'verify'>,
  horizonDays: number,
): Promise<AskedStream[]> {
  const horizon = new Date(since.getTime() - horizonDays * DAY);
  // Another process may have heard of it by a clock that is behind.
  const heard = new Date(since.getTime() - SKEW_MS);
  const { rows } = await sql<AskedStream>`
    select s.epoch, least(s.floor, g.below) as floor, s.highest, q.state, q.code, q.asked_at,
      exists (select 1 from incoming_stream l where l.partner = s.partner and l.first_at > s.first_at) as superseded,
      s.first_at <= ${since}
        and exists (select 1 from incoming_stream l where l.partner = s.partner and l.epoch <> s.epoch and l.first_at >= ${heard})
        and not exists (
          select 1 from delivery d join message m on m.issuer = d.partner and m.jti = d.receipt_jti
          where d.partner = s.partner and d.jti = ${verify} and m.epoch = s.epoch)
        and not exists (
          select 1 from voided_run r
          where r.partner = s.partner and r.epoch = s.epoch and r.at >= ${heard} and r.last > s.highest
              and r.last - r.first + 1 >= ${replayLimits.endMark}::bigint) as endless
    from incoming_stream s
    left join lateral (
      select min(first) - 1 as below from gap
      where partner = s.partner and epoch = s.epoch and found_at >= ${since}) g on true
    left join lateral (
      select state, code, asked_at from replay_request q
      where q.partner = s.partner and q.epoch = s.epoch and q.cause = 'state' and q.created_at >= ${since}
      order by (q.state = 'refused' and q.code = 'cursor_too_old' and not exists (
          select 1 from replay_request l where l.partner = q.partner and l.epoch = q.epoch and l.cause = 'state'
            and l.state = 'done' and l.created_at > q.created_at and l.from_n <= q.from_n)) is true desc, q.state in ('wanted', 'granted') desc, q.created_at desc
      limit 1) q on true
    where s.partner = ${partner} and not exists (
      select 1 from incoming_stream l where l.partner = s.partner and l.first_at > s.first_at and l.first_at < ${horizon})
    order by s.first_at, s.epoch`.execute(db);
  return rows;
}

/** Lets a recovery that is under way go on from another round trip. */
export async function waitForVerify(trx: Trx, partner: string, jti: string): Promise<void> {
  await trx
    .updateTable('recovery')
    .set({ verify: jti })
    .where('partner', '=', partner)
    .where((where) => where.or([where('opened_at', 'is', null), where('resumed_at', 'is', null)]))
    .execute();
}

/** What became of a `verify`: null outcome while there is no receipt. */
export function verifyOf(db: Database, partner: string, jti: string) {
  return db
    .selectFrom('delivery')
    .select(['state', 'outcome', 'last_code'])
    .where('partner', '=', partner)
    .where('jti', '=', jti)
    .executeTakeFirst();
}
