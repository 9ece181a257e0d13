import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';
import type { ReplayRequestTable } from './replay-tables.ts';

interface Stream {
  readonly partner: string;
  readonly epoch: string;
}

/** Wants a stream again from a number on. One that waits to be asked for is widened; what was granted goes on beside it. */
export async function putWanted(
  trx: Trx,
  wanted: Stream & { from: number; cause: ReplayRequestTable['cause']; at: Date; attempts?: number },
): Promise<void> {
  const { partner, epoch, from, cause, at, attempts = 0 } = wanted;
  await sql`
    insert into replay_request as q (id, partner, epoch, from_n, cause, state, attempts, created_at, next_at)
    values (gen_random_uuid(), ${partner}, ${epoch}::uuid, ${from}, ${cause}, 'wanted', ${attempts}, ${at}, ${at})
    on conflict (partner, epoch, state) where state in ('wanted', 'granted') do update set
      from_n = least(q.from_n, excluded.from_n),
      cause = case when excluded.cause = 'state' then 'state' else q.cause end,
      created_at = case when excluded.cause = 'state' then excluded.created_at else q.created_at end`.execute(trx);
}

/** What is waited for of a partner that cannot be asked: it sends that once more by itself. */
export async function putAwaited(trx: Trx, awaited: Stream & { from: number; to: number; at: Date }): Promise<void> {
  const { partner, epoch, from, to, at } = awaited;
  await sql`
    insert into replay_request as q (id, partner, epoch, from_n, to_n, cause, state, code, created_at, next_at)
    values (gen_random_uuid(), ${partner}, ${epoch}::uuid, ${from}, ${to}, 'state', 'granted', 'awaited', ${at}, ${at})
    on conflict (partner, epoch, state) where state in ('wanted', 'granted') do update set
      from_n = least(q.from_n, excluded.from_n), to_n = greatest(q.to_n, excluded.to_n), cause = 'state',
      created_at = excluded.created_at`.execute(trx);
}

/** Whether a partner publishes an address at which it is asked for replays; a condition on its issuer. */
const isAskable = (partner: string) =>
  sql<boolean>`exists (select 1 from partner p where p.issuer = ${sql.ref(partner)} and p.endpoints ? 'replay')`;

/** Streams with open gaps that nobody has asked for, of partners that can be asked. */
export async function unasked(db: Database, limit: number): Promise<(Stream & { from: number })[]> {
  const { rows } = await sql<Stream & { from: number }>`
    select g.partner, g.epoch, min(g.first) as from from gap g
    where g.closed_at is null and ${isAskable('g.partner')} and not exists (
      select 1 from replay_request q where q.partner = g.partner and q.epoch = g.epoch and q.state in ('wanted', 'granted'))
    group by g.partner, g.epoch order by g.partner, g.epoch limit ${limit}`.execute(db);
  return rows;
}

/** Requests that were granted, or are awaited without one, locked until the transaction ends; `askable` of their partner. */
export function lockGranted(trx: Trx, limit: number): Promise<(ReplayRequestTable & { askable: boolean })[]> {
  const query = trx.selectFrom('replay_request').selectAll().select(isAskable('replay_request.partner').as('askable'));
  const granted = query.where('state', '=', 'granted').orderBy('asked_at');
  return granted.limit(limit).forUpdate().skipLocked().execute();
}

/** Requests that wait to be asked of partners that cannot be asked, locked until the transaction ends. */
export function lockUnaskable(trx: Trx, limit: number): Promise<ReplayRequestTable[]> {
  const query = trx.selectFrom('replay_request').selectAll().where('state', '=', 'wanted');
  const left = query.where((where) => where.not(isAskable('replay_request.partner'))).orderBy('created_at');
  return left.limit(limit).forUpdate().skipLocked().execute();
}

/** Partners that something is to be asked of. */
export async function partnersToAsk(db: Database, now: Date): Promise<string[]> {
  const { rows } = await sql<{ partner: string }>`
    select distinct partner from replay_request
    where state = 'wanted' and next_at <= ${now} and (lease_until is null or lease_until < ${now})
    order by partner`.execute(db);
  return rows.map(({ partner }) => partner);
}

/**
 * Takes the request of a partner that is due, under a lease, and notes when it is asked; undefined where it was asked for
 * anything since `notSince`, or what it granted since `quietSince` is still under way, or of the same stream at any time: that
 * one ends first. To be called under a lock by its name.
 */
export async function claimRequest(
  trx: Trx,
  partner: string,
  claim: { now: Date; notSince: Date; quietSince: Date; lease: string; leaseUntil: Date },
): Promise<ReplayRequestTable | undefined> {
  const { rows } = await sql<ReplayRequestTable>`
    update replay_request set lease = ${claim.lease}::uuid, lease_until = ${claim.leaseUntil}, asked_at = ${claim.now},
      attempts = attempts + 1
    where id = (
      select q.id from replay_request q
      where q.partner = ${partner} and q.state = 'wanted' and q.next_at <= ${claim.now}
        and (q.lease_until is null or q.lease_until < ${claim.now})
        and not exists (
          select 1 from replay_request o where o.partner = q.partner and (o.asked_at > ${claim.notSince}
            or (o.state = 'granted' and (o.epoch = q.epoch or o.asked_at > ${claim.quietSince}))))
      order by q.next_at, q.created_at limit 1)
    returning *`.execute(trx);
  return rows[0];
}

/** What became of a request; `asked` false where nobody at the partner has seen it. */
export interface RequestEnd {
  readonly state: ReplayRequestTable['state'];
  readonly code: string | null;
  readonly at: Date;
  readonly nextAt?: Date;
  readonly from?: number;
  readonly to?: number | null;
  readonly asked?: boolean;
}

/** Moves a request on, and gives its lease back. */
export async function moveRequest(trx: Trx, id: string, end: RequestEnd): Promise<void> {
  const over = end.state === 'done' || end.state === 'refused';
  const granted = end.state === 'granted' ? 1 : 0;
  await sql`
    update replay_request set state = ${end.state}, code = ${end.code}, lease = null, lease_until = null,
      next_at = coalesce(${end.nextAt ?? null}::timestamptz, next_at), from_n = coalesce(${end.from ?? null}::bigint, from_n),
      to_n = ${end.to === undefined ? sql`to_n` : sql`${end.to}::bigint`},
      asked_at = case when ${end.asked ?? true}::boolean then asked_at end,
      settled_at = ${over ? end.at : null},
      grants = grants + ${granted}::int, attempts = case when ${granted} = 1 then 0 else attempts end
    where id = ${id}::uuid`.execute(trx);
}

/** Makes what waits to be asked of a partner due now; it is asked every ten minutes at most all the same. */
export async function hastenRequests(trx: Trx, partner: string, at: Date): Promise<void> {
  await sql`
    update replay_request set next_at = ${at} where partner = ${partner} and state = 'wanted' and next_at > ${at}`.execute(
    trx,
  );
}

/** Whether another request for the same stream waits to be asked. */
export async function isWanted(db: Database, { partner, epoch }: Stream): Promise<boolean> {
  const row = await db
    .selectFrom('replay_request')
    .select('id')
    .where('partner', '=', partner)
    .where('epoch', '=', epoch)
    .where('state', '=', 'wanted')
    .executeTakeFirst();
  return row !== undefined;
}

/** The newest request for a stream. */
export function newestRequest(db: Database, { partner, epoch }: Stream): Promise<ReplayRequestTable | undefined> {
  return db
    .selectFrom('replay_request')
    .selectAll()
    .where('partner', '=', partner)
    .where('epoch', '=', epoch)
    .orderBy('created_at', 'desc')
    .orderBy(sql`state = 'wanted'`, 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** When the open alert of a code was first raised for a partner; undefined where none is open. */
export async function openSince(db: Database, code: string, partner: string): Promise<Date | undefined> {
  const row = await db
    .selectFrom('alert')
    .select('first_at')
    .where('code', '=', code)
    .where('partner', '=', partner)
    .where('acknowledged_at', 'is', null)
    .executeTakeFirst();
  return row?.first_at;
}
