import { sql } from 'kysely';
import type { CaseCourseTable, CaseStatementTable } from './case-tables.ts';
import { isTold, notAskedBack } from './may-hold.ts';
import type { Database, Trx } from './open.ts';
import type { NewRow } from './rows.ts';
import { isSuspect } from './suspect.ts';

interface Name {
  readonly originator: string;
  readonly id: string;
}

/** One entry of the log; `suspect` where nobody answers for the message that brought it. */
export type StatementRow = CaseStatementTable & { readonly suspect: boolean };

const named = (names: readonly Name[]) =>
  sql`jsonb_to_recordset(${JSON.stringify(names.map(({ originator, id }) => ({ originator, id })))}::jsonb)
    as w (originator text, id uuid)`;

/** The log of these references in the order in which this node learned of it, refused entries too. */
export async function statementRows(db: Database, names: readonly Name[]): Promise<StatementRow[]> {
  if (names.length === 0) return [];
  const { rows } = await sql<StatementRow>`
    select s.*, coalesce(${isSuspect('m')}, false) as suspect from ${named(names)}
    join case_statement s on s.originator = w.originator and s.reference_id = w.id
    left join message m on m.issuer = s.sender and m.jti = s.carrier
    order by s.position`.execute(db);
  return rows;
}

/** What was made of the logs of these references. */
export async function courseRows(db: Database, names: readonly Name[]): Promise<CaseCourseTable[]> {
  if (names.length === 0) return [];
  const { rows } = await sql<CaseCourseTable>`
    select c.* from ${named(names)} join case_course c on c.originator = w.originator and c.reference_id = w.id`.execute(
    db,
  );
  return rows;
}

/**
 * Whom this node told which statement of a reference, as `statement partner`. What was ended before it left, since the reference
 * was not to go to that partner, is told when it may go again: else it would come there without the hold that it is under.
 */
export async function tellings(db: Database, name: Name): Promise<Set<string>> {
  const { rows } = await sql<{ pair: string }>`
    select t.statement || ' ' || t.partner as pair from case_statement s join case_telling t on t.statement = s.id
    where s.originator = ${name.originator} and s.reference_id = ${name.id}::uuid and not exists (
      select 1 from delivery d where d.partner = t.partner and d.jti = t.jti and d.state = 'dropped'
        and d.last_code in ('withdrawn', 'restricted', 'expired', 'policy'))`.execute(db);
  return new Set(rows.map(({ pair }) => pair));
}

/** A partner whom we sent an own reference: whether it may still go there, and whether it was asked to give it up. */
export interface SentTo {
  readonly partner: string;
  readonly sends: boolean;
  readonly recalled: boolean;
}

/** Everybody whom we sent an own reference. */
export async function holdersOf(db: Database, name: Name): Promise<SentTo[]> {
  const { rows } = await sql<SentTo>`
    select d.partner, coalesce(x.effect = 'send', false) as sends, d.recalled from (
      select partner, not bool_or(${notAskedBack('delivery')}) as recalled from delivery
      where originator = ${name.originator} and reference_id = ${name.id}::uuid and ${isTold('delivery')}
      group by partner) d
    left join decision x on x.originator = ${name.originator} and x.id = ${name.id}::uuid and x.partner = d.partner
      and x.direction = 'out' order by d.partner`.execute(db);
  return rows;
}

/** How many statements of this sender wait for something. */
export async function heldStatements(db: Database, sender: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from case_statement where sender = ${sender} and state = 'held'`.execute(db);
  return rows[0]?.n ?? 0;
}

/** Records who was told, and under which message. */
export async function noteTellings(
  trx: Trx,
  told: readonly { statement: string; partner: string; jti: string }[],
  at: Date,
): Promise<void> {
  if (told.length === 0) return;
  const rows = JSON.stringify(told);
  await sql`
    insert into case_telling (statement, partner, jti, at)
    select t.statement, t.partner, t.jti, ${at} from jsonb_to_recordset(${rows}::jsonb)
      as t (statement uuid, partner text, jti text)
    on conflict (statement, partner) do update set jti = excluded.jti, at = excluded.at`.execute(trx);
  // What we said ourselves is known to each recipient by the message that brought it there.
  await sql`
    update case_statement s set jtis = s.jtis || t.jtis from (
      select statement, array_agg(jti) as jtis from jsonb_to_recordset(${rows}::jsonb)
        as t (statement uuid, partner text, jti text) group by statement) t
    where s.id = t.statement and s.direction = 'out'`.execute(trx);
}

/** What has become of an entry that waited. */
export interface Judgement {
  readonly id: string;
  readonly state: 'taken' | 'held' | 'refused';
  readonly code: string | null;
  readonly pointer: string | null;
}

/** Writes what became of entries that waited; of a refused one nothing but its identity stays. Their messages say the same. */
export async function settleStatements(trx: Trx, judged: readonly Judgement[]): Promise<void> {
  if (judged.length === 0) return;
  const rows = sql`jsonb_to_recordset(${JSON.stringify(judged)}::jsonb) as j (id uuid, state text, code text, pointer text)`;
  await sql`
    update message m set outcome = case j.state when 'taken' then 'accepted' else j.state end, code = j.code, pointer = j.pointer
    from ${rows} join case_statement s on s.id = j.id
    where m.issuer = s.sender and m.jti = s.carrier`.execute(trx);
  await sql`
    update case_statement s set state = j.state, code = j.code, pointer = j.pointer,
      held_until = case when j.state = 'held' then s.held_until end,
      payload = case when j.state = 'refused' then null else s.payload end,
      wrapped = case when j.state = 'refused' then null else s.wrapped end
    from ${rows} where s.id = j.id`.execute(trx);
}

/** What was made of a log now. */
export async function saveCourse(trx: Trx, row: CaseCourseTable): Promise<void> {
  await trx
    .insertInto('case_course')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['originator', 'reference_id'])
        .doUpdateSet({ face: row.face, noted: row.noted, due_at: row.due_at, settled_at: row.settled_at }),
    )
    .execute();
}

/** What a case says to who asks for the same address. */
export interface CourseFacts {
  readonly seen: { readonly at: Date; readonly by: string } | undefined;
  readonly removals: number;
  readonly reappearances: number;
  readonly pen: readonly string[];
}

/** What decides whether a host may be told, in the reference's own row, with the word that faces show. Gives what stood there before. */
export async function saveFace(
  trx: Trx,
  name: Name,
  {
    face,
    held,
    clearance,
    timeout,
    course,
    at,
  }: NewRow & { face: string; held: boolean; clearance: string; timeout: string; course: CourseFacts; at: Date },
): Promise<{ held: boolean | null; clearance: string | null } | undefined> {
  const settled = sql`array['open', 'on-hold', 'unplaced', 'removed', 'unavailable', 'not-illegal']`;
  const { rows } = await sql<{ held: boolean | null; clearance: string | null }>`
    update reference r set case_held = ${held}, case_clearance = ${clearance}, case_timeout = ${timeout},
      seen_at = ${course.seen?.at ?? null}, seen_by = ${course.seen?.by ?? null}, removals = ${course.removals},
      reappearances = ${course.reappearances}, pen = ${[...course.pen]}::text[],
      state = case when r.state = any(${settled}) then ${face} else r.state end,
      veiled_state = case when r.veiled_state = any(${settled}) then ${face} else r.veiled_state end,
      updated_at = case when r.state = any(${settled}) and r.state <> ${face} then ${at} else r.updated_at end
    from (select case_held as held, case_clearance as clearance from reference
      where originator = ${name.originator} and id = ${name.id}::uuid) was
    where r.originator = ${name.originator} and r.id = ${name.id}::uuid returning was.held, was.clearance`.execute(trx);
  return rows[0];
}

/** Whether nobody may see now what is said about a partner's reference: its withdrawals of a lost time are not in. */
export async function isVeiled(trx: Trx, { originator, id }: Name): Promise<boolean> {
  const { rows } = await sql<{ veiled: boolean }>`
    select exists (select 1 from recovery v where v.partner = ${originator} and v.opened_at is null)
      or exists (select 1 from reference r where r.originator = ${originator} and r.id = ${id}::uuid
        and r.direction = 'in' and r.veiled_state is not null) as veiled`.execute(trx);
  return rows[0]?.veiled ?? false;
}

/** References whose course changes by itself by now, the longest due first. */
export async function dueCourses(db: Database, now: Date, limit: number): Promise<Name[]> {
  const { rows } = await sql<Name>`
    select originator, reference_id as id from case_course where due_at <= ${now} order by due_at limit ${limit}`.execute(
    db,
  );
  return rows;
}

/** Has these references looked at again: their recipients or their state have changed. */
export async function wakeCases(trx: Trx, names: readonly Name[], at: Date): Promise<void> {
  if (names.length === 0) return;
  await sql`
    update case_course c set due_at = least(c.due_at, ${at}::timestamptz) from ${named(names)}
    where c.originator = w.originator and c.reference_id = w.id`.execute(trx);
}

/** The same of all references of this originator: they show again. */
export async function wakeCasesAbout(trx: Trx, originator: string, at: Date): Promise<void> {
  await sql`
    update case_course set due_at = least(due_at, ${at}::timestamptz) where originator = ${originator}`.execute(trx);
}

/** The same of all that this partner said something about: a key of its own is in doubt, or no longer. */
export async function wakeCasesOf(trx: Trx, sender: string, at: Date): Promise<void> {
  await sql`
    update case_course c set due_at = least(c.due_at, ${at}::timestamptz)
    where exists (select 1 from case_statement s where s.originator = c.originator and s.reference_id = c.reference_id
      and s.sender = ${sender})`.execute(trx);
}

/** The effect that is stored for each partner to whom an own reference was decided. */
export async function decisionsOut(db: Database, name: Name): Promise<Map<string, string>> {
  const { rows } = await sql<{ partner: string; effect: string }>`
    select partner, effect from decision
    where originator = ${name.originator} and id = ${name.id}::uuid and direction = 'out'`.execute(db);
  return new Map(rows.map(({ partner, effect }) => [partner, effect]));
}
