import { sql } from 'kysely';
import type { TraceStep } from '../domain/decision.ts';
import type { Database, Trx } from './open.ts';
import type { NewRow } from './rows.ts';

interface Name {
  readonly originator: string;
  readonly id: string;
}

export interface HeldFilter {
  readonly partner?: string | undefined;
  readonly rule?: string | undefined;
  readonly originator?: string | undefined;
  readonly id?: string | undefined;
  readonly direction?: 'in' | 'out' | undefined;
  /** Only these references. */
  readonly names?: readonly Name[] | undefined;
}

/** A decision that waits for a person. */
export interface Held {
  readonly originator: string;
  readonly id: string;
  readonly partner: string;
  readonly direction: 'in' | 'out';
  readonly rule: string;
  readonly code: string | null;
  readonly revision: number;
  readonly policy_version: number;
  readonly trace: TraceStep[];
  readonly decided_at: Date;
}

function named(names: readonly Name[]) {
  const wanted = JSON.stringify(names.map(({ originator, id }) => ({ originator, id })));
  return sql`jsonb_to_recordset(${wanted}::jsonb) as w (originator text, id uuid)`;
}

function where(filter: HeldFilter) {
  const parts = [sql`d.effect = 'hold'`, sql`r.state not in ('sealed', 'restricted', 'purged', 'expired')`];
  if (filter.partner !== undefined) parts.push(sql`d.partner = ${filter.partner}`);
  if (filter.rule !== undefined) parts.push(sql`d.rule = ${filter.rule}`);
  if (filter.originator !== undefined) parts.push(sql`d.originator = ${filter.originator}`);
  if (filter.id !== undefined) parts.push(sql`d.id = ${filter.id}::uuid`);
  if (filter.direction !== undefined) parts.push(sql`d.direction = ${filter.direction}`);
  if (filter.names !== undefined)
    parts.push(sql`(d.originator, d.id) in (select originator, id from ${named(filter.names)})`);
  return sql.join(parts, sql` and `);
}

const columns = sql`d.originator, d.id, d.partner, d.direction, d.rule, d.code, d.revision, d.policy_version, d.trace, d.decided_at`;

/** A decision that waits, as it is listed; `suspect` where a lost key of the partner may have signed what it is about. */
export interface ListedHeld extends Held {
  readonly urgency: string;
  readonly suspect: boolean;
}

/** What waits for a person, the longest waiting first. */
export async function listHeld(db: Database, filter: HeldFilter, limit: number): Promise<ListedHeld[]> {
  const { rows } = await sql<ListedHeld>`
    select ${columns}, r.urgency, d.direction = 'in' and exists (
        select 1 from message m where m.originator = d.originator and m.reference_id = d.id
          and m.suspect_at is not null and m.attested_at is null) as suspect
    from decision d join reference r on r.originator = d.originator and r.id = d.id
    where ${where(filter)} order by d.decided_at, d.originator, d.id, d.partner limit ${limit}`.execute(db);
  return rows;
}

/** How many wait, of all that fit and of those held before an instant. */
export async function countHeld(
  db: Database,
  filter: HeldFilter,
  before: Date,
): Promise<{ waiting: number; overdue: number }> {
  const { rows } = await sql<{ waiting: number; overdue: number }>`
    select count(*)::int as waiting, (count(*) filter (where d.decided_at < ${before}))::int as overdue
    from decision d join reference r on r.originator = d.originator and r.id = d.id where ${where(filter)}`.execute(db);
  return rows[0] ?? { waiting: 0, overdue: 0 };
}

/** Partners about whom a decision has waited since before an instant. */
export async function partnersWaitingSince(db: Database, before: Date): Promise<string[]> {
  const { rows } = await sql<{ partner: string }>`
    select p.issuer as partner from partner p where exists (
      select 1 from decision d join reference r on r.originator = d.originator and r.id = d.id
      where d.partner = p.issuer and d.decided_at < ${before} and ${where({})}) order by p.issuer`.execute(db);
  return rows.map(({ partner }) => partner);
}

/** What stands in the decision on a reference, held or not. */
export interface Standing extends Name {
  readonly effect: string;
  readonly decided_by: string | null;
}

/** How these references stand with a partner, in one direction. */
export async function standingsOf(
  db: Database,
  given: { readonly partner: string; readonly direction: 'in' | 'out'; readonly names: readonly Name[] },
): Promise<Standing[]> {
  const { rows } = await sql<Standing>`
    select d.originator, d.id, d.effect, d.decided_by from ${named(given.names)}
    join decision d on d.originator = w.originator and d.id = w.id
    where d.partner = ${given.partner} and d.direction = ${given.direction}`.execute(db);
  return rows;
}

/**
 * The same in one direction, after the row `after`, locked until the transaction ends together with its reference: what
 * is withdrawn, revised or decided at this moment is passed over, so that no withdrawal is overtaken.
 */
export async function lockHeld(
  trx: Trx,
  filter: HeldFilter,
  page: { readonly direction: 'in' | 'out'; readonly limit: number; readonly after?: Held | undefined },
): Promise<Held[]> {
  const { direction, limit, after } = page;
  const later =
    after === undefined
      ? sql`true`
      : sql`(d.decided_at, d.originator, d.id, d.partner)
          > (${after.decided_at}, ${after.originator}, ${after.id}::uuid, ${after.partner})`;
  const { rows } = await sql<Held>`
    select ${columns} from decision d join reference r on r.originator = d.originator and r.id = d.id
    where ${where(filter)} and d.direction = ${direction} and ${later}
    order by d.decided_at, d.originator, d.id, d.partner limit ${limit}
    for update of d, r skip locked`.execute(trx);
  return rows;
}

/**
 * Records a person's decisions in the place of the rule's. The basis stays that of the rule: under a directory that has
 * moved since, a deny or gate that came in between speaks before anything leaves.
 */
export async function decideHeld(
  trx: Trx,
  held: readonly Held[],
  decision: { readonly effect: string; readonly by: string; readonly at: Date },
): Promise<void> {
  const names = held.map(({ originator, id, partner, direction }) => ({ originator, id, partner, direction }));
  await sql`
    update decision d set effect = ${decision.effect}, code = null, decided_by = ${decision.by},
      decided_at = ${decision.at}
    from jsonb_to_recordset(${JSON.stringify(names)}::jsonb) as w (originator text, id uuid, partner text, direction text)
    where d.originator = w.originator and d.id = w.id and d.partner = w.partner and d.direction = w.direction`.execute(
    trx,
  );
}

/** The messages by which held references came, so that their receipts can move on; they are given the outcome here. */
export async function settleHeldMessages(trx: Trx, held: readonly Held[], outcome: 'accepted' | 'refused') {
  const names = held.map(({ originator, id }) => ({ originator, id }));
  const { rows } = await sql<{
    issuer: string;
    jti: string;
    digest: string;
    originator: string;
    id: string;
    received_at: Date;
  }>`
    update message m set outcome = ${outcome}, code = null
    from jsonb_to_recordset(${JSON.stringify(names)}::jsonb) as w (originator text, id uuid)
    where m.originator = w.originator and m.reference_id = w.id and m.outcome = 'held'
      and m.event in ('urn:caseref:event:1:submitted', 'urn:caseref:event:1:revised')
    returning m.issuer, m.jti, m.digest, m.originator, m.reference_id as id, m.received_at`.execute(trx);
  return rows;
}

/** Opens references that a rule held. */
export async function openReferences(trx: Trx, held: readonly Held[], at: Date): Promise<void> {
  const names = held.map(({ originator, id }) => ({ originator, id }));
  await sql`
    update reference r set state = 'open', updated_at = ${at}
    from jsonb_to_recordset(${JSON.stringify(names)}::jsonb) as w (originator text, id uuid)
    where r.originator = w.originator and r.id = w.id and r.state = 'held'`.execute(trx);
}

/** The newest revision of a partner's reference that was accepted, sealed with the data key `wrapped`. */
export interface AcceptedRevision extends Name {
  readonly revision: number;
  readonly body: Buffer;
  readonly wrapped: Buffer;
  readonly created_at: Date;
}

/** Of these references, those that had been accepted at an earlier revision, with that revision. */
export async function acceptedRevisions(trx: Trx, held: readonly Held[]): Promise<AcceptedRevision[]> {
  const { rows } = await sql<AcceptedRevision>`
    select distinct on (v.originator, v.id) v.originator, v.id, v.revision, v.body, k.wrapped, r.created_at
    from ${named(held)}
    join reference r on r.originator = w.originator and r.id = w.id
    join reference_key k on k.originator = r.originator and k.id = r.id
    join reference_revision v on v.originator = r.originator and v.id = r.id
    join message m on m.issuer = v.originator and m.jti = v.jti and m.outcome = 'accepted'
    order by v.originator, v.id, v.revision desc`.execute(trx);
  return rows;
}

/**
 * Puts references back to the revision that `facts` describe and opens them: what was refused later is erased, and of its
 * messages only what is kept of any refused message stays.
 */
export async function restoreRevisions(trx: Trx, facts: readonly NewRow[]): Promise<void> {
  if (facts.length === 0) return;
  const rows = JSON.stringify(facts);
  await sql`
    update reference r set state = 'open', revision = s.revision, category = s.category, role = s.role,
      urgency = s.urgency, tlp = s.tlp, hosting = s.hosting, jurisdictions = s.jurisdictions, assignee = s.assignee,
      report = s.report, retain_until = s.retain_until, expires_at = s.expires_at, received_at = s.received_at,
      updated_at = s.updated_at
    from jsonb_populate_recordset(null::reference, ${rows}::jsonb) as s
    where r.originator = s.originator and r.id = s.id`.execute(trx);
  await sql`
    with gone as (
      delete from reference_revision v using jsonb_populate_recordset(null::reference, ${rows}::jsonb) as s
      where v.originator = s.originator and v.id = s.id and v.revision > s.revision returning v.originator, v.jti)
    update message m set body = null from gone where m.issuer = gone.originator and m.jti = gone.jti`.execute(trx);
}

/** Decisions to send, or not, that were made while the partner was not active and by no person: to be made again. */
export async function madeWhileAway(
  trx: Trx,
  partner: string,
  after: string | undefined,
  limit: number,
): Promise<Name[]> {
  const { rows } = await sql<Name>`
    select d.originator, d.id from decision d
    where d.partner = ${partner} and d.direction = 'out' and d.decided_by is null
      and d.trace @> '[{"id":"partner-state","matched":true}]' and (${after ?? null}::uuid is null or d.id > ${after ?? null}::uuid)
    order by d.id limit ${limit}`.execute(trx);
  return rows;
}

/** Which of these references a person let go to a partner, and who. */
export async function decidedByPerson(
  trx: Trx,
  partner: string,
  names: readonly { originator: string; id: string }[],
): Promise<Map<string, string>> {
  const wanted = JSON.stringify(names.map(({ originator, id }) => ({ originator, id })));
  const { rows } = await sql<{ id: string; decided_by: string }>`
    select d.id, d.decided_by from jsonb_to_recordset(${wanted}::jsonb) as w (originator text, id uuid)
    join decision d on d.originator = w.originator and d.id = w.id
    where d.partner = ${partner} and d.direction = 'out' and d.effect = 'send' and d.decided_by is not null`.execute(
    trx,
  );
  return new Map(rows.map((row) => [row.id, row.decided_by]));
}
