import { type Kysely, sql } from 'kysely';

/**
 * What liaisons find. The rows of `portal_place` are taken away by the database itself in the statement that changes a
 * reference, whatever code that was: a reference that is sealed, restricted, erased or revised is found by nobody from that commit on,
 * until what it says now has been decided anew. `portal_pending` is that work; what is said about a reference is settled with its
 * course, and a claim among it is found from the next decision on.
 * A node that has never had a liaison does none of that work; the first one has all that is there decided.
 * What is marked for the recipient's own nation stands under a place key of its own (`NL/national`): who may not see it never walks over it.
 */
const closed = "('held', 'sealed', 'restricted', 'purged', 'expired')";
const isRead = 'exists (select 1 from liaison)';

const statements = [
  `create table portal_pending (position bigint primary key, originator text not null, id uuid not null)`,
  `create table portal_place (
     place text not null, position bigint not null, originator text not null, id uuid not null,
     category text not null, urgency text not null,
     state text not null, hosting text, host bytea not null, created_at timestamptz not null, expires_at timestamptz,
     primary key (place, position))`,
  // By hash: an order by position alone must never look like a way to the newest of one place.
  'create index portal_place_position on portal_place using hash (position)',
  'create index portal_place_category on portal_place (place, category, position desc)',
  `create index portal_place_urgent on portal_place (place, urgency, position desc) where urgency <> 'routine'`,
  'create index portal_place_state on portal_place (place, state, position desc)',
  'create index portal_place_originator on portal_place (place, originator, position desc)',
  'create index portal_place_arrival on portal_place (place, created_at, position)',
  'create index portal_place_host on portal_place (place, host, position desc)',
  'create index reference_by_arrival on reference (created_at, position)',
  `create table portal_assessed (
     place text not null, assessment text not null, position bigint not null, primary key (place, assessment, position))`,
  'create index portal_assessed_position on portal_assessed using hash (position)',
  `create index reference_waits on reference (position) where case_held or case_clearance = 'open'`,
  'create table portal_handle (mac bytea not null, position bigint not null, primary key (mac, position))',
  'create index portal_handle_position on portal_handle (position)',
  `create table portal_decision (
     unit text not null, scope text not null, originator text not null, reference_id uuid not null, revision bigint not null,
     effect text not null check (effect in ('show', 'withhold')), rule text not null, trace jsonb not null,
     decided_at timestamptz not null, primary key (unit, scope, originator, reference_id))`,
  `create table portal_view (
     id uuid primary key, at timestamptz not null, liaison text not null, unit text not null, session text not null,
     kind text not null, originator text, reference_id uuid, purpose text, own_reference bytea, code text)`,
  'create index portal_view_liaison on portal_view (liaison, at)',
  `create index portal_view_originator on portal_view (originator, at) where kind in ('case', 'address')`,
  `create index portal_view_purpose on portal_view (session, originator, reference_id) where kind = 'purpose'`,
  `create table portal_find (
     id text primary key, liaison text not null, session text not null,
     kind text not null check (kind in ('address', 'host', 'number')), macs bytea[] not null, created_at timestamptz not null)`,
  'create index portal_find_age on portal_find (created_at)',
  `create table portal_saved (
     id uuid primary key, liaison text not null, filters jsonb not null, created_at timestamptz not null)`,
  'create index portal_saved_liaison on portal_saved (liaison, created_at)',
  `create table portal_unit (
     unit text primary key, wrapped bytea not null, break_hint boolean not null default true,
     exposure_note boolean not null default true)`,
  `create function portal_await() returns trigger language plpgsql as $$
   begin
     insert into portal_pending (position, originator, id)
       select position, originator, id from fresh where state not in ${closed} and ${isRead} on conflict do nothing;
     return null;
   end $$`,
  `create function portal_forget() returns trigger language plpgsql as $$
   begin
     delete from portal_place where position = old.position;
     delete from portal_assessed where position = old.position;
     delete from portal_handle where position = old.position;
     delete from portal_pending where position = old.position;
     if tg_op = 'UPDATE' and new.state not in ${closed} and ${isRead} then
       insert into portal_pending (position, originator, id) values (new.position, new.originator, new.id) on conflict do nothing;
     end if;
     return null;
   end $$`,
  `create trigger portal_new after insert on reference referencing new table as fresh
   for each statement execute function portal_await()`,
  `create trigger portal_changed after update on reference for each row
   when ((old.position, old.revision, old.state, old.category, old.urgency, old.tlp, old.hosting, old.expires_at)
     is distinct from (new.position, new.revision, new.state, new.category, new.urgency, new.tlp, new.hosting, new.expires_at))
   execute function portal_forget()`,
  'create trigger portal_gone after delete on reference for each row execute function portal_forget()',
  `create function portal_heard() returns trigger language plpgsql as $$
   begin
     insert into portal_pending (position, originator, id)
       select position, originator, id from reference
       where originator = new.originator and id = new.reference_id and state not in ${closed} and exists (
         select 1 from case_statement s
         where s.originator = new.originator and s.reference_id = new.reference_id and s.event = 'assessed') and ${isRead}
       on conflict do nothing;
     return null;
   end $$`,
  `create trigger portal_heard after insert or update on case_course for each row execute function portal_heard()`,
  // References that are being stored by somebody who saw no liaison yet are waited for.
  `create function portal_opened() returns trigger language plpgsql as $$
   begin
     if not exists (select 1 from liaison l where not exists (select 1 from fresh f where f.id = l.id)) then
       lock table reference in share mode;
       insert into portal_pending (position, originator, id)
         select position, originator, id from reference where state not in ${closed} on conflict do nothing;
     end if;
     return null;
   end $$`,
  `create trigger portal_opened after insert on liaison referencing new table as fresh
   for each statement execute function portal_opened()`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
