import { sql } from 'kysely';
import { linkedNotice } from './case-linked.ts';
import { mayHold, notAskedBack, standsAsked } from './may-hold.ts';
import type { Database } from './open.ts';

/** A message about a reference left for a partner, or may have, and nothing has asked for it back: SQL over a delivery `d`. */
const holds = sql`${mayHold('d')} and ${notAskedBack('d')}`;

const isOpen = sql`r.state not in ('sealed', 'restricted', 'purged', 'expired')`;

/** An own reference that a partner holds, with its newest content and the word of a person, where one let it go. */
export interface Holding {
  readonly originator: string;
  readonly id: string;
  readonly revision: number;
  readonly body: Buffer;
  readonly wrapped: Buffer;
  readonly person: string | null;
  readonly case_held: boolean | null;
  readonly case_clearance: string | null;
  readonly case_timeout: string | null;
  readonly linked_notice: string | null;
}

/** Own open references that are looked at for one page, whoever holds them. */
const CANDIDATES = 2000;

interface Whose {
  readonly self: string;
  readonly partner: string;
}

/** Of these own references, those that the partner holds now: it was told after it was last asked to give it up. */
export async function holdingAmong(
  db: Database,
  { self, partner }: Whose,
  ids: readonly string[],
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await sql<{ id: string }>`
    select d.reference_id as id from delivery d
    where d.originator = ${self} and d.reference_id = any(${[...ids]}::uuid[]) and d.partner = ${partner}
    group by d.reference_id
    having max(d.position) filter (where ${mayHold('d')})
      > coalesce(max(d.position) filter (where d.event = 'withdrawn' and ${standsAsked('d')}), 0)`.execute(db);
  return new Set(rows.map(({ id }) => id));
}

/**
 * Own open references that a partner holds, in the order of their ids, after one of them; `next` null at the end. It walks
 * the references by their key, in small queries that need no statistics to be planned well: a page costs the same wherever
 * it is, where sorting what the partner holds would cost all of it for each page.
 */
export async function holdingsOf(
  db: Database,
  whose: Whose,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<{ readonly rows: readonly Holding[]; readonly next: string | null }> {
  const later = page.after === undefined ? sql`true` : sql`r.id > ${page.after}::uuid`;
  const candidates = await sql<{ id: string }>`
    select r.id from reference r where r.originator = ${whose.self} and ${later} and ${isOpen}
    order by r.originator, r.id limit ${CANDIDATES}`.execute(db);
  const ids = candidates.rows.map(({ id }) => id);
  const holding = await holdingAmong(db, whose, ids);
  const held = ids.filter((id) => holding.has(id)).slice(0, page.limit);
  const rows = await contentsOf(db, whose, held);
  if (held.length === page.limit) return { rows, next: held.at(-1) ?? null };
  return { rows, next: ids.length < CANDIDATES ? null : (ids.at(-1) ?? null) };
}

async function contentsOf(db: Database, { self, partner }: Whose, ids: readonly string[]): Promise<Holding[]> {
  if (ids.length === 0) return [];
  const wanted = JSON.stringify(ids.map((id) => ({ originator: self, id })));
  const { rows } = await sql<Holding>`
    select r.originator, r.id, r.revision, v.body, k.wrapped, r.case_held, r.case_clearance, r.case_timeout,
      ${linkedNotice('r')} as linked_notice,
      case when x.effect = 'send' then x.decided_by end as person
    from jsonb_to_recordset(${wanted}::jsonb) as w (originator text, id uuid)
    join reference r on r.originator = w.originator and r.id = w.id
    join reference_key k on k.originator = r.originator and k.id = r.id
    join reference_revision v on v.originator = r.originator and v.id = r.id and v.revision = r.revision
    left join decision x on x.originator = r.originator and x.id = r.id and x.partner = ${partner} and x.direction = 'out'
    order by r.id`.execute(db);
  return rows;
}

/** How many own open references each of these partners holds; partners that hold none are left out. */
export async function countHoldings(
  db: Database,
  self: string,
  partners: readonly string[],
): Promise<{ partner: string; references: number }[]> {
  if (partners.length === 0) return [];
  const { rows } = await sql<{ partner: string; references: number }>`
    select d.partner, count(distinct d.reference_id)::int as references from delivery d
    join reference r on r.originator = d.originator and r.id = d.reference_id
    where d.originator = ${self} and d.partner = any(${[...partners]}::text[]) and ${holds} and ${isOpen}
    group by d.partner order by d.partner`.execute(db);
  return rows;
}
