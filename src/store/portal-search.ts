import { type RawBuilder, sql } from 'kysely';
import type { Trx } from './open.ts';

/** A place that a liaison may look under; `home` where the organisation's own country reaches to it. */
export interface ScopePlace {
  readonly place: string;
  readonly home: boolean;
}

export interface PortalFilter {
  readonly category?: string | undefined;
  readonly urgency?: string | undefined;
  readonly state?: string | undefined;
  readonly partner?: string | undefined;
  /** `scheme:code` of an assessment. */
  readonly assessment?: string | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** Blind index of a host. */
  readonly host?: Uint8Array | undefined;
  /** Blind indexes of an address; any is enough. */
  readonly addresses?: readonly Uint8Array[] | undefined;
  /** Blind indexes of a case number; not beside an address. */
  readonly numbers?: readonly Uint8Array[] | undefined;
}

export interface Found {
  readonly position: number;
  readonly originator: string;
  readonly id: string;
}

/** Arrivals take their positions in another order than their clocks say, by less than a transaction lasts. */
const OUT_OF_ORDER = "interval '5 minutes'";

/**
 * References in a scope that fit a filter, newest first, below a position, by keyset: one walk along an index for each place, merged. A
 * reference under two places comes once.
 */
export async function searchPortal(
  trx: Trx,
  scope: readonly ScopePlace[],
  filter: PortalFilter,
  page: { readonly limit: number; readonly before?: number | undefined; readonly now: Date },
): Promise<Found[]> {
  if (scope.length === 0) return [];
  const wanted = [...conditions(filter, page), ...(await timeBounds(trx, filter))];
  const { rows } = await sql<Found>`
    select f.position, f.originator, f.id from ${scopeRows(scope)} cross join lateral (
      select e.position, e.originator, e.id from ${narrowed(filter)}
      where e.place = w.place and ${sql.join(wanted, sql` and `)}
      order by e.position desc limit ${page.limit}) f
    order by f.position desc`.execute(trx);
  return [...new Map(rows.map((row) => [row.position, row])).values()].slice(0, page.limit);
}

/**
 * The rows `e` to look through. Claims have a table in the order of the walk. Hits of an address or a number are few, and each `offset 0` has
 * them looked up one by one: on the way along the list they might never be met.
 */
function narrowed({ assessment, addresses, numbers }: PortalFilter) {
  const places = addresses
    ? placesOf(sql`reference_index`, addresses)
    : numbers
      ? placesOf(sql`portal_handle`, numbers)
      : sql`portal_place e`;
  if (assessment === undefined) return places;
  return sql`${places} join portal_assessed a on a.place = w.place and a.assessment = ${assessment} and a.position = e.position`;
}

function placesOf(index: RawBuilder<unknown>, macs: readonly Uint8Array[]) {
  const wanted = macs.map((mac) => Buffer.from(mac));
  return sql`(select distinct position from ${index} where mac = any(${wanted}::bytea[]) offset 0) h
    cross join lateral (select * from portal_place where place = w.place and position = h.position offset 0) e`;
}

/** What a reference stands under: the place, and for what is marked for the own nation of its recipient a key that others never look under. */
export function placeKey(place: string, reach: 'national' | 'concerned'): string {
  return reach === 'national' ? `${place}/national` : place;
}

/** The place keys of a scope as rows `w (place)`. */
export function scopeRows(scope: readonly ScopePlace[]) {
  const keys = scope.flatMap(({ place, home }) => [
    placeKey(place, 'concerned'),
    ...(home ? [placeKey(place, 'national')] : []),
  ]);
  return sql`unnest(${keys}::text[]) as w (place)`;
}

function conditions(
  { category, urgency, state, partner, host, since, until }: PortalFilter,
  { before, now }: { readonly before?: number | undefined; readonly now: Date },
) {
  const wanted = [sql<boolean>`(e.expires_at is null or e.expires_at > ${now})`];
  if (before !== undefined) wanted.push(sql`e.position < ${before}`);
  if (category !== undefined) wanted.push(sql`e.category = ${category}`);
  if (urgency !== undefined) wanted.push(sql`e.urgency = ${urgency}`);
  // Said once more as it stands in the partial index, so that it serves whatever the planner knows of the parameter.
  if (urgency !== undefined && urgency !== 'routine') wanted.push(sql`e.urgency <> 'routine'`);
  if (state !== undefined) wanted.push(sql`e.state = ${state}`);
  if (partner !== undefined) wanted.push(sql`e.originator = ${partner}`);
  if (host !== undefined) wanted.push(sql`e.host = ${Buffer.from(host)}`);
  if (since !== undefined) wanted.push(sql`e.created_at >= ${since}`);
  if (until !== undefined) wanted.push(sql`e.created_at < ${until}`);
  return wanted;
}

/**
 * Where the walk may begin and must end: without these, the oldest day would be reached by walking over everything newer. `offset 0`
 * keeps the planner from doing just that for the extreme itself.
 */
async function timeBounds(trx: Trx, { since, until }: PortalFilter) {
  const bounds = [];
  if (until !== undefined) {
    const { rows } = await sql<{ at: number | null }>`
      select max(position) as at from (select position from reference where created_at < ${until} and created_at >= (
        select created_at from reference where created_at < ${until} order by created_at desc limit 1) - ${sql.raw(OUT_OF_ORDER)} offset 0) p`.execute(
      trx,
    );
    bounds.push(sql<boolean>`e.position <= ${rows[0]?.at ?? 0}`);
  }
  if (since !== undefined) {
    const { rows } = await sql<{ at: number | null }>`
      select min(position) as at from (select position from reference where created_at >= ${since} and created_at <= (
        select created_at from reference where created_at >= ${since} order by created_at limit 1) + ${sql.raw(OUT_OF_ORDER)} offset 0) p`.execute(
      trx,
    );
    bounds.push(sql<boolean>`e.position >= ${rows[0]?.at ?? Number.MAX_SAFE_INTEGER}`);
  }
  return bounds;
}

/** A reference as pages open it: only where it still stands under one of these positions. */
export interface OpenedRow {
  readonly position: number;
  readonly originator: string;
  readonly id: string;
  readonly direction: 'in' | 'out';
  readonly revision: number;
  readonly state: string;
  readonly urgency: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly expires_at: Date | null;
  readonly wrapped: Buffer | null;
  readonly body: Buffer | null;
  /** Its newest revision may have been signed by a key that was lost. */
  readonly suspect: boolean;
}

/** These references with the content of their newest revision, in no order. One look-up each: a page never reads a table through. */
export async function openRows(
  trx: Trx,
  names: readonly { readonly originator: string; readonly id: string }[],
): Promise<OpenedRow[]> {
  if (names.length === 0) return [];
  // Each once: a name may have been found in several ways.
  const each = new Map(names.map(({ originator, id }) => [`${originator} ${id}`, { originator, id }]));
  const wanted = JSON.stringify([...each.values()]);
  const { rows } = await sql<OpenedRow>`
    select r.position, r.originator, r.id, r.direction, r.revision, r.state, r.urgency, r.created_at, r.updated_at, r.expires_at,
      k.wrapped, v.body, exists (select 1 from message m where m.issuer = r.originator and m.jti = v.jti
        and m.suspect_at is not null and m.attested_at is null) as suspect
    from jsonb_to_recordset(${wanted}::jsonb) as w (originator text, id uuid)
    cross join lateral (select * from reference where originator = w.originator and id = w.id limit 1) r
    left join lateral (select wrapped from reference_key where originator = r.originator and id = r.id limit 1) k on true
    left join lateral (select body, jti from reference_revision
      where originator = r.originator and id = r.id and revision = r.revision limit 1) v on true`.execute(trx);
  return rows;
}
