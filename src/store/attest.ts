import { sql } from 'kysely';
import type { Trx } from './open.ts';

/**
 * Puts messages that a lost key signed, and that a partner took at or after an instant, back into the outbox, where they are
 * signed again. What is about a reference whose data key is gone cannot be said again. Gives the number.
 */
export async function queueAgain(
  trx: Trx,
  lost: { kid: string; since: Date; horizon: Date; at: Date },
): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    with again as (
      update delivery d set state = 'queued', next_at = ${lost.at}, reissued_at = ${lost.at}, attempts = 0, last_code = null,
        lease = null, lease_until = null
      where d.kid = ${lost.kid} and d.state in ('sent', 'receipted', 'overdue', 'dead') and d.sent_at >= ${lost.since}
        and d.created_at > ${lost.horizon} and (d.body is not null or d.plain is not null)
        and (d.body is null or exists (
          select 1 from reference_key k where k.originator = d.originator and k.id = d.reference_id))
      returning 1)
    select count(*)::int as n from again`.execute(trx);
  return rows[0]?.n ?? 0;
}
