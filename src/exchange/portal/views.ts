import type { Trx } from '../../store/open.ts';
import type { PortalViewKind } from '../../store/portal-tables.ts';
import { exposureOf, insertView, knownUnit, type NewView, setUnitCare, unitRow } from '../../store/portal-views.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { Exchange } from '../context.ts';
import { openText, type ReferenceName, sealText } from '../record.ts';
import { unitName, type Viewer, wholeUnit } from './viewer.ts';

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
    ownReference === undefined ? undefined : await sealForUnit(exchange, trx, unitName(viewer), id, ownReference);
  const view: NewView = {
    id,
    at: new Date(exchange.clock()),
    liaison: viewer.id,
    unit: unitName(viewer),
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
  const name = unitName(viewer);
  const unit = stated.own_reference && (await knownUnit(exchange.store.db, name));
  if (!unit || !stated.own_reference) return undefined;
  const key = exchange.vault.unwrap(unit.wrapped, unitOwner(name));
  return openText(exchange.vault, key, placeOf(stated.id), stated.own_reference);
}

export interface Exposure {
  readonly cases: number;
  readonly addresses: number;
  /** Cases looked at within the last hour, which the break hint goes by. */
  readonly lastHour: number;
  readonly care: Care;
}

/** How a unit wants to be cared for. */
export interface Care {
  /** A word about a break after many cases within an hour. */
  readonly breakHint: boolean;
  /** One's own count of what one has looked at. */
  readonly exposureNote: boolean;
}

/** What a liaison has looked at today and in the last hour: shown to that liaison, and to nobody else. */
export async function ownExposure(exchange: Exchange, viewer: Viewer): Promise<Exposure> {
  const { db } = exchange.store;
  const now = exchange.clock();
  const today = await exposureOf(db, viewer.id, new Date(now - DAY));
  const { cases: lastHour } = await exposureOf(db, viewer.id, new Date(now - HOUR));
  return { ...today, lastHour, care: await careOf(exchange, viewer) };
}

type Unit = Pick<Viewer, 'agency' | 'unit'>;

/** How a unit is cared for: as it was set, and else with everything. */
export async function careOf({ store }: Pick<Exchange, 'store'>, unit: Unit): Promise<Care> {
  const row = await knownUnit(store.db, wholeUnit(unit));
  return { breakHint: row?.break_hint ?? true, exposureNote: row?.exposure_note ?? true };
}

/** Sets how a unit and its parts are cared for; what is not named stays. */
export async function setCare({ vault, store }: Exchange, unit: Unit, care: Partial<Care>): Promise<void> {
  const name = wholeUnit(unit);
  await inTransaction(store.db, async (trx) => {
    await unitRow(trx, name, () => vault.newDataKey(unitOwner(name)).wrapped);
    await setUnitCare(trx, name, care);
  });
}
