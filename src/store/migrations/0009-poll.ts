import { type Kysely, sql } from 'kysely';

/**
 * Messages that are fetched instead of pushed. A nonce counts once in all processes, until nobody could use its request any
 * more; a lease keeps one long poll of a partner open with us, and one process of ours asking a partner; the last poll of
 * either direction is what an operator looks at when nothing arrives.
 */
const statements = [
  `create table poll_nonce (
     issuer text not null, nonce text not null, forget_at timestamptz not null, primary key (issuer, nonce))`,
  'create index poll_nonce_age on poll_nonce (forget_at)',
  `create table poll_lease (
     kind text not null check (kind in ('wait', 'turn')), partner text not null, lease uuid not null,
     lease_until timestamptz not null, primary key (kind, partner))`,
  `create table poll_seen (
     partner text not null, side text not null check (side in ('served', 'asked')), at timestamptz, code text,
     failed_at timestamptz, primary key (partner, side))`,
  // When it was last put into an answer to a poll: only what was offered can be acknowledged.
  'alter table delivery add column offered_at timestamptz',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
