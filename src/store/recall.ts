import { sql } from 'kysely';
import { isTold, leftEver, reachedByNow, standsAsked } from './may-hold.ts';
import type { Database, Trx } from './open.ts';
import { trueState } from './recovery.ts';
import { isSuspect } from './suspect.ts';

interface Name {
  readonly originator: string;
  readonly id: string;
}

/** States in which a reference shows nothing of its content, whoever asks. */
export const closedStates = ['sealed', 'restricted', 'purged', 'expired'] as const;

/** Whether a reference in this state shows nothing of its content. */
export function isClosed(state: string): boolean {
  return (closedStates as readonly string[]).includes(state);
}

/** As what a partner is told of it that a reference in this state leaves no more; undefined where it may leave. */
export function closedReason(state: string | null): 'expired' | 'withdrawn' | undefined {
  if (state === 'expired') return 'expired';
  return state !== null && isClosed(state) ? 'withdrawn' : undefined;
}

/** Of these references, those that are closed. */
export async function closedAmong(db: Database, names: readonly Name[]): Promise<Name[]> {
  if (names.length === 0) return [];
  const wanted = JSON.stringify(names.map(({ originator, id }) => ({ originator, id })));
  const { rows } = await sql<Name>`
    select r.originator, r.id from jsonb_to_recordset(${wanted}::jsonb) as w (originator text, id uuid)
    join reference r on r.originator = w.originator and r.id = w.id
    where ${trueState} = any(${[...closedStates]}::text[])`.execute(db);
  return rows;
}

/** A delivery about a reference that had not been answered when the reference was taken back. */
export interface Unsent {
  readonly id: string;
  readonly partner: string;
  readonly epoch: string | null;
  readonly n: number | null;
}

/** Stands beside what a partner took and has not answered for, once a `voided` of ours covers its number. */
export const VOIDED = 'voided';

/**
 * Ends what waits in the outbox about references of one originator, for some partners or for all; what had a number already is
 * given back to be voided. What a partner took is evidence, though it was wanted once more: it rests. Where the partner itself
 * asked for it (priority 2), its number is given back all the same: it does not have it any more, and waits for it.
 */
export async function cancelUnsent(
  trx: Trx,
  { originator, ids }: { readonly originator: string; readonly ids: readonly string[] },
  code: 'withdrawn' | 'expired' | 'restricted',
  partners?: readonly string[],
): Promise<Unsent[]> {
  const those = partners === undefined ? sql`` : sql`and partner = any(${[...partners]}::text[])`;
  const { rows } = await sql<Unsent & { covered: boolean }>`
    with due as (
      select id, sent_at is null as unsent, priority = 2 as asked from delivery
      where originator = ${originator} and reference_id = any(${[...ids]}::uuid[]) and state = 'queued'
        and event not in ('withdrawn', 'receipt', 'voided', 'verify') ${those} for update)
    update delivery d set reached = ${reachedByNow}, lease = null, lease_until = null, priority = least(priority, 1),
      state = case when unsent then 'dropped' when outcome is null then 'sent' else 'receipted' end,
      last_code = case when unsent then ${code} when asked and outcome is null then ${VOIDED} else last_code end
    from due where d.id = due.id
    returning d.id, d.partner, d.epoch, d.n, unsent or asked as covered`.execute(trx);
  return rows.filter(({ covered }) => covered);
}

/**
 * Partners that may hold a reference: a message about it has a number, so it was sent or may have been; or it waited when state
 * was lost, and may have been sent in the time that nobody here remembers.
 */
export async function partnersHolding(trx: Trx, name: Name): Promise<string[]> {
  const { rows } = await sql<{ partner: string }>`
    select distinct d.partner from delivery d where d.originator = ${name.originator} and d.reference_id = ${name.id}::uuid
      and d.event in ('submitted', 'revised') and ${leftEver('d')} order by d.partner`.execute(trx);
  return rows.map((row) => row.partner);
}

/**
 * Partners that were asked for at least as much before: asking twice tells nobody twice. Erasure asks for more than sealing,
 * and at once for more than later; who refused, or was never reached, is asked again.
 */
export async function partnersRecalled(
  trx: Trx,
  name: Name,
  { reason, purge }: { readonly reason: string; readonly purge: boolean },
): Promise<string[]> {
  const { rows } = await sql<{ partner: string }>`
    select distinct d.partner from delivery d where d.originator = ${name.originator} and d.reference_id = ${name.id}::uuid
      and d.event = 'withdrawn' and ${standsAsked('d')}
      and (not ${purge}::boolean or d.payload ->> 'purge' = 'true')
      and (not ${purge && reason === 'legal'}::boolean or d.payload ->> 'reason' = 'legal') and not exists (
        select 1 from delivery l where l.originator = d.originator and l.reference_id = d.reference_id
          and l.partner = d.partner and l.position > d.position and ${isTold('l')})`.execute(trx);
  return rows.map((row) => row.partner);
}

export interface Seal extends Name {
  readonly reason: string;
  /** When it is erased; null where it is only sealed. */
  readonly purgeAfter: Date | null;
}

/**
 * Seals references: from the commit on no face shows them. What an operator keeps restricted stays so, and a second
 * withdrawal may hasten an erasure that was asked for, never call it off. One seal for each name.
 */
export async function sealReferences(trx: Trx, seals: readonly Seal[], at: Date): Promise<void> {
  if (seals.length === 0) return;
  const rows = seals.map((one) => ({ ...one, purge_after: one.purgeAfter?.toISOString() ?? null }));
  await sql`
    update reference r set state = case when r.state = 'restricted' then r.state else 'sealed' end,
      sealed_at = coalesce(r.sealed_at, ${at}), purge_after = least(r.purge_after, s.purge_after), veiled_state = null,
      withdrawn_reason = s.reason, updated_at = ${at}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as s (originator text, id uuid, reason text, purge_after timestamptz)
    where r.originator = s.originator and r.id = s.id and r.state not in ('purged', 'expired')`.execute(trx);
}

export interface Due extends Name {
  readonly state: string;
  readonly direction: 'in' | 'out';
  readonly purge_after: Date | null;
  readonly kept_code: string | null;
  readonly kept_until: Date | null;
  readonly expires_at: Date | null;
}

/** References whose time has come, by withdrawal or by retention, locked until the transaction ends. */
export async function lockDue(trx: Trx, now: Date, limit: number): Promise<Due[]> {
  const { rows } = await sql<Due>`
    select originator, id, state, direction, purge_after, kept_code, kept_until, expires_at from reference
    where (purge_after <= ${now} or expires_at <= ${now}) and (kept_until is null or kept_until <= ${now})
    order by originator, id limit ${limit} for update skip locked`.execute(trx);
  return rows;
}

/** One reference for the operator's acts, locked. */
export async function lockOne(trx: Trx, name: Name): Promise<Due | undefined> {
  const { rows } = await sql<Due>`
    select originator, id, state, direction, purge_after, kept_code, kept_until, expires_at
    from reference where originator = ${name.originator} and id = ${name.id}::uuid for update`.execute(trx);
  return rows[0];
}

/**
 * Erases references: the data key goes first, and with it everything that was encrypted under it in this store, its write-ahead
 * log and its later dumps; then the ciphertext, the blind-index rows and every code in the clear. Name, highest revision and
 * state stay for ever, and the log of what was sent to whom.
 */
export async function destroyReferences(
  trx: Trx,
  names: readonly Name[],
  state: 'purged' | 'expired',
  at: Date,
): Promise<void> {
  if (names.length === 0) return;
  const wanted = JSON.stringify(names.map(({ originator, id }) => ({ originator, id })));
  const named = sql`jsonb_to_recordset(${wanted}::jsonb) as w (originator text, id uuid)`;
  const same = (table: string, id: string) =>
    sql`${sql.ref(`${table}.originator`)} = w.originator and ${sql.ref(`${table}.${id}`)} = w.id`;
  for (const table of ['reference_key', 'reference_revision', 'doubted_revision']) {
    await sql`delete from ${sql.table(table)} using ${named} where ${same(table, 'id')}`.execute(trx);
  }
  await sql`
    delete from reference_index i using ${named} join reference r on r.originator = w.originator and r.id = w.id
    where i.position = r.position`.execute(trx);
  await sql`update case_statement set payload = null, wrapped = null from ${named} where ${same('case_statement', 'reference_id')}`.execute(
    trx,
  );
  // What was noted names units.
  await sql`update case_course set noted = '{}' from ${named} where ${same('case_course', 'reference_id')}`.execute(
    trx,
  );
  await sql`delete from idempotency using ${named} where ${same('idempotency', 'reference_id')}`.execute(trx);
  await sql`update delivery set body = null from ${named} where ${same('delivery', 'reference_id')}`.execute(trx);
  await sql`update message set body = null from ${named} where ${same('message', 'reference_id')} and message.body is not null`.execute(
    trx,
  );
  // What was said stands in the feed code by code; that something was said stays.
  await sql`
    update event set code = null, body = null from ${named}
    where ${same('event', 'reference_id')} and event.type like 'case.%'`.execute(trx);
  await sql`update decision set trace = '[]', change = null, disclosed = null from ${named} where ${same('decision', 'id')}`.execute(
    trx,
  );
  // Who looked at it stays; what units saw in it, and their own numbers for it, do not.
  await sql`update portal_decision set trace = '[]' from ${named} where ${same('portal_decision', 'reference_id')}`.execute(
    trx,
  );
  await sql`
    update portal_view set own_reference = null from ${named}
    where ${same('portal_view', 'reference_id')} and portal_view.own_reference is not null`.execute(trx);
  await sql`
    update reference set state = ${state}, category = 'unknown', role = null, urgency = 'routine', tlp = 'unknown',
      hosting = null, jurisdictions = '{}', assignee = null, report = null, retain_until = null, received_at = null,
      purge_after = null, expires_at = null, kept_code = null, kept_until = null, observed_at = null, seen_at = null,
      seen_by = null, removals = 0, reappearances = 0, pen = null, case_held = null, case_clearance = null,
      case_timeout = null, updated_at = ${at}
    from ${named} where ${same('reference', 'id')}`.execute(trx);
}

export interface RecallMessage extends Name {
  readonly issuer: string;
  readonly jti: string;
  readonly digest: string;
  readonly received_at: Date;
}

/**
 * The messages about these references whose receipt may still move to this outcome: the withdrawals that asked for it, and
 * what was held until it was sealed. They are given it here.
 */
export async function settleRecalls(
  trx: Trx,
  names: readonly Name[],
  outcome: 'purged' | 'retained',
): Promise<RecallMessage[]> {
  if (names.length === 0) return [];
  // Written out, so that the partial index of unsettled messages serves.
  const from = outcome === 'purged' ? sql`m.outcome in ('sealed', 'retained')` : sql`m.outcome = 'sealed'`;
  const { rows } = await sql<RecallMessage>`
    update message m set outcome = ${outcome}
    from jsonb_to_recordset(${JSON.stringify(names.map(({ originator, id }) => ({ originator, id })))}::jsonb) as w (originator text, id uuid)
    where m.originator = w.originator and m.reference_id = w.id and m.event = any(${[...recallable]}::text[])
      and ${from}
    returning m.issuer, m.jti, m.digest, m.originator, m.reference_id as id, m.received_at`.execute(trx);
  return rows;
}

const brought = ['urn:caseref:event:1:submitted', 'urn:caseref:event:1:revised'] as const;
const recallable = ['urn:caseref:event:1:withdrawn', ...brought] as const;

/** The messages that brought these references and were held: sealed with what they brought, and given that outcome here. */
export async function settleSealed(trx: Trx, names: readonly Name[]): Promise<RecallMessage[]> {
  if (names.length === 0) return [];
  const { rows } = await sql<RecallMessage>`
    update message m set outcome = 'sealed', code = null
    from jsonb_to_recordset(${JSON.stringify(names.map(({ originator, id }) => ({ originator, id })))}::jsonb) as w (originator text, id uuid)
    where m.originator = w.originator and m.reference_id = w.id and m.event = any(${[...brought]}::text[])
      and m.outcome = 'held'
    returning m.issuer, m.jti, m.digest, m.originator, m.reference_id as id, m.received_at`.execute(trx);
  return rows;
}

/** Gives held withdrawals the outcome that the operator's decision makes, with what they asked for. */
export async function decideMessages(
  trx: Trx,
  held: readonly { issuer: string; jti: string; reason: string; purgeAfter: Date | null }[],
  outcome: string,
  code: string | null,
): Promise<void> {
  const rows = held.map(({ issuer, jti, reason, purgeAfter }) => ({ issuer, jti, reason, purge_after: purgeAfter }));
  await sql`
    update message m set outcome = ${outcome}, code = ${code}, reason = w.reason, purge_after = w.purge_after
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as w (issuer text, jti text, reason text, purge_after timestamptz)
    where m.issuer = w.issuer and m.jti = w.jti`.execute(trx);
}

/**
 * How many withdrawals of a partner were taken since an instant, those included that a duty keeps. One that repeats itself
 * about what was erased before changes nothing and does not count; what never came counts once, by its tombstone.
 */
export async function withdrawalsSince(trx: Trx, issuer: string, since: Date): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(distinct case when r.state in ('purged', 'expired') and m.received_at = r.created_at
        then m.reference_id::text else m.jti end)::int as n
    from message m join reference r on r.originator = m.issuer and r.id = m.reference_id
    where m.issuer = ${issuer} and m.received_at > ${since} and m.event = 'urn:caseref:event:1:withdrawn'
      and m.outcome in ('sealed', 'purged', 'retained')
      and (r.state not in ('purged', 'expired') or m.received_at <= r.updated_at)`.execute(trx);
  return rows[0]?.n ?? 0;
}

export interface HeldWithdrawal {
  readonly issuer: string;
  readonly jti: string;
  readonly digest: string;
  readonly reference_id: string;
  readonly reason: string;
  readonly purge: boolean;
  readonly batch: string | null;
  readonly received_at: Date;
}

/** A lost key may have signed what is held, and no other one has said it again. */
const forged = sql`exists (
  select 1 from message m where m.issuer = held_withdrawal.issuer and m.jti = held_withdrawal.jti and ${isSuspect('m')})`;

/** How many of the withdrawals that fit nobody answers for. */
export async function countSuspectWithdrawals(
  db: Database,
  filter: { readonly issuer: string; readonly batch?: string | undefined },
): Promise<number> {
  let query = db.selectFrom('held_withdrawal').where('issuer', '=', filter.issuer).where(sql<boolean>`${forged}`);
  if (filter.batch !== undefined) query = query.where('batch', '=', filter.batch);
  const row = await query.select((s) => s.fn.countAll<number>().as('n')).executeTakeFirst();
  return Number(row?.n ?? 0);
}

/** Withdrawals that wait for the operator, oldest first, and which of them are suspect; of one batch or of all of a partner. */
export async function heldWithdrawals(
  db: Database,
  filter: { readonly issuer?: string | undefined; readonly batch?: string | undefined },
): Promise<(HeldWithdrawal & { readonly suspect: boolean })[]> {
  let query = db
    .selectFrom('held_withdrawal')
    .selectAll()
    .select(sql<boolean>`${forged}`.as('suspect'))
    .orderBy('received_at')
    .orderBy('jti')
    .limit(10_000);
  if (filter.issuer !== undefined) query = query.where('issuer', '=', filter.issuer);
  if (filter.batch !== undefined) query = query.where('batch', '=', filter.batch);
  return query.execute();
}

/** The same, at most `limit`, locked until the transaction ends: two decisions at once must not both answer them. */
export async function lockWithdrawals(
  trx: Trx,
  filter: { readonly issuer: string; readonly batch?: string | undefined; readonly trustedOnly: boolean },
  limit: number,
): Promise<HeldWithdrawal[]> {
  let query = trx.selectFrom('held_withdrawal').selectAll().where('issuer', '=', filter.issuer);
  if (filter.trustedOnly) query = query.where(sql<boolean>`not ${forged}`);
  if (filter.batch !== undefined) query = query.where('batch', '=', filter.batch);
  return query.orderBy('received_at').orderBy('jti').limit(limit).forUpdate().execute();
}

export async function forgetHeld(trx: Trx, held: readonly HeldWithdrawal[]): Promise<void> {
  if (held.length === 0) return;
  await sql`
    delete from held_withdrawal h using jsonb_to_recordset(${JSON.stringify(held)}::jsonb) as w (issuer text, jti text)
    where h.issuer = w.issuer and h.jti = w.jti`.execute(trx);
}

/** Ids of own references of one public report that are still open. */
export async function openOfReport(db: Database, originator: string, report: string): Promise<string[]> {
  const rows = await db
    .selectFrom('reference')
    .select('id')
    .where('originator', '=', originator)
    .where('report', '=', report)
    .where('state', 'not in', [...closedStates])
    .orderBy('position')
    .execute();
  return rows.map((row) => row.id);
}

/** Marks a reference as kept until an instant; it shows nothing meanwhile. */
export async function keepReference(
  trx: Trx,
  name: Name,
  kept: { ground: string; until: Date; at: Date },
): Promise<void> {
  await trx
    .updateTable('reference')
    .set({ state: 'restricted', kept_code: kept.ground, kept_until: kept.until, updated_at: kept.at })
    .where('originator', '=', name.originator)
    .where('id', '=', name.id)
    .execute();
}
