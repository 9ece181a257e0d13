import { sql } from 'kysely';
import type { Database } from './open.ts';
import { closedStates } from './recall.ts';

export interface ReferenceFilter {
  readonly direction?: 'in' | 'out' | undefined;
  readonly partner?: string | undefined;
  readonly category?: string | undefined;
  readonly jurisdiction?: string | undefined;
  readonly state?: string | undefined;
  readonly urgency?: string | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** Blind indexes of an address or host; any of them is enough. */
  readonly macs?: readonly Uint8Array[] | undefined;
}

export interface Page {
  readonly limit: number;
  /** Rows below this position; absent: the newest. */
  readonly before?: number | undefined;
}

function withContent(db: Database) {
  return db
    .selectFrom('reference as r')
    .leftJoin('reference_key as k', (join) =>
      join.onRef('k.originator', '=', 'r.originator').onRef('k.id', '=', 'r.id'),
    )
    .leftJoin('reference_revision as v', (join) =>
      join.onRef('v.originator', '=', 'r.originator').onRef('v.id', '=', 'r.id').onRef('v.revision', '=', 'r.revision'),
    )
    .selectAll('r')
    .select(['k.wrapped', 'v.body'])
    .select(
      sql<boolean>`exists (select 1 from message m where m.issuer = r.originator and m.originator = r.originator and m.reference_id = r.id
        and m.suspect_at is not null and m.attested_at is null
        and (m.event not in ('urn:caseref:event:1:submitted', 'urn:caseref:event:1:revised') or m.jti = v.jti))`.as(
        'suspect',
      ),
    );
}

export type ListedReference = Awaited<ReturnType<typeof listReferences>>[number];

/**
 * References that fit a filter, newest first, by keyset: positions become visible in their order, so no page skips or
 * repeats a row that was there when the first page was read. `partner` means: came from it, or was decided to go to it.
 */
export async function listReferences(db: Database, filter: ReferenceFilter, page: Page) {
  let query = withContent(db).orderBy('r.position', 'desc').limit(page.limit);
  const { direction, partner, category, jurisdiction, state, urgency, since, until, macs } = filter;
  if (page.before !== undefined) query = query.where('r.position', '<', page.before);
  if (direction) query = query.where('r.direction', '=', direction);
  if (category) query = query.where('r.category', '=', category);
  // What was withdrawn, restricted or erased is shown to who asks for that state alone, and then without its content.
  query = state ? query.where('r.state', '=', state) : query.where('r.state', 'not in', [...closedStates]);
  // Nor may it be sorted by what it said.
  if (macs || category || jurisdiction || urgency) query = query.where('r.state', 'not in', [...closedStates]);
  if (urgency) query = query.where('r.urgency', '=', urgency);
  if (since) query = query.where('r.created_at', '>=', since);
  if (until) query = query.where('r.created_at', '<', until);
  if (jurisdiction) query = query.where(sql<boolean>`${jurisdiction} = any(r.jurisdictions)`);
  if (partner) {
    query = query.where((where) =>
      where.or([
        where('r.originator', '=', partner),
        where.exists(
          where
            .selectFrom('decision as d')
            .select('d.id')
            .whereRef('d.originator', '=', 'r.originator')
            .whereRef('d.id', '=', 'r.id')
            .where('d.partner', '=', partner)
            .where('d.direction', '=', 'out')
            .where('d.effect', '=', 'send'),
        ),
      ]),
    );
  }
  if (macs) {
    const wanted = macs.map((mac) => Buffer.from(mac));
    query = query.where((where) =>
      where.exists(
        where
          .selectFrom('reference_index as i')
          .select('i.id')
          .whereRef('i.position', '=', 'r.position')
          .where('i.mac', 'in', wanted),
      ),
    );
  }
  return query.execute();
}

/** One reference with the content of its newest revision, if that can still be read. */
export function findReference(db: Database, originator: string, id: string) {
  return withContent(db).where('r.originator', '=', originator).where('r.id', '=', id).executeTakeFirst();
}

/** Who has a reference with this id: an id alone identifies nothing. */
export async function originatorsOf(db: Database, id: string): Promise<string[]> {
  const rows = await db
    .selectFrom('reference')
    .select('originator')
    .where('id', '=', id)
    .orderBy('originator')
    .limit(20)
    .execute();
  return rows.map((row) => row.originator);
}

/** When each revision of a reference was stored, oldest first. */
export function revisionsOf(db: Database, originator: string, id: string) {
  return db
    .selectFrom('reference_revision')
    .select(['revision', 'at', 'jti'])
    .where('originator', '=', originator)
    .where('id', '=', id)
    .orderBy('revision')
    .execute();
}

export type ListedDecision = Awaited<ReturnType<typeof decisionsOf>>[number];

/** Stored decisions about a reference, ours to send and ours to take. */
export function decisionsOf(db: Database, originator: string, id: string) {
  return db
    .selectFrom('decision')
    .selectAll()
    .where('originator', '=', originator)
    .where('id', '=', id)
    .orderBy('direction', 'desc')
    .orderBy('partner')
    .execute();
}

export interface DeliveryFilter {
  readonly state?: string | undefined;
  readonly partner?: string | undefined;
  readonly originator?: string | undefined;
  readonly reference?: string | undefined;
  readonly withReceipts?: boolean | undefined;
}

const deliveryColumns = [
  'id',
  'position',
  'partner',
  'jti',
  'event',
  'originator',
  'reference_id',
  'revision',
  'state',
  'epoch',
  'n',
  'digest',
  'attempts',
  'next_at',
  'priority',
  'last_code',
  'created_at',
  'sent_at',
  'settled_at',
  'outcome',
  'outcome_code',
  'outcome_pointer',
  'receipt_jti',
] as const;

export type ListedDelivery = Awaited<ReturnType<typeof listDeliveries>>[number];

/** Deliveries, newest first; our receipts to partners only where asked for. Never the signed bytes. */
export function listDeliveries(db: Database, filter: DeliveryFilter, page: Page) {
  let query = db
    .selectFrom('delivery')
    .select(deliveryColumns)
    .select(
      sql<boolean>`exists (select 1 from message m where m.issuer = delivery.partner and m.jti = delivery.receipt_jti
        and m.suspect_at is not null and m.attested_at is null)`.as('receipt_suspect'),
    )
    .orderBy('position', 'desc')
    .limit(page.limit);
  if (page.before !== undefined) query = query.where('position', '<', page.before);
  if (filter.state) query = query.where('state', '=', filter.state as never);
  if (filter.partner) query = query.where('partner', '=', filter.partner);
  if (filter.originator) query = query.where('originator', '=', filter.originator);
  if (filter.reference) query = query.where('reference_id', '=', filter.reference);
  if (!filter.withReceipts) query = query.where('event', '<>', 'receipt');
  return query.execute();
}

/** Whether some reference has this code, in the list of this node or not. */
export async function hasCode(db: Database, column: 'category' | 'urgency', code: string): Promise<boolean> {
  const row = await db.selectFrom('reference').select('id').where(column, '=', code).limit(1).executeTakeFirst();
  return row !== undefined;
}
