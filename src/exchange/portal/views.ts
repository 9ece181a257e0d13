import type { Trx } from '../../store/open.ts';
import type { PortalViewKind } from '../../store/portal-tables.ts';
import {
  exposureOf,
  insertView,
  knownUnit,
  type NewView,
  setBreakHint,
  unitRow,
  viewsByDay,
} from '../../store/portal-views.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { Exchange } from '../context.ts';
import { openText, type ReferenceName, sealText } from '../record.ts';
import type { Viewer } from './viewer.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What was looked at, and why. */
export interface Look {
  readonly kind: PortalViewKind;
  readonly name?: ReferenceName | undefined;
  readonly purpose?: string | undefined;
  readonly ownReference?: string | undefined;
  readonly code?: string | undefined;
}

/** Records a look in a transaction of its own: before anything is shown, and never in the one that reads. */
export async function recordLook(exchange: Exchange, viewer: Viewer, look: Look): Promise<void> {
  await inTransaction(exchange.store.db, (trx) => writeLook(exchange, trx, viewer, look));
}

export async function writeLook(exchange: Exchange, trx: Trx, viewer: Viewer, look: Look): Promise<void> {
  const { kind, name, purpose, ownReference, code } = look;
  const id = exchange.chance.uuid();
  const sealed =
    ownReference === undefined ? undefined : await sealForUnit(exchange, trx, viewer.unit, id, ownReference);
  const view: NewView = {
    id,
    at: new Date(exchange.clock()),
    liaison: viewer.id,
    unit: viewer.unit,
    session: viewer.session,
    kind,
    originator: name?.originator,
    reference: name?.id,
    purpose,
    ownReference: sealed,
    code,
  };
  await insertView(trx, view);
}

const unitOwner = (unit: string) => `unit ${unit}`;
const placeOf = (view: string) => ({ table: 'portal_view', row: view, column: 'own_reference' });

/** A unit's case number under the key of that unit: no page of another unit can open it. */
async function sealForUnit(
  exchange: Exchange,
  trx: Trx,
  unit: string,
  view: string,
  plain: string,
): Promise<Uint8Array> {
  const { vault } = exchange;
  const { wrapped } = await unitRow(trx, unit, () => vault.newDataKey(unitOwner(unit)).wrapped);
  return sealText(vault, vault.unwrap(wrapped, unitOwner(unit)), placeOf(view), plain);
}

/** The case number that the liaison's unit noted with a purpose. */
export async function openForUnit(
  exchange: Exchange,
  viewer: Viewer,
  stated: { readonly id: string; readonly own_reference: Buffer | null },
): Promise<string | undefined> {
  const unit = stated.own_reference && (await knownUnit(exchange.store.db, viewer.unit));
  if (!unit || !stated.own_reference) return undefined;
  const key = exchange.vault.unwrap(unit.wrapped, unitOwner(viewer.unit));
  return openText(exchange.vault, key, placeOf(stated.id), stated.own_reference);
}

export interface Exposure {
  readonly cases: number;
  readonly addresses: number;
  /** Cases looked at within the last hour, which the break hint goes by. */
  readonly lastHour: number;
  readonly breakHint: boolean;
}

/** What a liaison has looked at today and in the last hour: shown to that liaison, and to nobody else. */
export async function ownExposure(exchange: Exchange, viewer: Viewer): Promise<Exposure> {
  const { db } = exchange.store;
  const now = exchange.clock();
  const today = await exposureOf(db, viewer.id, new Date(now - DAY));
  const { cases: lastHour } = await exposureOf(db, viewer.id, new Date(now - HOUR));
  const unit = await knownUnit(db, viewer.unit);
  return { ...today, lastHour, breakHint: unit?.break_hint ?? true };
}

/** Switches the break hint of a unit on or off. */
export async function switchBreakHint(exchange: Exchange, viewer: Viewer, on: boolean): Promise<void> {
  const { vault, store } = exchange;
  await inTransaction(store.db, async (trx) => {
    await unitRow(trx, viewer.unit, () => vault.newDataKey(unitOwner(viewer.unit)).wrapped);
    await setBreakHint(trx, viewer.unit, on);
  });
}

/**
 * What an originator can be told of looks at its references: day, country and count, and nothing of who, which unit or which case.
 * `countries`: the country of each unit.
 */
export async function countForOriginator(
  exchange: Exchange,
  originator: string,
  countries: ReadonlyMap<string, string>,
): Promise<{ day: string; country: string; count: number }[]> {
  const rows = await viewsByDay(exchange.store.db, originator, [...countries.keys()]);
  const counts = new Map<string, { day: string; country: string; count: number }>();
  for (const { day, unit, n } of rows) {
    const country = countries.get(unit) ?? 'XX';
    const known = counts.get(`${day} ${country}`);
    counts.set(`${day} ${country}`, { day, country, count: (known?.count ?? 0) + n });
  }
  return [...counts.values()];
}
