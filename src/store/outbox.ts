import { sql } from 'kysely';
import { mayLeave, type StatementColumns, statementColumns, statementJoins, waitsUntold } from './case-delivery.ts';
import { isUnderWay, reachedByNow } from './may-hold.ts';
import type { Database } from './open.ts';
import { mayLeaveStopped, stopped } from './recovery.ts';
import type { Insert } from './rows.ts';
import type { DeliveryTable } from './tables.ts';
import { SEND_LIMIT } from './traffic.ts';
import { waitsClosed } from './unknown-receipts.ts';

const DAY = 86_400_000;

/** What a claimed delivery needs on its way out; `body` is the sealed signed bytes, null before the first claim. */
export type Claimed = Pick<
  DeliveryTable,
  | 'id'
  | 'jti'
  | 'event'
  | 'originator'
  | 'reference_id'
  | 'revision'
  | 'epoch'
  | 'n'
  | 'body'
  | 'plain'
  | 'digest'
  | 'attempts'
  | 'kid'
  | 'last_code'
> &
  StatementColumns & {
    payload: Record<string, unknown> | null;
    created_at: Date;
    /** When it was put back into the outbox to be sent once more. */
    reissued_at: Date | null;
    /** When a person last asked for another try. */
    retried_at: Date | null;
    /** When the partner first took it. */
    sent_at: Date | null;
    /** An attempt ended so that the partner may have it. */
    reached: boolean;
    /** It left before, and the partner asked for that part of the stream again. */
    replayed: boolean;
    /** There is a receipt for it, whatever becomes of this attempt. */
    receipted: boolean;
    /** Data key of the reference, wrapped. */
    wrapped: Buffer | null;
    /** Encrypted content of the revision; only for what is not signed yet. */
    revision_body: Buffer | null;
    /** Effect of the stored decision. */
    effect: string | null;
    /** False where policy has to speak again before this may leave. */
    decided: boolean;
  };

/** Gates that look at the calendar speak anew each day (UTC). */
function startOfDay(now: Date): Date {
  return new Date(Math.floor(now.getTime() / DAY) * DAY);
}

interface ClaimTerms {
  readonly partner: string;
  readonly suspended: boolean;
  readonly basis: number;
  readonly limit: number;
  readonly now: Date;
  readonly lease: string;
  readonly leaseUntil: Date;
  readonly which?: 'all' | 'free' | 'limited' | 'replayed';
}

/**
 * Takes up to `limit` due deliveries of one partner under a lease, numbering those that have no number yet: one statement,
 * one short transaction. A suspended partner gets receipts and withdrawals only. A delivery waits while an earlier one about
 * the same reference waits and may go, so that a revision never overtakes its submission; different references flow in
 * parallel. The lock on the partner's stream is what keeps its numbers without holes when several processes claim. What was
 * decided under another directory than `basis`, on another day, on another revision or for a reference that is closed by now
 * comes back undecided, and so do signed bytes that were made for another directory: without a number unless they have one,
 * they are to be decided again before they may leave. What a partner wants once more (priority 2) leaves after all else and
 * keeps nothing else waiting. `which` tells what the policy's own limits may keep back
 * (a first message that is no emergency) from what they never do.
 */
export async function claimDeliveries(db: Database, claim: ClaimTerms): Promise<Claimed[]> {
  const limited = sql`(d.n is null and d.priority > 0 and d.event in ('submitted', 'revised'))`;
  const replayed = sql`(d.priority = 2 and d.event in ('submitted', 'revised'))`;
  const wanted = { all: sql`true`, free: sql`not (${limited} or ${replayed})`, limited, replayed };
  const { rows } = await sql<Claimed>`
    with picked as (
      select d.id, d.n, d.priority, d.position,
        -- Looked up row by row: an "exists" may be answered by reading the whole table once for each claim.
        ${mayLeave} or d.statement is null and coalesce((
          select true from decision x where x.originator = d.originator and x.id = d.reference_id
            and x.partner = d.partner and x.direction = 'out' and x.basis = ${claim.basis}
            and x.effect = 'send' and x.revision = d.revision and x.decided_at >= ${startOfDay(claim.now)}
            and (d.digest is null or d.basis = ${claim.basis})), false)
          and coalesce((
            select true from reference r where r.originator = d.originator and r.id = d.reference_id
              and r.revision = d.revision and r.state not in ('sealed', 'restricted', 'purged', 'expired')), false) as decided
      from delivery d
      where d.partner = ${claim.partner} and d.state = 'queued' and ${wanted[claim.which ?? 'all']}
        and (d.next_at <= ${claim.now} or d.last_code = ${SEND_LIMIT})
        and (d.lease_until is null or d.lease_until < ${claim.now})
        and (not ${claim.suspended} or d.event in ('receipt', 'withdrawn'))
        and (${mayLeaveStopped('d')} or not ${stopped(claim.partner)}) and not ${waitsClosed}
        and not ${waitsUntold}
        and (d.event = 'receipt' or d.reference_id is null or not exists (
          select 1 from delivery e
          where e.partner = d.partner and e.state = 'queued' and e.event <> 'receipt'
            and (not ${claim.suspended} or e.event = 'withdrawn')
            and (${mayLeaveStopped('e')} or not ${stopped(claim.partner)})
            and e.originator = d.originator and e.reference_id = d.reference_id and e.position < d.position
            and (e.priority < 2 or d.priority = 2)))
      order by d.priority, d.position limit ${claim.limit}
      for update skip locked),
    unnumbered as (
      select id, row_number() over (order by priority, position) as k from picked where n is null and decided),
    stream as (
      update partner_stream set n = n + (select count(*) from unnumbered)
      where partner = ${claim.partner} returning epoch, n),
    claimed as (
      update delivery d set lease = ${claim.lease}::uuid, lease_until = ${claim.leaseUntil}, attempts = d.attempts + 1,
        -- A lease that ran out, or an attempt without an end: whoever had it is gone, and its bytes may have arrived.
        reached = d.reached or (d.digest is not null and (d.lease is not null or (d.attempts > 0 and d.last_code is null))),
        epoch = case when d.n is null and u.k is null then null else coalesce(d.epoch, stream.epoch) end,
        n = coalesce(d.n, stream.n - (select count(*) from unnumbered) + u.k)
      from picked p left join unnumbered u on u.id = p.id cross join stream
      where d.id = p.id
      returning d.id, d.position, d.jti, d.event, d.originator, d.reference_id, d.revision, d.epoch, d.n, d.body,
        d.plain, d.digest, d.attempts, d.payload, d.partner, d.created_at, d.reissued_at, d.retried_at, d.kid, d.last_code, d.sent_at,
        d.reached, d.statement, d.priority = 2 as replayed, d.outcome is not null as receipted, p.decided)
    select c.id, c.jti, c.event, c.originator, c.reference_id, c.revision, c.epoch, c.n, c.body, c.plain, c.digest,
      c.attempts, c.payload, c.created_at, c.reissued_at, c.retried_at, c.kid, c.last_code, c.sent_at, c.reached, c.replayed, c.receipted,
      c.decided, k.wrapped, r.body as revision_body, x.effect, ${statementColumns}
    from claimed c
    left join reference_key k on c.event <> 'receipt' and k.originator = c.originator and k.id = c.reference_id
    left join reference_revision r on c.digest is null and c.event <> 'receipt'
      and r.originator = c.originator and r.id = c.reference_id and r.revision = c.revision
    left join decision x on c.digest is null and c.event <> 'receipt' and x.originator = c.originator
      and x.id = c.reference_id and x.partner = c.partner and x.direction = 'out' ${statementJoins}
    order by c.n`.execute(db);
  return rows;
}

/** The signed bytes of a message as they are kept, and the key that signed them. */
export interface SignedBytes {
  readonly id: string;
  readonly body: Uint8Array | null;
  readonly plain: string | null;
  readonly digest: string;
  readonly kid: string;
}

function signedRecords(signed: readonly SignedBytes[]) {
  const rows = signed.map(({ id, body, plain, digest, kid }) => ({
    id,
    body: body ? `\\x${Buffer.from(body).toString('hex')}` : null,
    plain,
    digest,
    kid,
  }));
  return sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as s (id uuid, body bytea, plain text, digest text, kid text)`;
}

/**
 * Stores the bytes of the same messages under another key; receipts may still name the digest of before. Gives the ids that
 * it stored, as `storeSigned` does.
 */
export async function storeSignedAgain(db: Database, signed: readonly SignedBytes[]): Promise<Set<string>> {
  if (signed.length === 0) return new Set();
  const stored = await sql<{ id: string }>`
    update delivery d set body = s.body, plain = s.plain, digest = s.digest, kid = s.kid,
      former_digests = array_append(coalesce(d.former_digests, '{}'), d.digest)
    from ${signedRecords(signed)}
    where d.id = s.id and d.digest <> s.digest and d.state = 'queued' and d.kid is distinct from s.kid returning d.id`.execute(
    db,
  );
  return new Set(stored.rows.map((row) => row.id));
}

/**
 * Stores the signed bytes of numbered deliveries, once and before their first send. Gives the ids that it stored: what was
 * signed by another process meanwhile, or ended, must not be sent with these bytes. `basis` is the version of the directory
 * that they were made for.
 */
export async function storeSigned(db: Database, signed: readonly SignedBytes[], basis: number): Promise<Set<string>> {
  if (signed.length === 0) return new Set();
  const stored = await sql<{ id: string }>`
    update delivery d set body = s.body, plain = s.plain, digest = s.digest, kid = s.kid, basis = ${basis}
    from ${signedRecords(signed)}
    -- In one: where few seem to be unsigned, all that is queued would be read for each of these.
    where d.id = s.id and case when d.digest is null then d.state = 'queued' else false end returning d.id`.execute(db);
  return new Set(stored.rows.map((row) => row.id));
}

export interface Attempt {
  readonly id: string;
  readonly lease: string;
  readonly state: 'sent' | 'queued' | 'dead';
  readonly code: string | null;
  readonly nextAt: Date;
  /** The partner took it, or may have: nobody saw its answer. */
  readonly reached?: boolean;
}

/**
 * Records what became of attempts; one whose lease was taken over meanwhile is left to its new holder. What a revision of the
 * reference has overtaken meanwhile is due at once: it is ended by its next claim, and the revision waits behind it.
 */
export async function settleAttempts(db: Database, attempts: readonly Attempt[], now: Date): Promise<void> {
  const rows = attempts.map((one) => ({ ...one, next_at: one.nextAt.toISOString(), reached: one.reached ?? false }));
  await sql`
    update delivery d set
      state = case when d.state <> 'queued' then d.state
        when s.state <> 'queued' and d.outcome is not null then 'receipted' else s.state end,
      -- What was sent once more is an ordinary message again, should it have to go another time.
      priority = case when s.state = 'sent' and d.priority = 2 then 1 else d.priority end,
      last_code = s.code, lease = null, lease_until = null, reached = d.reached or s.reached,
      next_at = case when s.state = 'queued' and d.sent_at is null and d.event in ('submitted', 'revised') and d.revision < (
          select r.revision from reference r where r.originator = d.originator and r.id = d.reference_id)
        then least(s.next_at, ${now}) else s.next_at end,
      sent_at = case when s.state = 'sent' then coalesce(d.sent_at, ${now}) else d.sent_at end
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as s (id uuid, lease uuid, state text, code text, next_at timestamptz, reached boolean)
    where d.id = s.id and d.lease = s.lease`.execute(db);
}

/** A step of hastening: positions up to `to`, of which `held` rows were held by somebody else and are as they were. */
export interface Hastened {
  readonly to: string | undefined;
  readonly held: number;
}

/** Makes what waits for a partner because an attempt came to one of these codes due now: so many at most, behind a position. */
export async function hastenDeliveries(
  db: Database,
  {
    partner,
    codes,
    now,
    after,
    limit,
  }: { partner: string; codes: readonly string[]; now: Date; after: string; limit: number },
): Promise<Hastened> {
  const { rows } = await sql<{ last: string | null; held: number }>`
    with due as (
      select id, position from delivery where partner = ${partner} and state = 'queued' and next_at > ${now}
        and last_code = any(${[...codes]}::text[]) and position > ${after}::bigint
      order by position limit ${limit}
    ), free as (
      select id from delivery where id in (select id from due) and state = 'queued' for update skip locked
    ), moved as (
      update delivery set next_at = ${now} where id in (select id from free) returning id
    )
    select max(position)::text as last, (count(*) - (select count(*) from moved))::int as held from due`.execute(db);
  const [step] = rows;
  return { to: step?.last ?? undefined, held: step?.held ?? 0 };
}

/** When the next waiting delivery of each partner is due, for the worker's clock. */
export async function partnersWithWork(db: Database, now: Date): Promise<string[]> {
  const { rows } = await sql<{ partner: string }>`
    select p.issuer as partner from partner p
    cross join lateral (
      select 1 from delivery d where d.partner = p.issuer and d.state = 'queued'
        and (d.next_at <= ${now} or d.last_code = ${SEND_LIMIT}) and (d.lease_until is null or d.lease_until < ${now})
      -- By the order of its index: where most rows wait, reading the table from its delivered end seems cheaper, and is not.
      order by d.priority, d.position limit 1) w`.execute(db);
  return rows.map((row) => row.partner);
}

/** A delivery as it is queued; `payload` is for messages that do not carry a reference. */
export interface NewDelivery {
  readonly id: string;
  readonly position: number;
  readonly partner: string;
  readonly jti: string;
  readonly event: string;
  readonly originator: string | null;
  readonly reference_id: string | null;
  readonly revision: number | null;
  readonly priority: number;
  readonly payload: Record<string, unknown> | null;
  /** For a receipt: the jti of the message that it answers. */
  readonly answers?: string | null;
  /** The statement about a case that it carries. */
  readonly statement?: string | null;
  readonly at: Date;
}

/** The rows of deliveries to be queued; their numbers and signed bytes come with the first claim. */
export function deliveryInsert(deliveries: readonly NewDelivery[]): Insert {
  const rows = deliveries.map(({ at, answers = null, statement = null, ...delivery }) => ({
    ...delivery,
    answers,
    statement,
    state: 'queued',
    attempts: 0,
    next_at: at,
    created_at: at,
  }));
  return { table: 'delivery', rows };
}

/** For each of these deliveries, the digest of the message last signed for the same partner about the same reference. */
export async function lastDigests(db: Database, partner: string, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ id: string; digest: string }>`
    select d.id, e.digest from delivery d cross join lateral (
      select e.digest from delivery e
      where e.originator = d.originator and e.reference_id = d.reference_id and e.partner = ${partner}
        and e.event in ('submitted', 'revised') and e.digest is not null and e.position < d.position
      order by e.position desc limit 1) e
    where d.id = any(${[...ids]}::uuid[])`.execute(db);
  return new Map(rows.map((row) => [row.id, row.digest]));
}

/**
 * Ends deliveries of this lease: `dropped` where they may not go any more, `dead` where a person has to look. Gives those
 * that it ended: another transaction may have ended them before, and voided their numbers.
 */
export async function endClaimed(
  db: Database,
  ids: readonly string[],
  lease: string,
  end: { readonly state: 'dropped' | 'dead'; readonly code: string },
): Promise<{ id: string; epoch: string | null; n: number | null }[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<{ id: string; epoch: string | null; n: number | null }>`
    update delivery set state = ${end.state}, last_code = ${end.code}, lease = null, lease_until = null
    where id = any(${[...ids]}::uuid[]) and lease = ${lease}::uuid and state = 'queued' returning id, epoch, n`.execute(
    db,
  );
  return rows;
}

/**
 * Ends what waits about a reference, `unnumbered` or with a number: the newer revision that follows says everything. Gives
 * what had a number, to be voided. What is under way stays and keeps the revision waiting behind it, so that neither arrives
 * before its time: when it has ended, or whoever sends it has died, it is sent no more.
 */
export async function dropSuperseded(
  db: Database,
  name: { originator: string; id: string },
  which: 'unnumbered' | 'numbered',
  now: Date,
): Promise<{ id: string; partner: string; epoch: string | null; n: number | null }[]> {
  const numbered = which === 'numbered' ? sql`n is not null` : sql`n is null`;
  const { rows } = await sql<{ id: string; partner: string; epoch: string | null; n: number | null }>`
    update delivery set state = 'dropped', last_code = 'superseded', reached = ${reachedByNow}, lease = null, lease_until = null
    where originator = ${name.originator} and reference_id = ${name.id}::uuid and state = 'queued' and ${numbered}
      and event in ('submitted', 'revised') and sent_at is null and not ${isUnderWay(now)}
    returning id, partner, epoch, n`.execute(db);
  return rows;
}

/** Gives claims back at once; with `basis`, what was signed before is found to be right for that version of the directory. */
export async function releaseDeliveries(
  db: Database,
  ids: readonly string[],
  lease: string,
  basis?: number,
): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    update delivery set lease = null, lease_until = null, attempts = attempts - 1,
      basis = case when digest is null then basis else coalesce(${basis ?? null}::bigint, basis) end
    where id = any(${[...ids]}::uuid[]) and lease = ${lease}::uuid`.execute(db);
}

/** Leaves deliveries of this lease as they were before somebody wanted them sent once more: the partner has them. */
export async function restDeliveries(db: Database, ids: readonly string[], lease: string): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    update delivery set state = case when outcome is null then 'sent' else 'receipted' end, priority = least(priority, 1),
      lease = null, lease_until = null
    where id = any(${[...ids]}::uuid[]) and lease = ${lease}::uuid and state = 'queued'`.execute(db);
}
