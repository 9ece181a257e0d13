import { type Kysely, sql } from 'kysely';

/**
 * A store that was put back to an older state knows less than its partners do. Each loss that was noticed is a row, with the
 * epoch that our numbers go on in; the epochs before are kept, since a partner may still ask for a replay of them.
 *
 * While a partner's withdrawals of the lost time are not in, none of its references may show. Readers are many and know one
 * rule only, that what is sealed shows nothing; so a veiled reference *is* sealed for all of them, its true state stands
 * beside, and it is the table itself that sees to it, whoever writes: no reader and no writer can forget the veil.
 */
const statements = [
  `create table recovery (
     partner text not null, epoch uuid not null, because text not null, at timestamptz not null, verify text,
     resumed_at timestamptz, resumed_by text check (resumed_by in ('replay', 'operator')),
     opened_at timestamptz, opened_by text check (opened_by in ('replay', 'operator')),
     primary key (partner, epoch))`,
  'create index recovery_veil on recovery (partner) where opened_at is null',
  'create index recovery_stop on recovery (partner) where resumed_at is null',
  `create table own_epoch (
     partner text not null, epoch uuid not null, n bigint not null, ended_at timestamptz not null,
     primary key (partner, epoch))`,
  // What lies between one loss of the whole store and the next; a witness of a life that is not here tells of another loss.
  `create table store_life (
     id uuid primary key, began_at timestamptz not null, position bigint not null, settled_at timestamptz)`,
  `insert into store_life (id, began_at, position, settled_at) values (gen_random_uuid(), now(), 0, now())`,
  // Receipts, properly signed, for messages that this store does not know.
  `create table unknown_receipt (
     partner text not null, jti text not null, answers text not null, outcome text not null, code text, originator text,
     reference_id uuid, received_at timestamptz not null, at timestamptz not null, looked_at timestamptz,
     restricted boolean not null default false, primary key (partner, jti))`,
  'create index unknown_receipt_new on unknown_receipt (at) where looked_at is null',
  'alter table reference add column veiled_state text',
  `alter table reference add constraint reference_veil check (veiled_state is null or state = 'sealed')`,
  'create index reference_veiled on reference (originator) where veiled_state is not null',
  `create function veil_reference() returns trigger language plpgsql as $$
   begin
     if new.state in ('restricted', 'purged', 'expired') then
       new.veiled_state := null;
     elsif new.state <> 'sealed' then
       if exists (select 1 from recovery where partner = new.originator and opened_at is null)
         or (tg_op = 'UPDATE' and old.veiled_state is not null and exists (
           select 1 from held_withdrawal where issuer = new.originator and reference_id = new.id)) then
         new.veiled_state := new.state;
         new.state := 'sealed';
       else
         new.veiled_state := null;
       end if;
     end if;
     return new;
   end $$`,
  `create trigger reference_veil before insert or update of state on reference for each row
     when (new.direction = 'in' or new.veiled_state is not null) execute function veil_reference()`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
