import { type Kysely, sql } from 'kysely';

/**
 * Operators by their public keys, and the acts that they sign: a policy version, a partner's confirmation, an operator. With
 * two keys or more an act is pending until a second one has signed the same digest; its signatures are kept as evidence.
 */
const statements = [
  `create table operator (
     name text primary key, kid text not null unique, jwk jsonb not null,
     state text not null check (state in ('active', 'removed')),
     added_at timestamptz not null, removed_at timestamptz)`,
  `create table act (
     id uuid primary key, kind text not null, subject text not null, digest text not null, document jsonb not null,
     state text not null check (state in ('pending', 'effective', 'superseded')),
     author text, approver text, created_at timestamptz not null, settled_at timestamptz)`,
  // One subject waits for one thing: a newer act takes the place of the older one.
  `create unique index act_pending on act (kind, subject) where state = 'pending'`,
  'create index act_by_subject on act (kind, subject, created_at)',
  `create table act_signature (
     act uuid not null references act, role text not null check (role in ('author', 'approver')),
     operator text not null, kid text not null, token text not null, token_digest text not null unique,
     at timestamptz not null, primary key (act, role))`,
  // Whoever ends a suspension signs which one: a signature for an earlier one must not end a later one.
  'alter table partner add column suspended_at timestamptz',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
