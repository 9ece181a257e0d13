import { type Kysely, sql } from 'kysely';

/**
 * Recall and retention. A sealed reference knows when it is to be erased; a purged one keeps its name and
 * its highest revision, for ever and alone, so that a late arrival is refused. Withdrawals over a partner's limit wait in a
 * table of their own until one decision releases their batch.
 */
const statements = [
  `alter table reference add column withdrawn_reason text, add column sealed_at timestamptz, add column purge_after timestamptz, add column expires_at timestamptz,
     add column kept_code text, add column kept_until timestamptz`,
  'create index reference_to_purge on reference (purge_after) where purge_after is not null',
  'create index reference_to_expire on reference (expires_at) where expires_at is not null',
  `create table held_withdrawal (
     issuer text not null, jti text not null, digest text not null, reference_id uuid not null, reason text not null,
     purge boolean not null, batch uuid, received_at timestamptz not null, primary key (issuer, jti))`,
  `create index message_withdrawn on message (issuer, received_at) where event = 'urn:caseref:event:1:withdrawn'`,
  `create index message_recalls on message (originator, reference_id) where event = 'urn:caseref:event:1:withdrawn'`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
