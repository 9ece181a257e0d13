import { sql } from 'kysely';
import { firstMissing, LARGEST_JUMP, type Run } from '../domain/sequence.ts';
import type { Database, Trx } from './open.ts';
import type { GapTable } from './replay-tables.ts';
import { numbersAbove, voidedAbove } from './streams.ts';

interface Stream {
  readonly partner: string;
  readonly epoch: string;
}

const STEP = 1000;
/** Numbers read of one stretch at a time; a longer one is looked at again later. */
const MOST_STEPS = 20;

/**
 * Keeps the numbers that did not come. A hole behind a jump, and every one of a second new epoch within a day, are
 * kept as told and not asked for (protocol, "An event"). One that was closed by what turned out to be forged is open again.
 */
export async function keepGaps(trx: Trx, { partner, epoch }: Stream, holes: readonly Run[], at: Date): Promise<void> {
  if (holes.length === 0) return;
  await sql`
    with s as (
      select exists (
        select 1 from incoming_stream s join incoming_stream o on o.partner = s.partner and o.epoch <> s.epoch
          and o.first_at <= s.first_at and o.first_at > s.first_at - interval '1 day'
        join incoming_stream f on f.partner = o.partner and f.first_at < o.first_at
        where s.partner = ${partner} and s.epoch = ${epoch}::uuid) as again)
    insert into gap as g (partner, epoch, first, last, found_at, closed_at, why)
    select ${partner}, ${epoch}::uuid, h.first, h.last, ${at}::timestamptz,
      case when s.again or h.last - h.first >= ${LARGEST_JUMP} then ${at}::timestamptz end,
      case when s.again or h.last - h.first >= ${LARGEST_JUMP} then 'jump' end
    from s, jsonb_to_recordset(${JSON.stringify(holes.map(([first, last]) => ({ first, last })))}::jsonb) as h (first bigint, last bigint)
    on conflict (partner, epoch, first, last) do update set closed_at = null, why = null, found_at = excluded.found_at
      where g.why in ('arrived', 'voided') and excluded.why is null`.execute(trx);
}

/** Gaps that are open, those first that were not looked at for longest. */
export function openGaps(db: Database, limit: number): Promise<GapTable[]> {
  return db
    .selectFrom('gap')
    .selectAll()
    .where('closed_at', 'is', null)
    .orderBy(sql`looked_at nulls first`)
    .orderBy('partner')
    .orderBy('epoch')
    .orderBy('first')
    .limit(limit)
    .execute();
}

/** Notes that gaps were looked at, and of those that are closed why. */
export async function noteGaps(
  trx: Trx,
  gaps: readonly (Pick<GapTable, 'partner' | 'epoch' | 'first' | 'last'> & { readonly why: GapTable['why'] })[],
  at: Date,
): Promise<void> {
  if (gaps.length === 0) return;
  const rows = gaps.map(({ partner, epoch, first, last, why }) => ({ partner, epoch, first, last, why }));
  await sql`
    update gap g set looked_at = ${at}, why = w.why, closed_at = case when w.why is not null then ${at}::timestamptz end
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as w (partner text, epoch uuid, first bigint, last bigint, why text)
    where g.partner = w.partner and g.epoch = w.epoch and g.first = w.first and g.last = w.last and g.closed_at is null`.execute(
    trx,
  );
}

/** Closes as lost what of a stream's open gaps lies below a number; gives how many numbers those are. The rest stays open. */
export async function loseGaps(trx: Trx, { partner, epoch }: Stream, below: number, at: Date): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    with hit as (
      select first, last from gap where partner = ${partner} and epoch = ${epoch}::uuid and closed_at is null and first < ${below}),
    rest as (
      insert into gap (partner, epoch, first, last, found_at)
      select ${partner}, ${epoch}::uuid, ${below}::bigint, last, ${at}::timestamptz from hit where last >= ${below}
      on conflict do nothing),
    gone as (
      update gap g set closed_at = ${at}, why = 'lost' from hit
      where g.partner = ${partner} and g.epoch = ${epoch}::uuid and g.first = hit.first and g.last = hit.last)
    select coalesce(sum(least(last, ${below}::bigint - 1) - first + 1), 0)::bigint as n from hit`.execute(trx);
  return Number(rows[0]?.n ?? 0);
}

/** Closes as lost what of a stream's open gaps lies above a number; gives how many gaps those are. What lies below stays open. */
export async function loseAbove(trx: Trx, { partner, epoch }: Stream, above: number, at: Date): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    with hit as (
      select first, last from gap where partner = ${partner} and epoch = ${epoch}::uuid and closed_at is null and last > ${above}),
    rest as (
      insert into gap (partner, epoch, first, last, found_at)
      select ${partner}, ${epoch}::uuid, first, ${above}::bigint, ${at}::timestamptz from hit where first <= ${above}
      on conflict do nothing),
    gone as (
      update gap g set closed_at = ${at}, why = 'lost' from hit
      where g.partner = ${partner} and g.epoch = ${epoch}::uuid and g.first = hit.first and g.last = hit.last)
    select count(*) as n from hit`.execute(trx);
  return Number(rows[0]?.n ?? 0);
}

/** Whether a number above another one had come before an instant. */
export async function hadCome(
  db: Database,
  { partner, epoch }: Stream,
  { above, before }: { readonly above: number; readonly before: Date },
): Promise<boolean> {
  const row = await db
    .selectFrom('message')
    .select('jti')
    .where('issuer', '=', partner)
    .where('epoch', '=', epoch)
    .where('n', '>', above)
    .where('received_at', '<', before)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether a stream has a gap that is open. */
export async function hasOpenGap(db: Database, { partner, epoch }: Stream): Promise<boolean> {
  const gaps = db.selectFrom('gap').select('first').where('partner', '=', partner).where('epoch', '=', epoch);
  return (await gaps.where('closed_at', 'is', null).limit(1).executeTakeFirst()) !== undefined;
}

/** Whether a gap of a partner is open, or closed since an instant without having been filled. */
export async function isUnfilled(db: Database, partner: string, since: Date): Promise<boolean> {
  const row = await db
    .selectFrom('gap')
    .select('first')
    .where('partner', '=', partner)
    .where((where) =>
      where.or([
        where('closed_at', 'is', null),
        where.and([where('why', 'in', ['lost', 'jump']), where('closed_at', '>=', since)]),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * The first number of a stretch that neither came nor was voided; one above `to` where none is missing. Of a very long stretch
 * at least the number up to which it was looked at.
 */
export async function firstMissingOf(
  db: Database,
  stream: Stream,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<number> {
  let reached = from;
  for (let step = 0; step < MOST_STEPS && reached <= to; step += 1) {
    const voided = (await voidedAbove(db, stream, reached - 1)).map(({ first, last }): Run => [first, last]);
    const came = (await numbersAbove(db, stream, reached - 1, STEP)).map(({ n }) => n);
    const next = firstMissing(reached, came, voided);
    if (next === reached) break;
    reached = next;
  }
  return Math.min(reached, to + 1);
}

/** Whether anything of a stretch came as itself. */
export async function hasArrived(db: Database, { partner, epoch }: Stream, from: number, to: number): Promise<boolean> {
  const row = await db
    .selectFrom('message')
    .select('jti')
    .where('issuer', '=', partner)
    .where('epoch', '=', epoch)
    .where('n', '>=', from)
    .where('n', '<=', to)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Whether a stream has come up to below a number, and all from another one on came or was voided. The floor alone does not say
 * so: it passes holes once they are told of.
 */
export async function isWhole(
  db: Database,
  { partner, epoch }: Stream,
  { from, below }: { readonly from: number; readonly below: number },
): Promise<boolean> {
  const { rows } = await sql<{ whole: boolean }>`
    select s.floor >= ${below}::bigint - 1 and not exists (
      select 1 from gap g where g.partner = s.partner and g.epoch = s.epoch and g.first < ${below} and g.last >= ${from}
        and coalesce(g.why in ('lost', 'jump'), true)) as whole
    from incoming_stream s where s.partner = ${partner} and s.epoch = ${epoch}::uuid`.execute(db);
  return rows[0]?.whole ?? false;
}

/** The highest number of a stream that came; 0 where none did. */
export async function highestNumber(db: Database, { partner, epoch }: Stream): Promise<number> {
  const row = await db
    .selectFrom('incoming_stream')
    .select('highest')
    .where('partner', '=', partner)
    .where('epoch', '=', epoch)
    .executeTakeFirst();
  return row?.highest ?? 0;
}

/** Of numbers that just came, those that had come before under another jti. */
export async function reusedNumbers(
  trx: Trx,
  came: readonly { partner: string; epoch: string; n: number; jti: string }[],
): Promise<{ partner: string; epoch: string }[]> {
  if (came.length === 0) return [];
  const { rows } = await sql<{ partner: string; epoch: string }>`
    select distinct w.partner, w.epoch from jsonb_to_recordset(${JSON.stringify(came)}::jsonb)
      as w (partner text, epoch uuid, n bigint, jti text)
    where exists (
      select 1 from message m where m.issuer = w.partner and m.epoch = w.epoch and m.n = w.n and m.jti <> w.jti)`.execute(
    trx,
  );
  return rows;
}
