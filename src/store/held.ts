import { sql } from 'kysely';
import type { TraceStep } from '../domain/decision.ts';
import type { Database, Trx } from './open.ts';

export interface HeldFilter {
  readonly partner?: string | undefined;
  readonly rule?: string | undefined;
  readonly originator?: string | undefined;
  readonly id?: string | undefined;
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

function where(filter: HeldFilter) {
  const parts = [sql`d.effect = 'hold'`, sql`r.state not in ('sealed', 'restricted', 'purged', 'expired')`];
  if (filter.partner !== undefined) parts.push(sql`d.partner = ${filter.partner}`);
  if (filter.rule !== undefined) parts.push(sql`d.rule = ${filter.rule}`);
  if (filter.originator !== undefined) parts.push(sql`d.originator = ${filter.originator}`);
  if (filter.id !== undefined) parts.push(sql`d.id = ${filter.id}::uuid`);
  return sql.join(parts, sql` and `);
}

const columns = sql`d.originator, d.id, d.partner, d.direction, d.rule, d.code, d.revision, d.policy_version, d.trace, d.decided_at`;

/** What waits for a person, the longest waiting first. */
export async function listHeld(db: Database, filter: HeldFilter, limit: number): Promise<Held[]> {
  const { rows } = await sql<Held>`
    select ${columns} from decision d join reference r on r.originator = d.originator and r.id = d.id
    where ${where(filter)} order by d.decided_at, d.originator, d.id, d.partner limit ${limit}`.execute(db);
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
