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
}

/** No partner is asked more often than this, whatever happens and however many processes there are. */
const LEAST_PAUSE_MS = 60_000;

/** Partners that are asked: those whose messages are looked at, a suspended one's withdrawals included. */
const asked = sql`state in ('active', 'suspended')`;

/**
 * Takes partners whose turn has come, or that were wanted since they were asked last. One conditional update decides, so
 * that of several processes one asks; a process that dies has asked, and the next turn is a minute later.
 */
export async function claimRefreshes(db: Database, now: Date, limit: number): Promise<ClaimedRefresh[]> {
  if (limit < 1) return [];
  const { rows } = await sql<ClaimedRefresh>`
    with due as materialized (
      select issuer from partner
      where ${asked} and (refresh_tried_at is null or refresh_tried_at <= ${new Date(now.getTime() - LEAST_PAUSE_MS)})
        and (refresh_due_at is null or refresh_due_at <= ${now}
          or (refresh_wanted_at is not null and (refresh_tried_at is null or refresh_wanted_at > refresh_tried_at)))
      order by refresh_tried_at nulls first, issuer limit ${limit} for no key update skip locked)
    update partner p set refresh_tried_at = ${now} from due where p.issuer = due.issuer
    returning p.issuer, p.is_local, p.key_set_etag as etag, p.refresh_failures as failures,
      (p.refresh_due_at is null or p.refresh_due_at <= ${now}) as in_turn`.execute(db);
  return rows;
}

/**
 * Notes that a partner's key set is wanted out of turn. A wish that waits stays as it is, and so does one that was tried in
 * vain, until the next turn: a flood of wishes asks a partner that does not answer twice a step, and not every minute.
 */
export async function wishRefresh(db: Database, issuer: string, at: Date): Promise<void> {
  await sql`
    update partner set refresh_wanted_at = greatest(${at}, refresh_tried_at + interval '1 millisecond')
    where issuer = ${issuer} and ${asked}
      and (refresh_wanted_at is null or (refresh_failures = 0 and refresh_wanted_at <= refresh_tried_at))`.execute(db);
}

/** The key set is the newest: it came, or the partner said that ours is. `etag` is what it came with. */
export async function settleRefreshed(
  trx: Database,
  issuer: string,
  { at, dueAt, etag }: { readonly at: Date; readonly dueAt: Date; readonly etag: string | null },
): Promise<void> {
  await sql`
    update partner set refreshed_at = ${at}, refresh_due_at = ${dueAt}, refresh_failures = 0, refresh_wanted_at = null,
      key_set_etag = ${etag}
    where issuer = ${issuer}`.execute(trx);
}

/** A try that failed: the next turn is at `dueAt`, and until then one wish is heard. */
export async function settleFailed(db: Database, issuer: string, dueAt: Date): Promise<void> {
  await sql`
    update partner set refresh_failures = least(refresh_failures + 1, 1000), refresh_due_at = ${dueAt}, refresh_wanted_at = null
    where issuer = ${issuer}`.execute(db);
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
