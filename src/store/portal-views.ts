import { sql } from 'kysely';
import type { PortalDecision } from '../domain/portal.ts';
import type { Database, Trx } from './open.ts';
import type { PortalViewKind } from './portal-tables.ts';
import { insertAll } from './rows.ts';

/** One look of a liaison: who, what, when, why. */
export interface NewView {
  readonly id: string;
  readonly at: Date;
  readonly liaison: string;
  readonly unit: string;
  readonly session: string;
  readonly kind: PortalViewKind;
  readonly originator?: string | undefined;
  readonly reference?: string | undefined;
  readonly purpose?: string | undefined;
  readonly ownReference?: Uint8Array | undefined;
  readonly code?: string | undefined;
}

export async function insertView(trx: Trx, view: NewView): Promise<void> {
  await insertAll(trx, [
    {
      table: 'portal_view',
      rows: [
        {
          id: view.id,
          at: view.at,
          liaison: view.liaison,
          unit: view.unit,
          session: view.session,
          kind: view.kind,
          originator: view.originator ?? null,
          reference_id: view.reference ?? null,
          purpose: view.purpose ?? null,
          own_reference: view.ownReference ?? null,
          code: view.code ?? null,
        },
      ],
    },
  ]);
}

export interface MadeDecision {
  readonly originator: string;
  readonly id: string;
  readonly revision: number;
  readonly decision: PortalDecision;
}

/** Stores what was decided for a unit; what is as it was keeps the instant of its first decision. */
export async function storePortalDecisions(
  trx: Trx,
  { unit, scope, at }: { readonly unit: string; readonly scope: string; readonly at: Date },
  made: readonly MadeDecision[],
): Promise<void> {
  if (made.length === 0) return;
  const rows = made.map(({ originator, id, revision, decision: { effect, rule, trace } }) => {
    return { originator, reference_id: id, revision, effect, rule, trace };
  });
  await sql`
    insert into portal_decision as d (unit, scope, originator, reference_id, revision, effect, rule, trace, decided_at)
    select ${unit}, ${scope}, w.originator, w.reference_id, w.revision, w.effect, w.rule, w.trace, ${at}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as w (originator text, reference_id uuid, revision bigint, effect text, rule text, trace jsonb)
    order by w.originator, w.reference_id
    on conflict (unit, scope, originator, reference_id) do update
      set revision = excluded.revision, effect = excluded.effect, rule = excluded.rule, trace = excluded.trace, decided_at = excluded.decided_at
      where (d.revision, d.effect, d.rule) is distinct from (excluded.revision, excluded.effect, excluded.rule)`.execute(
    trx,
  );
}

/** The purpose that was stated for a case in a session, if one was. */
export async function statedPurpose(
  db: Database,
  session: string,
  name: { readonly originator: string; readonly id: string },
): Promise<{ purpose: string; own_reference: Buffer | null; at: Date; id: string } | undefined> {
  const row = await db
    .selectFrom('portal_view')
    .select(['purpose', 'own_reference', 'at', 'id'])
    .where('session', '=', session)
    .where('originator', '=', name.originator)
    .where('reference_id', '=', name.id)
    .where('kind', '=', 'purpose')
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && row.purpose !== null ? { ...row, purpose: row.purpose } : undefined;
}

/** How many cases and whole addresses a liaison has looked at since an instant. */
export async function exposureOf(
  db: Database,
  liaison: string,
  since: Date,
): Promise<{ cases: number; addresses: number }> {
  const { rows } = await sql<{ cases: number; addresses: number }>`
    select count(distinct (originator, reference_id)) filter (where kind = 'case')::int as cases, count(*) filter (where kind = 'address')::int as addresses
    from portal_view where liaison = ${liaison} and at >= ${since} and kind in ('case', 'address')`.execute(db);
  return rows[0] ?? { cases: 0, addresses: 0 };
}

export interface LooksOfDay {
  /** UTC. */
  readonly day: string;
  /** Of the liaison's accreditation; `XX` where it names several. */
  readonly country: string;
  readonly count: number;
}

/** Looks at an originator's cases from an instant on, by day and country: all that an originator may be told. */
export async function looksByDay(db: Database, originator: string, since: Date): Promise<LooksOfDay[]> {
  const { rows } = await sql<LooksOfDay>`
    select to_char(v.at at time zone 'UTC', 'YYYY-MM-DD') as day, coalesce(c.country, 'XX') as country, count(*)::int as count
    from portal_view v left join (
      select id::text, case when count(distinct left(place, 2)) = 1 then min(left(place, 2)) end as country
      from liaison cross join unnest(jurisdictions) as place group by id) c on c.id = v.liaison
    where v.originator = ${originator} and v.at >= ${since} and v.kind in ('case', 'address')
    group by 1, 2 order by 1, 2`.execute(db);
  return rows;
}

export interface UnitRow {
  readonly wrapped: Buffer;
  readonly break_hint: boolean;
  readonly exposure_note: boolean;
}

/** A unit's key and settings, made with `wrapped` where there are none yet. */
export async function unitRow(trx: Trx, unit: string, wrapped: () => Uint8Array): Promise<UnitRow> {
  const read = () =>
    trx
      .selectFrom('portal_unit')
      .select(['wrapped', 'break_hint', 'exposure_note'])
      .where('unit', '=', unit)
      .executeTakeFirst();
  const known = await read();
  if (known) return known;
  await insertAll(trx, [
    {
      table: 'portal_unit',
      rows: [{ unit, wrapped: wrapped(), break_hint: true, exposure_note: true }],
      ignoreConflicts: true,
    },
  ]);
  const made = await read();
  if (!made) throw new Error('a unit has no row');
  return made;
}

/** The settings of a unit that has any. */
export function knownUnit(db: Database, unit: string): Promise<UnitRow | undefined> {
  return db
    .selectFrom('portal_unit')
    .select(['wrapped', 'break_hint', 'exposure_note'])
    .where('unit', '=', unit)
    .executeTakeFirst();
}

export async function setUnitCare(
  trx: Trx,
  unit: string,
  {
    breakHint,
    exposureNote,
  }: { readonly breakHint?: boolean | undefined; readonly exposureNote?: boolean | undefined },
): Promise<void> {
  await sql`
    update portal_unit set break_hint = coalesce(${breakHint ?? null}::boolean, break_hint),
      exposure_note = coalesce(${exposureNote ?? null}::boolean, exposure_note) where unit = ${unit}`.execute(trx);
}
