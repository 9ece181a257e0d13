import { type Kysely, sql } from 'kysely';

/**
 * What a node knows of an address before work starts, found at a cost that does not grow with the store. A blind index is read
 * newest first, so the position of its reference stands beside it and orders it: of a host with tens of thousands of references
 * the newest few are read and no more. What a duplicate says (last seen online when and by whom, how often it was removed and
 * reappeared, who holds its pen) is written into the reference's row when its case is settled, so that nothing is decrypted to
 * answer. `observed_at` of references stored before is not known here: it stands in their encrypted content only.
 */
const statements = [
  `alter table reference add column observed_at timestamptz, add column seen_at timestamptz, add column seen_by text,
     add column removals int not null default 0, add column reappearances int not null default 0, add column pen text[]`,
  'alter table reference_index add column position bigint',
  `update reference_index i set position = r.position from reference r where r.originator = i.originator and r.id = i.id`,
  'delete from reference_index where position is null',
  'alter table reference_index drop constraint reference_index_pkey',
  'alter table reference_index add primary key (mac, position)',
  // A reference that is there already gets its index rows back without its position being read before.
  `create function place_reference_index() returns trigger language plpgsql as $$
   begin
     select position into new.position from reference where originator = new.originator and id = new.id;
     return new;
   end $$`,
  `create trigger reference_index_place before insert on reference_index for each row
     when (new.position is null) execute function place_reference_index()`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
