import { sql } from 'kysely';
import { type AlertCause, alertMeaning } from '../domain/alert.ts';
import type { Database, Trx } from './open.ts';

/** An alert that was not open before. */
export interface Raised {
  readonly id: string;
  readonly code: string;
  readonly partner: string;
  readonly subject: string;
}

const DAY = 86_400_000;
/** Alerts of one kind from one partner in a day that count by themselves; what is more is counted together. */
const MOST_EACH = 10;
const TOGETHER = 'more';

interface Grouped {
  readonly code: string;
  readonly partner: string;
  readonly scope: string;
  readonly subject: string;
  readonly count: number;
}

/** Causes of one alert become one row, in an order that two transactions share. */
function group(causes: readonly AlertCause[], crowded: ReadonlySet<string>): Grouped[] {
  const groups = new Map<string, Grouped>();
  for (const { code, partner = '', subject = '' } of causes) {
    const alone = alertMeaning(code).each === true;
    const scope = alone ? (crowded.has(`${code} ${partner}`) ? TOGETHER : subject) : '';
    const name = `${code} ${partner} ${scope}`;
    groups.set(name, { code, partner, scope, subject, count: (groups.get(name)?.count ?? 0) + 1 });
  }
  return [...groups.keys()].sort().map((name) => groups.get(name) as Grouped);
}

/** Kinds that a partner has raised so often today that each by itself would only bury the others. */
async function crowdedKinds(trx: Database, causes: readonly AlertCause[], at: Date): Promise<Set<string>> {
  const alone = causes.filter(({ code }) => alertMeaning(code).each === true);
  if (alone.length === 0) return new Set();
  const { rows } = await sql<{ kind: string }>`
    select code || ' ' || partner as kind from alert
    where code = any(${[...new Set(alone.map(({ code }) => code))]}::text[]) and first_at > ${new Date(at.getTime() - DAY)}
    group by code, partner having count(*) >= ${MOST_EACH}`.execute(trx);
  return new Set(rows.map(({ kind }) => kind));
}

/** What was closed a moment ago stays quiet for its time. */
async function withoutQuiet(trx: Database, groups: readonly Grouped[], at: Date): Promise<Grouped[]> {
  const quiet = groups.filter(({ code }) => alertMeaning(code).quietHours !== undefined);
  if (quiet.length === 0) return [...groups];
  const wanted = quiet.map(({ code, partner, scope }) => {
    const since = new Date(at.getTime() - (alertMeaning(code).quietHours ?? 0) * 3_600_000).toISOString();
    return { code, partner, scope, since };
  });
  const { rows } = await sql<{ name: string }>`
    select w.code || ' ' || w.partner || ' ' || w.scope as name
    from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as w (code text, partner text, scope text, since timestamptz)
    where exists (select 1 from alert a where a.code = w.code and a.partner = w.partner and a.scope = w.scope
      and a.acknowledged_at > w.since)`.execute(trx);
  const closed = new Set(rows.map(({ name }) => name));
  return groups.filter(({ code, partner, scope }) => !closed.has(`${code} ${partner} ${scope}`));
}

/**
 * Raises alerts in the transaction that causes them. One that is open already only counts on, so that an outage of a
 * thousand messages is one alert; `seenAgain` is for what is looked up every minute and must not count itself.
 * @returns those that were not open before.
 */
export async function raiseAlerts(
  trx: Trx,
  causes: readonly AlertCause[],
  at: Date,
  { seenAgain = false } = {},
): Promise<Raised[]> {
  if (causes.length === 0) return [];
  const groups = await withoutQuiet(trx, group(causes, await crowdedKinds(trx, causes, at)), at);
  if (groups.length === 0) return [];
  const { rows } = await sql<Raised & { fresh: boolean }>`
    insert into alert as a (id, code, partner, scope, subject, first_at, last_at, count, tell_after)
    select gen_random_uuid(), g.code, g.partner, g.scope, g.subject, ${at}, ${at}, g.count, ${at}
    from jsonb_to_recordset(${JSON.stringify(groups)}::jsonb) as g (code text, partner text, scope text, subject text, count bigint)
    on conflict (code, partner, scope) where acknowledged_at is null
    do update set last_at = excluded.last_at, subject = case when ${seenAgain} then a.subject else excluded.subject end,
      count = a.count + case when ${seenAgain} then 0 else excluded.count end
    returning a.id, a.code, a.partner, a.subject, (a.xmax = 0) as fresh`.execute(trx);
  return rows.filter(({ fresh }) => fresh).map(({ fresh: _, ...raised }) => raised);
}

/** Alerts that nobody has closed, oldest first. */
export function openAlerts(db: Database, limit: number) {
  return db
    .selectFrom('alert')
    .select(['id', 'code', 'partner', 'subject', 'first_at', 'last_at', 'count', 'told_at'])
    .where('acknowledged_at', 'is', null)
    .orderBy('first_at')
    .orderBy('id')
    .limit(limit)
    .execute();
}

/** Closes an open alert; undefined when there is none of this id. */
export async function closeAlert(db: Database, id: string, at: Date) {
  return db
    .updateTable('alert')
    .set({ acknowledged_at: at })
    .where('id', '=', id)
    .where('acknowledged_at', 'is', null)
    .returning(['id', 'code', 'partner'])
    .executeTakeFirst();
}

/** Closes the open alert about one thing; gives its id where there was one. */
export async function closeAlertAbout(
  trx: Trx,
  { code, partner, scope }: { readonly code: string; readonly partner: string; readonly scope: string },
  at: Date,
): Promise<string | undefined> {
  const row = await trx
    .updateTable('alert')
    .set({ acknowledged_at: at })
    .where('code', '=', code)
    .where('partner', '=', partner)
    .where('scope', '=', scope)
    .where('acknowledged_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row?.id;
}

/** Closes the open alerts about one thing, of whichever partner they tell. */
export async function closeAlertsOn(
  trx: Trx,
  { code, scope }: { readonly code: string; readonly scope: string },
  at: Date,
): Promise<{ id: string; partner: string }[]> {
  return trx
    .updateTable('alert')
    .set({ acknowledged_at: at })
    .where('code', '=', code)
    .where('scope', '=', scope)
    .where('acknowledged_at', 'is', null)
    .returning(['id', 'partner'])
    .execute();
}

/** An alert that the operator's command has not been run for. */
export interface Untold {
  readonly id: string;
  readonly code: string;
}

/** Takes what is to be told now, oldest first; whoever dies in the telling leaves it to be told again after `again`. */
export async function claimUntold(
  db: Database,
  now: Date,
  again: Date,
  tellings: number,
  limit: number,
): Promise<Untold[]> {
  const { rows } = await sql<Untold & { first_at: Date }>`
    update alert set tell_after = ${again}, tellings = tellings + 1 where id in (
      select id from alert where told_at is null and acknowledged_at is null and tell_after <= ${now} and tellings < ${tellings}
      order by first_at limit ${limit} for update skip locked)
    returning id, code, first_at`.execute(db);
  return rows.sort((a, b) => a.first_at.getTime() - b.first_at.getTime()).map(({ id, code }) => ({ id, code }));
}

/** Marks alerts as told. */
export async function markTold(db: Database, ids: readonly string[], at: Date): Promise<void> {
  if (ids.length === 0) return;
  await sql`update alert set told_at = ${at} where id = any(${[...ids]}::uuid[])`.execute(db);
}
