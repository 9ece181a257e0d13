import { sql } from 'kysely';
import type { Database, Store, Trx } from './open.ts';
import type { DeliveryState } from './tables.ts';

/** For each partner with messages in the outbox: how many, how many of them are no round trip or receipt, the oldest, and why its last attempt failed. */
export async function waitingByPartner(db: Database) {
  const { rows } = await sql<{ partner: string; count: number; messages: number; since: Date; code: string | null }>`
    select partner, count(*)::int as count, min(created_at) as since,
      count(*) filter (where event not in ('verify', 'receipt'))::int as messages,
      (array_agg(last_code order by position))[1] as code
    from delivery where state = 'queued' group by partner`.execute(db);
  return new Map(rows.map((row) => [row.partner, row]));
}

/** A round trip that is under way already, so that a partner who is away does not gather a heap of them. */
export async function pendingVerify(
  trx: Trx,
  partner: string,
  since: Date,
): Promise<{ id: string; attempts: number; created_at: Date } | undefined> {
  return trx
    .selectFrom('delivery')
    .select(['id', 'attempts', 'created_at'])
    .where('partner', '=', partner)
    .where('event', '=', 'verify')
    .where((where) =>
      where.or([
        where('state', '=', 'queued'),
        where.and([where('state', '=', 'sent'), where('created_at', '>', since)]),
      ]),
    )
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Lets a delivery that waits for its next attempt go now. */
export async function hurryDelivery(trx: Trx, id: string, now: Date): Promise<void> {
  await sql`update delivery set next_at = ${now} where id = ${id}::uuid and state = 'queued' and lease is null`.execute(
    trx,
  );
}

/** Which of these partners' messages came since an instant. */
export async function heardSince(db: Database, partners: readonly string[], since: Date): Promise<Set<string>> {
  if (partners.length === 0) return new Set();
  const { rows } = await sql<{ issuer: string }>`
    select p.issuer from unnest(${[...partners]}::text[]) as p (issuer)
    where exists (select 1 from message m where m.issuer = p.issuer and m.received_at >= ${since})`.execute(db);
  return new Set(rows.map(({ issuer }) => issuer));
}

export interface Standing {
  readonly id: string;
  readonly state: DeliveryState;
  readonly outcome: string | null;
  readonly last_code: string | null;
  readonly attempts: number;
}

/** Where these deliveries stand now. */
export async function standings(db: Database, ids: readonly string[]): Promise<Map<string, Standing>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<Standing>`
    select id, state, outcome, last_code, attempts from delivery where id = any(${[...ids]}::uuid[])`.execute(db);
  return new Map(rows.map((row) => [row.id, row]));
}

/** How far a clock (milliseconds since 1970) is ahead of that of the database server, in milliseconds: several processes share that one. */
export async function aheadOfServer({ db }: Store, clock: () => number): Promise<number> {
  const asked = clock();
  const { rows } = await sql<{ at: Date }>`select clock_timestamp() as at`.execute(db);
  return Math.round((asked + clock()) / 2 - (rows[0]?.at.getTime() ?? asked));
}

/** What the server says of itself: its version as a number (150004 is 15.4), and whether a commit outlives a power cut. */
export async function serverStanding({ db }: Store): Promise<{ version: number; durable: boolean }> {
  const { rows } = await sql<{ version: string; fsync: string; sync: string }>`
    select current_setting('server_version_num') as version, current_setting('fsync') as fsync,
      current_setting('synchronous_commit') as sync`.execute(db);
  const { version = '0', fsync = 'off', sync = 'off' } = rows[0] ?? {};
  return { version: Number(version), durable: fsync === 'on' && sync !== 'off' };
}
