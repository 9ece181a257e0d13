import { type Kysely, sql } from 'kysely';

/**
 * Keys that can be lost. A partner's key set is asked for in the background, and the store remembers when, so that several
 * processes ask once. Messages by a key that was revoked later carry a mark with the time at which that became known; our
 * own messages know the key that signed them, so that they can be signed again under another one.
 */
const statements = [
  'alter table node add column card text',
  `alter table partner
     add column refresh_wanted_at timestamptz, add column refresh_tried_at timestamptz, add column refreshed_at timestamptz,
     add column refresh_failures int not null default 0, add column refresh_due_at timestamptz,
     add column key_set_etag text`,
  'alter table partner_key add column revocation_seen_at timestamptz',
  // Another identity key for a known issuer: taken when its own fingerprint is confirmed, or never.
  `create table partner_replacement (
     issuer text primary key references partner on delete cascade, card text not null, card_iat bigint not null,
     identity_kid text not null, added_at timestamptz not null)`,
  `alter table message
     add column suspect_at timestamptz, add column attested_at timestamptz, add column attested_kid text`,
  'create index message_by_key on message (issuer, kid, received_at)',
  `create index message_suspect_reference on message (originator, reference_id)
     where suspect_at is not null and attested_at is null`,
  'create index message_suspect on message (issuer, received_at) where suspect_at is not null and attested_at is null',
  `alter table delivery add column kid text, add column former_digests text[]`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
