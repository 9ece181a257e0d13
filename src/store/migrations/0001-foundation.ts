import { type Kysely, sql } from 'kysely';

/**
 * The first shape. Addresses, handles and signed bytes stand in `bytea` columns only, encrypted with the data key of
 * their reference; everything else is codes, identifiers and instants. `position` is given under the lock of
 * `feed_counter` that lasts to the commit, so that positions become visible in their order.
 */
const statements = [
  `create table node (
     single boolean primary key default true check (single),
     issuer text not null, created_at timestamptz not null,
     directory_version bigint not null default 0,
     key_set text, key_set_seq bigint not null default 0)`,
  `create table feed_counter (single boolean primary key default true check (single), position bigint not null default 0)`,
  'insert into feed_counter default values',
  `create table partner (
     issuer text primary key,
     state text not null check (state in ('pending', 'active', 'suspended', 'removed')), state_reason text,
     name text not null, type text not null, jurisdictions text[] not null, coverage jsonb not null, contact jsonb,
     card text not null, card_iat bigint not null, identity_kid text not null, identity_jwk jsonb not null,
     foreign_client boolean not null default false, is_local boolean not null default false, verified_by text,
     key_set text not null, key_set_seq bigint not null, key_set_exp bigint not null, key_set_at timestamptz not null,
     endpoints jsonb not null, added_at timestamptz not null, confirmed_at timestamptz)`,
  `create table partner_key (
     issuer text not null references partner on delete cascade, kid text not null, alg text not null,
     use text not null check (use in ('sig', 'enc')), jwk jsonb not null, nbf bigint, exp bigint not null,
     revoked_at bigint, revoked_reason text, first_seen_at timestamptz not null,
     primary key (issuer, kid))`,
  `create table partner_stream (
     partner text primary key references partner on delete cascade, epoch uuid not null, n bigint not null default 0)`,
  `create table policy (
     partner text not null references partner on delete cascade, version int not null, document jsonb not null,
     digest text not null, state text not null check (state in ('pending', 'active', 'superseded')),
     author text, approver text, created_at timestamptz not null, approved_at timestamptz,
     primary key (partner, version))`,
  `create unique index policy_active on policy (partner) where state = 'active'`,
  `create table policy_deny (
     id text primary key, document jsonb not null, author text, created_at timestamptz not null, removed_at timestamptz)`,
  `create table reference (
     originator text not null, id uuid not null, position bigint not null unique,
     direction text not null check (direction in ('in', 'out')), state text not null, revision bigint not null,
     category text not null, role text, urgency text not null, tlp text not null, hosting text,
     jurisdictions text[] not null, assignee text, report uuid, retain_until date,
     received_at timestamptz, created_at timestamptz not null, updated_at timestamptz not null,
     primary key (originator, id))`,
  'create index reference_by_category on reference (category, position desc)',
  'create index reference_by_hosting on reference (hosting, position desc)',
  `create index reference_unsettled on reference (state, position desc) where state <> 'open'`,
  `create table reference_key (
     originator text not null, id uuid not null, wrapped bytea not null, primary key (originator, id))`,
  `create table reference_revision (
     originator text not null, id uuid not null, revision bigint not null, body bytea not null, jti text,
     at timestamptz not null, primary key (originator, id, revision))`,
  `create table reference_index (
     mac bytea not null, name text not null, originator text not null, id uuid not null,
     primary key (mac, originator, id))`,
  `create table decision (
     originator text not null, id uuid not null, partner text not null,
     direction text not null check (direction in ('in', 'out')), revision bigint not null, basis bigint not null,
     effect text not null, rule text not null, code text, policy_version int not null,
     trace jsonb not null, change text, disclosed text[], decided_at timestamptz not null, decided_by text,
     primary key (originator, id, partner, direction))`,
  `create index decision_held on decision (partner, decided_at) where effect = 'hold'`,
  `create table message (
     issuer text not null, jti text not null, digest text not null, payload_digest text not null, kid text not null,
     event text not null, epoch uuid, n bigint, originator text, reference_id uuid,
     outcome text, code text, pointer text, body bytea, plain text, received_at timestamptz not null,
     primary key (issuer, jti))`,
  `create table delivery (
     id uuid primary key, position bigint not null unique, partner text not null, jti text not null, event text not null,
     originator text, reference_id uuid, revision bigint, priority smallint not null default 1, payload jsonb,
     state text not null check (state in ('queued', 'sent', 'receipted', 'overdue', 'dead', 'dropped')),
     epoch uuid, n bigint, body bytea, plain text, digest text, attempts int not null default 0,
     next_at timestamptz not null, lease uuid, lease_until timestamptz, last_code text,
     created_at timestamptz not null, sent_at timestamptz, settled_at timestamptz, reissued_at timestamptz,
     outcome text, outcome_code text, outcome_pointer text, receipt_jti text, answers text,
     unique (partner, jti))`,
  `create index delivery_queue on delivery (partner, priority, position) where state = 'queued'`,
  `create index delivery_order on delivery (partner, originator, reference_id, position) where state = 'queued' and event <> 'receipt'`,
  'create index delivery_by_reference on delivery (originator, reference_id)',
  `create index delivery_waiting on delivery (sent_at) where state = 'sent' and event not in ('receipt', 'voided')`,
  `create index delivery_answers on delivery (partner, answers) where answers is not null`,
  `create index delivery_troubled on delivery (state, position desc) where state in ('overdue', 'dead')`,
  `create table event (
     position bigint primary key, type text not null, at timestamptz not null, originator text, reference_id uuid,
     partner text, jti text, code text, body jsonb)`,
  `create table client (
     id uuid primary key, name text not null, token_digest bytea not null unique, scopes text[] not null,
     created_at timestamptz not null, revoked_at timestamptz)`,
  `create table idempotency (
     client uuid not null, key_digest bytea not null, body_digest bytea not null,
     originator text not null, reference_id uuid not null, response bytea not null, created_at timestamptz not null,
     primary key (client, key_digest))`,
  'create index idempotency_age on idempotency (created_at)',
  // Ciphertext and signatures do not compress; trying costs time at every insert.
  'alter table delivery alter column body set storage external, alter column plain set storage external',
  'alter table message alter column body set storage external, alter column plain set storage external',
  'alter table reference_revision alter column body set storage external',
  // Every delivery is updated a few times within seconds: room on its page keeps the updates there.
  'alter table delivery set (fillfactor = 60)',
  `create table refusal_count (
     day date not null, door text not null, code text not null, n bigint not null default 0, primary key (day, door, code))`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
