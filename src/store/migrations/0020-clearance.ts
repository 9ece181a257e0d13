import { type Kysely, sql } from 'kysely';

/**
 * What became of requests for clearance, one row a reference, kept when the reference goes: that content was gone before an answer
 * came is counted for years, and says nothing of where it was. `code_list` holds versions of the code lists that were
 * imported; the newest active one of each stands beside what the release ships.
 */
const statements = [
  `create table case_clearance (
     originator text not null, reference_id uuid not null, asked_at timestamptz not null, answered_at timestamptz, gone_at timestamptz,
     primary key (originator, reference_id))`,
  'create index case_clearance_asked on case_clearance (asked_at)',
  // Since when a reference is an emergency: a revision may make it one long after it was stored, and the timer starts then.
  'alter table reference add column emergency_at timestamptz',
  `update reference set emergency_at = created_at where urgency = 'emergency'`,
  `create function note_emergency() returns trigger language plpgsql as $$
   begin
     if new.urgency is distinct from 'emergency' then new.emergency_at := null;
     elsif tg_op = 'INSERT' or old.urgency is distinct from 'emergency' then new.emergency_at := new.updated_at;
     end if;
     return new;
   end $$`,
  `create trigger reference_emergency_at before insert or update of urgency on reference for each row execute function note_emergency()`,
  `create index reference_emergency_at on reference (emergency_at) where urgency = 'emergency'`,
  `create table code_list (
     list text not null, version text not null, document jsonb not null, digest text not null,
     state text not null check (state in ('pending', 'active', 'superseded')),
     author text, approver text, imported_at timestamptz not null, primary key (list, version))`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
