import { type Kysely, sql } from 'kysely';

/**
 * What a lost key did can be taken back, and nothing of it is deleted for that. Every doubt and every attestation is kept, so
 * that a message is judged by all keys that said it; withdrawals know what they asked for, receipts what they answer and
 * revisions their number, so that what is left without the suspect ones can be worked out again.
 */
const statements = [
  `create table key_doubt (
     issuer text not null, kid text not null, since timestamptz not null, until timestamptz not null,
     primary key (issuer, kid))`,
  `create table message_attestation (
     issuer text not null, jti text not null, kid text not null, at timestamptz not null, primary key (issuer, jti, kid))`,
  `alter table message
     add column revision bigint, add column reason text, add column purge_after timestamptz, add column answers text`,
  'create index message_answers on message (issuer, answers) where answers is not null',
  'create index message_attested on message (issuer, attested_kid) where attested_kid is not null',
  // A tombstone that only suspect withdrawals made: its originator may bring the reference back.
  'alter table reference add column doubted_at timestamptz',
  `create table doubted_revision (
     originator text not null, id uuid not null, revision bigint not null, body bytea not null, jti text not null,
     at timestamptz not null, primary key (originator, id, jti))`,
  'alter table doubted_revision alter column body set storage external',
  `alter table voided_run add column jti text not null default '', add column at timestamptz not null default now()`,
  'alter table voided_run drop constraint voided_run_pkey, add primary key (partner, epoch, first, last, jti)',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
