import { sql } from 'kysely';
import type { Trx } from './open.ts';

/** What is counted: minutes and days of what we send to a partner, days of what we take from it. */
export type TrafficKind = 'sent-minute' | 'sent-day' | 'taken-day' | 'emergency-day' | 'hold-day';

export interface Traffic {
  readonly partner: string;
  readonly kind: TrafficKind;
  /** When the window began. */
  readonly since: Date;
  readonly n: number;
}

/** Names a counter in the answer of `addTraffic`. */
export function counterOf({ partner, kind }: Pick<Traffic, 'partner' | 'kind'>): string {
  return `${kind} ${partner}`;
}

/**
 * Adds to counters and gives where they stand then; adding nothing reads them. They stay locked until the transaction
 * ends, in one order for everybody. A window that has ended begins anew; where the clock of another process is ahead, the
 * later window counts.
 */
export async function addTraffic(trx: Trx, added: readonly Traffic[]): Promise<Map<string, number>> {
  if (added.length === 0) return new Map();
  const { rows } = await sql<{ partner: string; kind: TrafficKind; n: number }>`
    insert into traffic as t (partner, kind, since, n)
    select partner, kind, since, n from jsonb_to_recordset(${JSON.stringify(added)}::jsonb)
      as a (partner text, kind text, since timestamptz, n bigint) order by partner, kind
    on conflict (partner, kind) do update set
      n = case when t.since >= excluded.since then t.n + excluded.n else excluded.n end,
      since = greatest(t.since, excluded.since)
    returning partner, kind, n::int`.execute(trx);
  return new Map(rows.map((row) => [counterOf(row), row.n]));
}

/**
 * Says of what a limit keeps back that it waits for the next window, of a bounded number at a time. `next_at` is for
 * people here: what waits for a limit is looked at whenever the limit may have been lifted.
 */
export async function markLimited(trx: Trx, partner: string, now: Date, until: Date): Promise<void> {
  await sql`
    update delivery d set last_code = ${SEND_LIMIT}, next_at = ${until}
    from (
      select id from delivery
      where partner = ${partner} and state = 'queued' and ((n is null and priority > 0) or priority = 2)
        and event in ('submitted', 'revised') and (lease_until is null or lease_until < ${now})
        and (last_code is distinct from ${SEND_LIMIT} or next_at <= ${now})
      order by priority, position limit 1000 for update skip locked) w
    where d.id = w.id`.execute(trx);
}

/** Stands as the last code of a delivery that the policy's own limit keeps in the outbox. */
export const SEND_LIMIT = 'send-limit';
