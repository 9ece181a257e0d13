import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';
import { isSuspect } from './suspect.ts';

/** The highest number of one epoch among what arrives together. */
export interface Reached {
  readonly partner: string;
  readonly epoch: string;
  readonly n: number;
}

export interface StreamBefore {
  readonly partner: string;
  readonly epoch: string;
  /** The highest number before; null where the epoch is new. */
  readonly highest: number | null;
  /** Other epochs of this partner that followed another within a day: the first one ever is no change. */
  readonly others: number;
  /** Epochs of this partner that were watched. */
  readonly watched: number;
}

/** Notes how far partners' numbers reach, and tells where they stood before. */
export async function noteReached(
  trx: Trx,
  reached: readonly Reached[],
  at: Date,
  dayAgo: Date,
): Promise<StreamBefore[]> {
  if (reached.length === 0) return [];
  const { rows } = await sql<StreamBefore>`
    with w as (
      select * from jsonb_to_recordset(${JSON.stringify(reached)}::jsonb) as w (partner text, epoch uuid, n bigint)
      order by partner, epoch),
    put as (
      insert into incoming_stream as s (partner, epoch, highest, first_at)
      select partner, epoch, n, ${at} from w
      on conflict (partner, epoch) do update set highest = greatest(s.highest, excluded.highest))
    select w.partner, w.epoch, s.highest,
      (select count(*)::int from incoming_stream o
        where o.partner = w.partner and o.epoch <> w.epoch and o.first_at > ${dayAgo} and exists (
          select 1 from incoming_stream f where f.partner = o.partner and f.first_at < o.first_at)) as others,
      (select count(*)::int from incoming_stream o where o.partner = w.partner) as watched
    from w left join incoming_stream s on s.partner = w.partner and s.epoch = w.epoch`.execute(trx);
  return rows;
}

/**
 * Keeps so many epochs of a partner that begins one after the other, and forgets the rest. What has holes stays, then the one that
 * came furthest, then those that began now. Gives how many were forgotten.
 */
export async function boundStreams(trx: Trx, partner: string, most: number, at: Date): Promise<number> {
  const { rows } = await sql`
    delete from incoming_stream s using (
      select epoch, row_number() over (order by
        case when floor < highest and first_at < ${at} then 0 when first_at < ${at} and height = 1 then 1
          when first_at >= ${at} then 2 else 3 end, first_at desc, epoch) as k
      from (
        select *, row_number() over (partition by first_at < ${at} order by highest desc, first_at, epoch) as height
        from incoming_stream where partner = ${partner}) o) w
    where s.partner = ${partner} and s.epoch = w.epoch and w.k > ${most} returning s.epoch`.execute(trx);
  return rows.length;
}

/** Numbers that a partner said will never come, and the message that said it. */
export interface VoidedRun {
  readonly partner: string;
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
  readonly jti: string;
}

export async function keepVoided(trx: Trx, runs: readonly VoidedRun[], at: Date): Promise<void> {
  if (runs.length === 0) return;
  await sql`
    insert into voided_run (partner, epoch, first, last, jti, at)
    select distinct partner, epoch, first, last, jti, ${at}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(runs)}::jsonb)
      as v (partner text, epoch uuid, first bigint, last bigint, jti text)
    on conflict do nothing`.execute(trx);
}

/** The highest numbers that came of these streams, by "partner epoch". */
export async function highestOf(trx: Trx, streams: readonly { partner: string; epoch: string }[]) {
  if (streams.length === 0) return new Map<string, number>();
  const { rows } = await sql<{ partner: string; epoch: string; highest: number }>`
    select s.partner, s.epoch, s.highest from incoming_stream s where (s.partner, s.epoch) in (
      select partner, epoch from jsonb_to_recordset(${JSON.stringify(streams)}::jsonb) as w (partner text, epoch uuid))`.execute(
    trx,
  );
  return new Map(rows.map((row) => [`${row.partner} ${row.epoch}`, row.highest]));
}

/** Forgets the runs that suspect messages brought: their streams are walked again from where these began. */
export async function dropSuspectRuns(trx: Trx, partner: string): Promise<void> {
  await sql`
    with gone as (
      delete from voided_run r using message m
      where r.partner = ${partner} and m.issuer = r.partner and m.jti = r.jti and ${isSuspect('m')}
      returning r.epoch, r.first),
    begun as (select epoch, min(first) as first from gone group by epoch)
    update incoming_stream s set floor = greatest(least(s.floor, b.first - 1), 0), walked_at = null
    from begun b where s.partner = ${partner} and s.epoch = b.epoch`.execute(trx);
}

/**
 * Streams whose numbers are not accounted for up to the highest. Partners take turns, so that one with many of them keeps nobody
 * waiting; of one partner those first that were not looked at for longest, a new one from its beginning on.
 */
export async function unsettledStreams(db: Database, limit: number) {
  const { rows } = await sql<{ partner: string; epoch: string; floor: number; highest: number }>`
    select partner, epoch, floor, highest from (
      select partner, epoch, floor, highest, coalesce(walked_at, first_at) as since,
        row_number() over (partition by partner order by coalesce(walked_at, first_at), epoch) as turn
      from incoming_stream where floor < highest) s
    order by turn, since, partner limit ${limit}`.execute(db);
  return rows;
}

/** Numbers of a stream that came, from above `floor` on, ascending. */
export async function numbersAbove(
  db: Database,
  stream: { partner: string; epoch: string },
  floor: number,
  limit: number,
) {
  const { rows } = await sql<{ n: number; received_at: Date }>`
    select n, received_at from message
    where issuer = ${stream.partner} and epoch = ${stream.epoch}::uuid and n > ${floor} order by n limit ${limit}`.execute(
    db,
  );
  return rows;
}

/** Numbers above `floor` that the partner said will never come. */
export async function voidedAbove(db: Database, stream: { partner: string; epoch: string }, floor: number) {
  return db
    .selectFrom('voided_run')
    .select(['first', 'last'])
    .where('partner', '=', stream.partner)
    .where('epoch', '=', stream.epoch)
    .where('last', '>', floor)
    .orderBy('first')
    .limit(1000)
    .execute();
}

/** Moves the floor of a stream up, never down. */
export async function raiseFloor(
  db: Database,
  stream: { partner: string; epoch: string },
  floor: number,
  at: Date,
): Promise<void> {
  await sql`
    update incoming_stream set floor = greatest(floor, ${floor}), walked_at = ${at}
    where partner = ${stream.partner} and epoch = ${stream.epoch}::uuid`.execute(db);
}

/** Forgets what a stream's floor has passed and was said before an instant: what is younger may turn out to be forged. */
export async function forgetVoided(
  db: Database,
  stream: { partner: string; epoch: string },
  { floor, before }: { readonly floor: number; readonly before: Date },
): Promise<void> {
  await db
    .deleteFrom('voided_run')
    .where('partner', '=', stream.partner)
    .where('epoch', '=', stream.epoch)
    .where('last', '<=', floor)
    .where('at', '<', before)
    .execute();
}
