import { sql } from 'kysely';
import { linkedNotice } from './case-linked.ts';
import type { Database, Trx } from './open.ts';
import { trueState } from './recovery.ts';
import { isSuspect } from './suspect.ts';

export interface StoredMessage {
  readonly issuer: string;
  readonly jti: string;
  readonly digest: string;
  readonly payload_digest: string;
  readonly event: string;
}

interface Named {
  readonly issuer: string;
  readonly jti: string;
}

/** Messages of these names that were taken before. */
export async function takenMessages(db: Database, names: readonly Named[]): Promise<StoredMessage[]> {
  if (names.length === 0) return [];
  const wanted = names.map(({ issuer, jti }) => ({ issuer, jti }));
  const { rows } = await sql<StoredMessage>`
    select m.issuer, m.jti, m.digest, m.payload_digest, m.event
    from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as w (issuer text, jti text)
    join message m on m.issuer = w.issuer and m.jti = w.jti`.execute(db);
  return rows;
}

export interface KnownReference {
  readonly originator: string;
  readonly id: string;
  /** What it truly is; one that is veiled shows as sealed and is written as what it is (see migration 0014). */
  readonly state: string;
  readonly revision: number;
  /** How urgent it counts here: what it says, unless a quota lowered it. */
  readonly urgency: string;
  readonly wrapped: Buffer | null;
  readonly body: Buffer | null;
  readonly kept_code: string | null;
  readonly kept_until: Date | null;
  readonly created_at: Date;
  /** Since when its erasure is in doubt; the revision is then the least that may bring it back. */
  readonly doubted_at: Date | null;
  /** A lost key may have signed what it says, and nobody has said it again. */
  readonly suspect: boolean;
  readonly direction: 'in' | 'out';
  /** An own one that is closed by the word of somebody who said that we withdrew it: the operator has not decided yet. */
  readonly closed_by_word: boolean;
  /** What was said about its case as far as it decides whether a host may be told; null while nothing was. */
  readonly case_held: boolean | null;
  readonly case_clearance: string | null;
  readonly case_timeout: string | null;
  readonly linked_notice: string | null;
}

/**
 * References by name with their newest content, locked until the transaction ends. Where the lock had to wait, PostgreSQL
 * gives the new row of the reference beside the old join partners: a reference that was just revised then seems to have
 * lost its content. What seems so is read once more, now under the lock.
 */
export async function lockReferences(
  db: Database,
  names: readonly { originator: string; id: string }[],
): Promise<KnownReference[]> {
  if (names.length === 0) return [];
  const rows = await lockNamed(db, names);
  return rows.every(({ wrapped, body }) => wrapped && body) ? rows : lockNamed(db, names);
}

async function lockNamed(db: Database, names: readonly { originator: string; id: string }[]) {
  const wanted = names.map(({ originator, id }) => ({ originator, id }));
  const { rows } = await sql<KnownReference>`
    select r.originator, r.id, ${trueState} as state, r.revision, r.urgency, r.kept_code, r.kept_until, r.created_at, r.doubted_at,
      r.direction, r.direction = 'out' and r.veiled_state is not null as closed_by_word, r.case_held, r.case_clearance, r.case_timeout,
      ${linkedNotice('r')} as linked_notice, k.wrapped, v.body,
      coalesce(${isSuspect('m')}, false) as suspect
    from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as w (originator text, id uuid)
    join reference r on r.originator = w.originator and r.id = w.id
    left join reference_key k on k.originator = r.originator and k.id = r.id
    left join reference_revision v on v.originator = r.originator and v.id = r.id and v.revision = r.revision
    left join message m on m.issuer = v.originator and m.jti = v.jti
    order by r.originator, r.id for update of r`.execute(db);
  return rows;
}

/** Puts the receipts for these messages, delivered or given up, back into the outbox, unless that was done within the hour. */
export async function reissueReceipts(
  db: Database,
  answered: readonly { partner: string; jti: string }[],
  now: Date,
  notSince: Date,
): Promise<void> {
  if (answered.length === 0) return;
  const wanted = answered.map(({ partner, jti }) => ({ partner, jti }));
  await sql`
    update delivery d set state = 'queued', next_at = ${now}, reissued_at = ${now}
    from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as w (partner text, jti text)
    where d.partner = w.partner and d.answers = w.jti and d.state in ('sent', 'dead')
      and (d.reissued_at is null or d.reissued_at < ${notSince})`.execute(db);
}

export interface Answerable {
  readonly id: string;
  readonly partner: string;
  readonly jti: string;
  readonly digest: string | null;
  /** Digests of the same message under keys that were lost since. */
  readonly former_digests: string[] | null;
  readonly event: string;
  readonly originator: string | null;
  readonly reference_id: string | null;
  readonly state: string;
  readonly outcome: string | null;
}

/** Our own messages that receipts speak of, locked in one order until the transaction ends. */
export async function lockAnswered(
  db: Database,
  named: readonly { partner: string; jti: string }[],
): Promise<Answerable[]> {
  if (named.length === 0) return [];
  const wanted = named.map(({ partner, jti }) => ({ partner, jti }));
  const { rows } = await sql<Answerable>`
    select d.id, d.partner, d.jti, d.digest, d.former_digests, d.event, d.originator, d.reference_id, d.state, d.outcome
    from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as w (partner text, jti text)
    join delivery d on d.partner = w.partner and d.jti = w.jti
    order by d.id for update of d`.execute(db);
  return rows;
}

export interface Settlement {
  readonly id: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly pointer: string | null;
  readonly receipt: string;
}

/** Records what receipts said of our messages: from here there is evidence. */
export async function settleDeliveries(db: Database, settled: readonly Settlement[], at: Date): Promise<void> {
  if (settled.length === 0) return;
  await sql`
    update delivery d set state = 'receipted', outcome = s.outcome, outcome_code = s.code, outcome_pointer = s.pointer,
      receipt_jti = s.receipt, settled_at = ${at}, sent_at = coalesce(d.sent_at, ${at}), lease = null, lease_until = null
    from jsonb_to_recordset(${JSON.stringify(settled)}::jsonb)
      as s (id uuid, outcome text, code text, pointer text, receipt text)
    where d.id = s.id`.execute(db);
}

/** Marks messages of which their recipients signed two things that cannot both be true: neither word is relied on again. */
export async function markContradicted(trx: Trx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`update delivery set contradicted = true where id = any(${[...ids]}::uuid[])`.execute(trx);
}

/** Our messages to a partner whose outcome a suspect receipt gave, locked in one order. */
export async function lockMisled(trx: Trx, partner: string, limit: number): Promise<Answerable[]> {
  const { rows } = await sql<Answerable>`
    select d.id, d.partner, d.jti, d.digest, d.former_digests, d.event, d.originator, d.reference_id, d.state, d.outcome
    from message m join delivery d on d.partner = m.issuer and d.jti = m.answers and d.receipt_jti = m.jti
    where m.issuer = ${partner} and ${isSuspect('m')} and m.answers is not null
    order by d.id limit ${limit} for update of d`.execute(trx);
  return rows;
}

/** The receipts that a partner gave for these messages and that are not suspect, in the order in which they came. */
export async function receiptsFor(trx: Trx, partner: string, jtis: readonly string[]) {
  const { rows } = await sql<{ jti: string; answers: string; plain: string }>`
    select m.jti, m.answers, m.plain from message m
    where m.issuer = ${partner} and m.answers = any(${[...jtis]}::text[]) and m.plain is not null and not ${isSuspect('m')}
    order by m.received_at, m.jti`.execute(trx);
  return rows;
}

/** Puts what counts of a message in the place of what counted before; without a receipt it waits for one again. */
export async function settleAnew(
  trx: Trx,
  settled: readonly {
    id: string;
    outcome: string | null;
    code: string | null;
    pointer: string | null;
    receipt: string | null;
  }[],
  at: Date,
): Promise<void> {
  await sql`
    update delivery d set outcome = s.outcome, outcome_code = s.code, outcome_pointer = s.pointer, receipt_jti = s.receipt,
      settled_at = case when s.outcome is not null then ${at}::timestamptz end,
      state = case when s.outcome is null and d.state = 'receipted' then 'sent' else d.state end
    from jsonb_to_recordset(${JSON.stringify(settled)}::jsonb)
      as s (id uuid, outcome text, code text, pointer text, receipt text)
    where d.id = s.id`.execute(trx);
}
