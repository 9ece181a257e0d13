import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';
import type { UnitTable } from './trust-tables.ts';

/** The units on the list, by name; removed ones are left out. */
export function unitRows(db: Database): Promise<UnitTable[]> {
  return db.selectFrom('unit').selectAll().where('removed_at', 'is', null).orderBy('name').execute();
}

/** Puts a unit on the list, or what is known of it anew. */
export async function putUnit(
  trx: Trx,
  { name, jurisdiction, phone, at }: { name: string; jurisdiction: string; phone: string | null; at: Date },
): Promise<void> {
  await sql`
    insert into unit (name, jurisdiction, phone, added_at) values (${name}, ${jurisdiction}, ${phone}, ${at})
    on conflict (name) do update set jurisdiction = excluded.jurisdiction, phone = excluded.phone,
      added_at = excluded.added_at, removed_at = null`.execute(trx);
}

export async function removeUnitRow(trx: Trx, name: string, at: Date): Promise<void> {
  await trx.updateTable('unit').set({ removed_at: at }).where('name', '=', name).execute();
}
