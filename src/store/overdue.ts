import { type RawBuilder, sql } from 'kysely';
import type { Database, Trx } from './open.ts';
import { closedStates, VOIDED } from './recall.ts';
import type { DeliveryTable } from './tables.ts';

/**
 * Notes that a `voided` covers these numbers. A partner asks once more for what it lost: what it took and is not sent again it
 * cannot answer for. That it took it stays, and so does a receipt that was under way all the same.
 */
export async function noteVoided(
  trx: Trx,
  { partner, epoch }: { readonly partner: string; readonly epoch: string },
  numbers: readonly number[],
): Promise<void> {
  await sql`
    update delivery set last_code = ${VOIDED}
    where partner = ${partner} and epoch = ${epoch}::uuid and n = any(${[...numbers]}::bigint[])
      and state in ('sent', 'overdue')`.execute(trx);
}

/** SQL: what stands beside a delivery that is wanted once more. It may be ruled out again before it leaves, and then rests. */
export const codeKept = sql<string | null>`case when last_code = ${VOIDED} then last_code end`;

/**
 * SQL over a delivery: no receipt for it is waited for any more. Its number was voided after the partner took it, and it can not be
 * sent again: the reference is closed here, or a later message to the partner stands in its place and is waited for itself.
 * Without either a person is told that it is overdue, and may mend it; a withdrawal is waited for whatever was voided.
 */
export function isPastAnswer(alias: string): RawBuilder<boolean> {
  const d = (column: string) => sql.ref(`${alias}.${column}`);
  const carries = sql<boolean>`${d('event')} in ('submitted', 'revised')`;
  return sql<boolean>`(${d('last_code')} is not distinct from ${VOIDED} and (
    (${carries} or ${d('statement')} is not null) and exists (
      select 1 from reference c where c.originator = ${d('originator')} and c.id = ${d('reference_id')}
        and coalesce(c.veiled_state, c.state) = any(${[...closedStates]}::text[]))
    or ${carries} and exists (
      select 1 from delivery l where l.originator = ${d('originator')} and l.reference_id = ${d('reference_id')}
        and l.partner = ${d('partner')} and l.position > ${d('position')}
        and l.event in ('submitted', 'revised', 'withdrawn') and l.state not in ('dead', 'dropped'))))`;
}

/** Marks sent messages of one partner that have no receipt since `before`. */
export async function markOverdue(db: Database, partner: string, before: Date, limit: number) {
  const { rows } = await sql<Pick<DeliveryTable, 'jti' | 'originator' | 'reference_id'>>`
    update delivery set state = 'overdue' where id in (
      select d.id from delivery d where d.partner = ${partner} and d.state = 'sent' and d.event not in ('receipt', 'voided')
        and d.sent_at < ${before} and not ${isPastAnswer('d')} order by d.sent_at limit ${limit} for update skip locked)
    returning jti, originator, reference_id`.execute(db);
  return rows;
}

/** Takes the mark from what no receipt is waited for any more. */
export async function easeOverdue(db: Database, partner: string): Promise<void> {
  await sql`
    update delivery set state = 'sent'
    where partner = ${partner} and state = 'overdue' and ${isPastAnswer('delivery')}`.execute(db);
}
