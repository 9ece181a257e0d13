import { type Kysely, sql } from 'kysely';

/**
 * Streams that come again. `replay`: what we granted a partner, worked off in steps from `next_n` on; one a partner at a time.
 * `gap`: numbers of a partner's stream that did not come within two hours, until they came, were voided or are known to be lost.
 * `replay_request`: what we ask a partner for; of each stream one that waits to be asked and one that it granted.
 */
const statements = [
  'create index delivery_stream on delivery (partner, epoch, n) where n is not null',
  `create table replay (
     id uuid primary key, partner text not null, epoch uuid not null, from_n bigint not null, to_n bigint not null,
     next_n bigint not null, messages int not null, state text not null check (state in ('running', 'done', 'ended')),
     asked_at timestamptz not null, finished_at timestamptz)`,
  `create unique index replay_running on replay (partner) where state = 'running'`,
  'create index replay_last on replay (partner, asked_at)',
  `create table gap (
     partner text not null, epoch uuid not null, first bigint not null, last bigint not null, found_at timestamptz not null,
     looked_at timestamptz, closed_at timestamptz, why text check (why in ('arrived', 'voided', 'lost', 'jump')),
     primary key (partner, epoch, first, last))`,
  'create index gap_open on gap (partner, epoch, first) where closed_at is null',
  `create table replay_request (
     id uuid primary key, partner text not null, epoch uuid not null, from_n bigint not null, to_n bigint,
     cause text not null check (cause in ('gap', 'state')),
     state text not null check (state in ('wanted', 'granted', 'done', 'refused')), code text,
     attempts int not null default 0, created_at timestamptz not null, next_at timestamptz not null, asked_at timestamptz,
     settled_at timestamptz, lease uuid, lease_until timestamptz)`,
  `create unique index replay_request_open on replay_request (partner, epoch, state) where state in ('wanted', 'granted')`,
  'create index replay_request_asked on replay_request (partner, asked_at)',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
