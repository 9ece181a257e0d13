import { type Kysely, sql } from 'kysely';

/**
 * Alerts, one row for as long as one trouble lasts, and where each partner's numbering stands. An alert that is open is unique by
 * code, partner and scope: '' for those that are counted together, the subject for those that count by themselves.
 */
const statements = [
  `create table alert (
     id uuid primary key, code text not null, partner text not null default '', scope text not null default '', subject text not null default '',
     first_at timestamptz not null, last_at timestamptz not null, count bigint not null, acknowledged_at timestamptz,
     told_at timestamptz, tell_after timestamptz not null, tellings int not null default 0)`,
  'create unique index alert_open on alert (code, partner, scope) where acknowledged_at is null',
  'create index alert_by_age on alert (code, partner, first_at)',
  'create index alert_untold on alert (tell_after) where told_at is null and acknowledged_at is null',
  `create table incoming_stream (
     partner text not null, epoch uuid not null, floor bigint not null default 0, highest bigint not null default 0,
     first_at timestamptz not null, walked_at timestamptz, primary key (partner, epoch))`,
  `create table voided_run (
     partner text not null, epoch uuid not null, first bigint not null, last bigint not null, primary key (partner, epoch, first, last))`,
  `create index reference_emergency on reference (created_at) where urgency = 'emergency'`,
  `create index delivery_sealed on delivery (settled_at) where event = 'withdrawn' and outcome = 'sealed'`,
  'create index message_stream on message (issuer, epoch, n) where n is not null',
  // What a store of before has taken counts as whole: nobody can say any more what its holes were.
  `insert into incoming_stream (partner, epoch, floor, highest, first_at)
     select issuer, epoch, max(n), max(n), min(received_at) from message where n is not null group by issuer, epoch`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
