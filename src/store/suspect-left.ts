import { sql } from 'kysely';
import type { Database } from './open.ts';

/** What is left in doubt of one partner: how many messages, and when the first of them came. */
export interface SuspectLeft {
  readonly count: number;
  readonly since: Date | undefined;
}

/** Messages that are suspect and not attested; what an earlier revision said was overtaken by a later one. */
const left = sql`m.suspect_at is not null and m.attested_at is null
  and (m.event not in ('urn:caseref:event:1:submitted', 'urn:caseref:event:1:revised') or exists (
    select 1 from reference r join reference_revision v
      on v.originator = r.originator and v.id = r.id and v.revision = r.revision
    where r.originator = m.originator and r.id = m.reference_id and v.jti = m.jti))`;

/** What is left in doubt, by partner; partners without any are not named. */
export async function suspectLeft(db: Database, issuer?: string): Promise<ReadonlyMap<string, SuspectLeft>> {
  const { rows } = await sql<{ issuer: string; count: number; since: Date }>`
    select m.issuer, count(*)::int as count, min(m.received_at) as since from message m
    where (${issuer ?? null}::text is null or m.issuer = ${issuer ?? null}) and ${left} group by m.issuer`.execute(db);
  return new Map(rows.map(({ issuer: partner, count, since }) => [partner, { count, since }]));
}

/** Partners of whom a person was told that messages are in doubt, and of whom none is any more. */
export async function partnersCleared(db: Database): Promise<string[]> {
  const { rows } = await sql<{ partner: string }>`
    select a.partner from alert a where a.code = 'messages-suspect' and a.acknowledged_at is null
      and not exists (select 1 from message m where m.issuer = a.partner and ${left})`.execute(db);
  return rows.map(({ partner }) => partner);
}
