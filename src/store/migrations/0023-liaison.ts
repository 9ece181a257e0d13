import { type Kysely, sql } from 'kysely';

/**
 * Who reads the portal. `liaison`: an accreditation that is in force or was. `liaison_passkey`: the public keys that it signs
 * in with. `liaison_invitation` and `portal_session`: secrets by their keyed digests only. `portal_ceremony`: what a browser
 * was asked on its way to a session.
 */
const statements = [
  `create table liaison (
     id uuid primary key, name text not null, agency text not null, unit text not null, jurisdictions text[] not null,
     legal_basis text not null, trained_on date not null, until_on date not null,
     subject_issuer text, subject text, check ((subject is null) = (subject_issuer is null)),
     state text not null check (state in ('active', 'suspended')), state_reason text, suspended_at timestamptz,
     author text, approver text, created_at timestamptz not null,
     -- Since when nothing was seen: the last use, or when it came into force or was resumed.
     used_at timestamptz not null, seen_at timestamptz)`,
  'create unique index liaison_subject on liaison (subject_issuer, subject) where subject is not null',
  `create table liaison_passkey (
     id bytea primary key, liaison uuid not null references liaison, public_key bytea not null, counter bigint not null,
     transports text[] not null, backed_up boolean not null, created_at timestamptz not null, used_at timestamptz,
     revoked_at timestamptz)`,
  'create index liaison_passkey_of on liaison_passkey (liaison)',
  `create table liaison_invitation (
     digest bytea primary key, liaison uuid not null references liaison, created_at timestamptz not null,
     ends_at timestamptz not null, used_at timestamptz, revoked_at timestamptz)`,
  'create index liaison_invitation_of on liaison_invitation (liaison)',
  `create table portal_session (
     -- The id names the session in records; the digest is that of the secret in the cookie, and is exchanged at each sign-in.
     id uuid primary key, digest bytea not null unique, liaison uuid not null references liaison, unit text not null,
     jurisdictions text[] not null, method text not null check (method in ('passkey', 'oidc')), begun_at timestamptz not null, seen_at timestamptz not null,
     ends_at timestamptz not null, previous_at timestamptz, stepped_up_at timestamptz, ended_at timestamptz,
     why text check (why in ('idle', 'over', 'signed-out', 'replaced', 'revoked')), refused_at timestamptz)`,
  'create index portal_session_of on portal_session (liaison) where ended_at is null',
  `create table portal_ceremony (
     digest bytea primary key, kind text not null check (kind in ('invitation', 'passkey', 'oidc', 'step-up')),
     invitation bytea, session uuid, challenge text, checks jsonb, return_to text, begun_at timestamptz not null,
     ends_at timestamptz not null, used_at timestamptz)`,
  'create index portal_ceremony_end on portal_ceremony (ends_at)',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
