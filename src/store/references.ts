import { sql } from 'kysely';
import type { Database } from './open.ts';
import type { Insert, NewRow } from './rows.ts';

/** Which of these ids of one originator are taken. */
export async function takenIds(db: Database, originator: string, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await sql<{ id: string }>`
    select id from reference where originator = ${originator} and id = any(${[...ids]}::uuid[])`.execute(db);
  return new Set(rows.map((row) => row.id));
}

/** Which of these names are those of partners' references, whatever became of them. */
export async function receivedAmong(
  db: Database,
  names: readonly { originator: string; id: string }[],
): Promise<Set<string>> {
  if (names.length === 0) return new Set();
  const wanted = JSON.stringify(names.map(({ originator, id }) => ({ originator, id })));
  const { rows } = await sql<{ name: string }>`
    select r.originator || ' ' || r.id as name from jsonb_to_recordset(${wanted}::jsonb) as w (originator text, id uuid)
    join reference r on r.originator = w.originator and r.id = w.id where r.direction = 'in'`.execute(db);
  return new Set(rows.map(({ name }) => name));
}

/** Which of these ids a partner's reference has. Asked partner by partner: no index starts with the id. */
export async function receivedIds(db: Database, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await sql<{ id: string }>`
    select distinct r.id from unnest(${[...ids]}::uuid[]) as w (id) cross join partner p
    join reference r on r.originator = p.issuer and r.id = w.id where r.direction = 'in'`.execute(db);
  return new Set(rows.map(({ id }) => id));
}

/** The rows that make up references, in bulk. */
export interface ReferenceRows {
  readonly references: NewRow[];
  readonly keys: NewRow[];
  readonly revisions: NewRow[];
  readonly indexes: NewRow[];
  readonly decisions: NewRow[];
}

export function emptyRows(): ReferenceRows {
  return { references: [], keys: [], revisions: [], indexes: [], decisions: [] };
}

/** The inserts that make new references; they throw a unique violation (23505) when one of them exists. */
export function referenceInserts(rows: ReferenceRows): Insert[] {
  return [
    { table: 'reference', rows: rows.references },
    { table: 'reference_key', rows: rows.keys },
    { table: 'reference_revision', rows: rows.revisions },
    { table: 'reference_index', rows: placed(rows), ignoreConflicts: true },
    { table: 'decision', rows: rows.decisions },
  ];
}

/** Index rows with the positions of their references; of one that is there already the table itself knows it. */
function placed({ references, indexes }: ReferenceRows): NewRow[] {
  const positions = new Map(references.map((row) => [`${row.originator} ${row.id}`, row.position]));
  return indexes.map((row) => ({ ...row, position: positions.get(`${row.originator} ${row.id}`) ?? null }));
}

/** Brings references and decisions to what a newer revision says; the decisions replace those of the same pair. */
export async function reviseReferences(
  db: Database,
  references: readonly NewRow[],
  decisions: readonly NewRow[],
): Promise<void> {
  if (references.length > 0) {
    await sql`
      update reference r set state = coalesce(s.state, r.state), revision = s.revision, category = s.category, role = s.role,
        urgency = s.urgency, tlp = s.tlp, hosting = s.hosting, jurisdictions = s.jurisdictions, assignee = s.assignee,
        report = s.report, retain_until = s.retain_until, expires_at = s.expires_at, received_at = s.received_at,
        observed_at = s.observed_at, updated_at = s.updated_at
      from jsonb_populate_recordset(null::reference, ${JSON.stringify(references)}::jsonb) as s
      where r.originator = s.originator and r.id = s.id and r.revision < s.revision`.execute(db);
  }
  if (decisions.length === 0) return;
  await sql`
    insert into decision
    select * from jsonb_populate_recordset(null::decision, ${JSON.stringify(decisions)}::jsonb)
    on conflict (originator, id, partner, direction) do update set revision = excluded.revision, basis = excluded.basis,
      effect = excluded.effect, rule = excluded.rule, code = excluded.code, policy_version = excluded.policy_version,
      trace = excluded.trace, change = excluded.change, disclosed = excluded.disclosed,
      decided_at = excluded.decided_at, decided_by = excluded.decided_by
    where decision.revision <= excluded.revision`.execute(db);
}
