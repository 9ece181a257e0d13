import { sql } from 'kysely';
import type { AlertCode } from '../domain/alert.ts';
import type { Database, Trx } from './open.ts';

/** A partner whose key set this process asks for now. */
export interface ClaimedRefresh {
  readonly issuer: string;
  readonly is_local: boolean;
  readonly etag: string | null;
  readonly failures: number;
  /** Whether it was its turn; else somebody wanted it earlier. */
  readonly in_turn: boolean;
  /** When it was taken: the answer is as old as that, and no answer to what was wished for later. */
  readonly tried_at: Date;
}

/** What an answer leaves behind; `askedAt` null where nobody asked. */
interface Refreshed {
  readonly at: Date;
  readonly dueAt: Date;
  readonly etag: string | null;
  readonly askedAt: Date | null;
}

/** No partner is asked more often than this, whatever happens and however many processes there are. */
const LEAST_PAUSE_MS = 60_000;

/** Partners that are asked: those whose messages are looked at, a suspended one's withdrawals included. */
const asked = sql`state in ('active', 'suspended')`;

/**
 * Takes partners whose turn has come, or that were wanted since they were asked last. One conditional update decides, so
 * that of several processes one asks. A wish stays until the answer to a later question is noted, earlier than that question:
 * where the process dies over it, it is taken again a minute later. One at the very instant of the last question was heard in
 * vain.
 */
export async function claimRefreshes(db: Database, now: Date, limit: number): Promise<ClaimedRefresh[]> {
  if (limit < 1) return [];
  const before = new Date(now.getTime() - 1);
  const { rows } = await sql<ClaimedRefresh>`
    with due as materialized (
      select issuer from partner
      where ${asked} and (refresh_tried_at is null or refresh_tried_at <= ${new Date(now.getTime() - LEAST_PAUSE_MS)})
        and (refresh_due_at is null or refresh_due_at <= ${now}
          or (refresh_wanted_at is not null and refresh_wanted_at is distinct from refresh_tried_at))
      order by refresh_tried_at nulls first, issuer limit ${limit} for no key update skip locked)
    update partner p set refresh_tried_at = ${now},
      refresh_wanted_at = case when p.refresh_wanted_at is not null then least(p.refresh_wanted_at, ${before}) end
    from due where p.issuer = due.issuer
    returning p.issuer, p.is_local, p.key_set_etag as etag, p.refresh_failures as failures, p.refresh_tried_at as tried_at,
      (p.refresh_due_at is null or p.refresh_due_at <= ${now}) as in_turn`.execute(db);
  return rows;
}

/**
 * Notes that a partner's key set is wanted out of turn, after the question that may be under way. A wish that waits stays as
 * it is, and so does one that was heard in vain, until the next turn: a flood of wishes asks a partner that does not answer
 * twice a step, and not every minute.
 */
export async function wishRefresh(db: Database, issuer: string, at: Date): Promise<void> {
  await sql`
    update partner set refresh_wanted_at = greatest(${at}, refresh_tried_at + interval '1 millisecond')
    where issuer = ${issuer} and ${asked}
      and (refresh_wanted_at is null or refresh_wanted_at < refresh_tried_at
        or (refresh_failures = 0 and refresh_wanted_at = refresh_tried_at))`.execute(db);
}

/** SQL: the wish, where it came after the question of this instant; one of before is answered. */
const wishSince = (since: Date) => sql`case when refresh_wanted_at > ${since} then refresh_wanted_at end`;

/**
 * The key set is the newest: it came, or the partner said that ours is. `etag` is what it came with, `askedAt` when it was
 * asked for; null where it was pushed, which may have been made before whatever was wished for.
 */
export async function settleRefreshed(
  trx: Database,
  issuer: string,
  { at, dueAt, etag, askedAt }: Refreshed,
): Promise<void> {
  const wish = askedAt === null ? sql`refresh_wanted_at` : wishSince(askedAt);
  await sql`
    update partner set refreshed_at = ${at}, refresh_due_at = ${dueAt}, refresh_failures = 0, refresh_wanted_at = ${wish},
      key_set_etag = ${etag}
    where issuer = ${issuer}`.execute(trx);
}

/** A try that failed: the next turn is at `dueAt`, and until then one wish is heard. */
export async function settleFailed(db: Database, { issuer, tried_at }: ClaimedRefresh, dueAt: Date): Promise<void> {
  await sql`
    update partner set refresh_failures = least(refresh_failures + 1, 1000), refresh_due_at = ${dueAt},
      refresh_wanted_at = ${wishSince(tried_at)}
    where issuer = ${issuer}`.execute(db);
}

/** A wish that failed between the turns was heard in vain: none is heard before the next turn. */
export async function settleInVain(db: Database, { issuer, tried_at }: ClaimedRefresh): Promise<void> {
  await sql`
    update partner set refresh_wanted_at = refresh_tried_at
    where issuer = ${issuer} and refresh_tried_at = ${tried_at} and refresh_wanted_at is not null`.execute(db);
}

/** Partners whose key set nobody could get since an instant; one that only polls brings its own, and cannot be asked. */
export async function partnersUnrefreshed(db: Database, since: Date, limit: number): Promise<string[]> {
  const { rows } = await sql<{ issuer: string }>`
    select issuer from partner
    where ${asked} and jsonb_exists(endpoints, 'push') and greatest(refreshed_at, confirmed_at, added_at) <= ${since}
    order by issuer limit ${limit}`.execute(db);
  return rows.map(({ issuer }) => issuer);
}

/** Whether an alert of this code is open for a partner. */
export async function isAlertOpen(db: Database, code: AlertCode, partner: string): Promise<boolean> {
  const row = await db
    .selectFrom('alert')
    .select('id')
    .where('code', '=', code)
    .where('partner', '=', partner)
    .where('acknowledged_at', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}

/** Closes the open alerts of this code for a partner, since their cause has gone; gives their ids. */
export async function closeAlertsOf(trx: Trx, code: AlertCode, partner: string, at: Date): Promise<string[]> {
  const rows = await trx
    .updateTable('alert')
    .set({ acknowledged_at: at })
    .where('code', '=', code)
    .where('partner', '=', partner)
    .where('acknowledged_at', 'is', null)
    .returning('id')
    .execute();
  return rows.map(({ id }) => id);
}

/** Of these kids those that another partner has, or had. */
export async function kidsElsewhere(db: Database, issuer: string, kids: readonly string[]): Promise<string[]> {
  if (kids.length === 0) return [];
  const { rows } = await sql<{ kid: string }>`
    select kid from partner_key where kid = any(${[...kids]}::text[]) and issuer <> ${issuer}
    union select identity_kid from partner where identity_kid = any(${[...kids]}::text[]) and issuer <> ${issuer}`.execute(
    db,
  );
  return rows.map(({ kid }) => kid);
}
