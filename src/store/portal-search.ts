import { sql } from 'kysely';
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
  /** Blind indexes of addresses or hosts; any is enough. */
  readonly addresses?: readonly Uint8Array[] | undefined;
  /** Blind indexes of a case number. */
  readonly numbers?: readonly Uint8Array[] | undefined;
}

export interface Found {
  readonly position: number;
  readonly originator: string;
  readonly id: string;
}

/** More hits than this are looked for by walking the list instead: a host with so many is met soon. */
const MANY = 2000;
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
  const wanted = [
    ...conditions(filter, page),
    ...(await hitConditions(trx, filter)),
    ...(await timeBounds(trx, filter)),
  ];
  const { rows } = await sql<Found>`
    select f.position, f.originator, f.id from ${scopeRows(scope)} cross join lateral (
      select e.position, e.originator, e.id from portal_place e
      where e.place = w.place and (w.home or e.reach = 'concerned') and ${sql.join(wanted, sql` and `)}
      order by e.position desc limit ${page.limit}) f
    order by f.position desc`.execute(trx);
  return [...new Map(rows.map((row) => [row.position, row])).values()].slice(0, page.limit);
}

/** The places of a scope as rows `w (place, home)`. */
export function scopeRows(scope: readonly ScopePlace[]) {
  return sql`jsonb_to_recordset(${JSON.stringify(scope)}::jsonb) as w (place text, home boolean)`;
}

function conditions(
  { category, urgency, state, partner, assessment, since, until }: PortalFilter,
  { before, now }: { readonly before?: number | undefined; readonly now: Date },
) {
  const wanted = [sql<boolean>`(e.expires_at is null or e.expires_at > ${now})`];
  if (before !== undefined) wanted.push(sql`e.position < ${before}`);
  if (category !== undefined) wanted.push(sql`e.category = ${category}`);
  if (urgency !== undefined) wanted.push(sql`e.urgency = ${urgency}`);
  // Said once more as it stands in the partial indexes, so that they serve whatever the planner knows of the parameter.
  if (urgency !== undefined && urgency !== 'routine') wanted.push(sql`e.urgency <> 'routine'`);
  if (state !== undefined) wanted.push(sql`e.state = ${state}`);
  if (state !== undefined && state !== 'open') wanted.push(sql`e.state <> 'open'`);
  if (partner !== undefined) wanted.push(sql`e.originator = ${partner}`);
  if (assessment !== undefined)
    wanted.push(sql`e.assessments @> array[${assessment}]::text[] and e.assessments <> '{}'`);
  if (since !== undefined) wanted.push(sql`e.created_at >= ${since}`);
  if (until !== undefined) wanted.push(sql`e.created_at < ${until}`);
  return wanted;
}

async function hitConditions(trx: Trx, { addresses, numbers, assessment }: PortalFilter) {
  const wanted = [];
  if (assessment !== undefined) {
    const { rows } = await sql<{ position: number }>`
      select position from portal_place where assessments @> array[${assessment}]::text[] and assessments <> '{}' limit ${MANY + 1}`.execute(
      trx,
    );
    if (rows.length <= MANY) wanted.push(sql<boolean>`e.position = any(${positionsOf(rows)}::bigint[])`);
  }
  if (addresses) {
    const macs = addresses.map((mac) => Buffer.from(mac));
    const { rows } = await sql<{ position: number }>`
      select position from reference_index where mac = any(${macs}::bytea[]) limit ${MANY + 1}`.execute(trx);
    wanted.push(rows.length > MANY ? standsAt(macs) : sql<boolean>`e.position = any(${positionsOf(rows)}::bigint[])`);
  }
  if (numbers) {
    const { rows } = await sql<{ position: number }>`
      select position from portal_handle where mac = any(${numbers.map((mac) => Buffer.from(mac))}::bytea[])
      order by position desc limit ${MANY}`.execute(trx);
    wanted.push(sql<boolean>`e.position = any(${positionsOf(rows)}::bigint[])`);
  }
  return wanted;
}

function positionsOf(rows: readonly { position: number }[]): number[] {
  return rows.map(({ position }) => position);
}

function standsAt(macs: readonly Buffer[]) {
  return sql<boolean>`exists (
    select 1 from reference_index i where i.position = e.position and i.mac = any(${[...macs]}::bytea[]))`;
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
