import { sql } from 'kysely';
import type { Database } from './open.ts';

/** How long a partner took to answer for what it had taken. Times in milliseconds. */
export interface Latency {
  readonly partner: string;
  readonly count: number;
  readonly median: number;
  readonly slowest: number;
}

/** Messages of one partner that are looked at: the newest of them tell how it is today. */
const MOST = 1000;

/**
 * For each partner, or for one: how long its first receipts took since we sent the message, for the newest messages that it
 * took since an instant and has answered for. Round trips tell their own time.
 */
export async function receiptLatencies(db: Database, since: Date, issuer?: string): Promise<Map<string, Latency>> {
  const whose = issuer === undefined ? sql`` : sql`where p.issuer = ${issuer}`;
  const { rows } = await sql<Latency>`
    select t.partner, count(*)::int as count, percentile_disc(0.5) within group (order by t.took)::float as median,
      max(t.took)::float as slowest
    from (
      select p.issuer as partner, greatest(0, extract(epoch from m.first_at - d.sent_at) * 1000) as took
      from partner p cross join lateral (
        select jti, sent_at from delivery
        where partner = p.issuer and event not in ('receipt', 'voided', 'verify') and sent_at > ${since}
          and outcome is not null
        order by position desc limit ${MOST}) d
      cross join lateral (
        select min(received_at) as first_at from message
        where issuer = p.issuer and answers = d.jti) m
      ${whose}) t
    where t.took is not null group by t.partner`.execute(db);
  return new Map(rows.map((row) => [row.partner, row]));
}
