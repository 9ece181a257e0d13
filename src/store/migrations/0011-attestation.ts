import { type Kysely, sql } from 'kysely';

/**
 * What has to be said again because the key that signed it was lost, apart from the deliveries themselves: those are evidence
 * of what was sent and answered, and stay as they are. `key_loss` is looked at a few times after the publication, for what
 * was under way at that moment.
 */
const statements = [
  `create table key_loss (
     kid text primary key, since timestamptz not null, told_at timestamptz not null,
     looks int not null default 0, look_at timestamptz)`,
  `create table attestation (
     delivery uuid primary key references delivery on delete cascade, partner text not null, kid text not null,
     state text not null check (state in ('owed', 'done', 'never')), code text, attempts int not null default 0,
     next_at timestamptz not null, lease uuid, lease_until timestamptz, settled_at timestamptz)`,
  // Which version of the directory signed bytes were made for; what an earlier release signed is looked at anew.
  `alter table delivery add column basis bigint, add column reached boolean not null default false`,
  `create index attestation_owed on attestation (next_at) where state = 'owed'`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
