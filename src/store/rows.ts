import { sql } from 'kysely';
import type { Database } from './open.ts';
import type { Tables } from './tables.ts';

/** A row as it goes in: instants as ISO text or Date, bytes as Uint8Array, documents as plain values. */
export type NewRow = Readonly<Record<string, unknown>>;

function encode(row: NewRow): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) {
    out[column] = value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : value;
  }
  return out;
}

/** Rows for one table; all name the columns of the first. With `ignoreConflicts` a row that exists stays as it is. */
export interface Insert {
  readonly table: keyof Tables;
  readonly rows: readonly NewRow[];
  readonly ignoreConflicts?: boolean;
}

function insertion({ table, rows, ignoreConflicts }: Insert) {
  const columns = sql.join(Object.keys(rows[0] ?? {}).map((column) => sql.ref(column)));
  const tail = ignoreConflicts ? sql`on conflict do nothing` : sql``;
  return sql`
    insert into ${sql.table(table)} (${columns})
    select ${columns} from jsonb_populate_recordset(null::${sql.table(table)}, ${JSON.stringify(rows.map(encode))}::jsonb)
    ${tail}`;
}

/**
 * Inserts many rows of several tables in one statement with one parameter a table, whatever the number of rows: one way
 * to the server instead of one for each table, a text that stays the same, and nothing spent on numbering thousands of
 * parameters. Either everything goes in or it throws.
 */
export async function insertAll(db: Database, inserts: readonly Insert[]): Promise<void> {
  const filled = inserts.filter(({ rows }) => rows.length > 0);
  const last = filled.at(-1);
  if (!last) return;
  const before = filled.slice(0, -1).map((insert, index) => sql`${sql.ref(`part_${index}`)} as (${insertion(insert)})`);
  const head = before.length > 0 ? sql`with ${sql.join(before)}` : sql``;
  await sql`${head} ${insertion(last)}`.execute(db);
}

/** Inserts rows of one table. */
export function insertRows(db: Database, table: keyof Tables, rows: readonly NewRow[]): Promise<void> {
  return insertAll(db, [{ table, rows }]);
}

/** Adds to the counts of what was refused at a door: the only trace that a refused submission leaves. */
export async function countRefusals(db: Database, day: string, door: string, codes: readonly string[]): Promise<void> {
  if (codes.length === 0) return;
  await sql`
    insert into refusal_count (day, door, code, n)
    select ${day}::date, ${door}, code, count(*) from unnest(${[...codes]}::text[]) as refused (code)
    group by code order by code
    on conflict (day, door, code) do update set n = refusal_count.n + excluded.n`.execute(db);
}
