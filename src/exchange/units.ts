import { guard } from '../domain/guard.ts';
import { isoInstant } from '../domain/instant.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { checkUnit, type Unit } from '../domain/unit.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { inTransaction } from '../store/transaction.ts';
import { putUnit, removeUnitRow, unitRows } from '../store/units.ts';
import { type ActStanding, beginAct, type Draft, isDraft, repeatAct, type Signing, signersOf } from './acts.ts';
import type { Exchange } from './context.ts';

/** A unit after an act on it: `pending` while the same command by a second person is waited for. */
export interface UnitChange extends ActStanding, Unit {
  readonly state: 'active' | 'removed' | 'pending';
}

/** Who signs an act on a unit, and whose it takes the place of. */
interface Signed {
  readonly signing?: Signing | undefined;
  readonly insteadOf?: string | undefined;
}

/**
 * Puts a party that runs no node on the list of those who may be heard through this node (rule 10), or changes what is known of it.
 * Whoever stands there can have police holds recorded in its name, so it takes two persons, as every act of trust.
 */
export async function addUnit(
  exchange: Exchange,
  { name, jurisdiction, phone }: Unit,
  by: Signed = {},
): Promise<UnitChange | Draft | Refusal> {
  const unit: Unit = { name, jurisdiction, ...(phone !== undefined && { phone }) };
  const wrong = guard(unit, { form: 'policy' }) ?? checkUnit(unit);
  if (wrong) return wrong;
  return change(exchange, 'unit.add', () => unit, by);
}

/** Takes a unit off the list; what was recorded for it stays as it is. */
export async function removeUnit(
  exchange: Exchange,
  name: string,
  by: Signed = {},
): Promise<UnitChange | Draft | Refusal> {
  const named = (rows: readonly Unit[]) => rows.find((row) => row.name === name);
  return change(exchange, 'unit.remove', named, by);
}

async function change(
  exchange: Exchange,
  kind: 'unit.add' | 'unit.remove',
  unitOf: (listed: readonly Unit[]) => Unit | undefined,
  { signing, insteadOf }: Signed,
): Promise<UnitChange | Draft | Refusal> {
  return inTransaction(exchange.store.db, async (trx): Promise<UnitChange | Draft | Refusal> => {
    const eyes = await beginAct(trx);
    const unit = unitOf(await listed(trx));
    if (!unit) return refuse('not-found', '/name', 'No unit of this name is on the list.', 'caseref unit list');
    const adds = kind === 'unit.add';
    const document = { ...unit, ...(!adds && { removed: true }) };
    const weighed = await repeatAct(exchange, trx, {
      ...{ kind, subject: unit.name, document },
      ...{ eyes, signing, insteadOf },
    });
    if (isRefusal(weighed) || isDraft(weighed)) return weighed;
    await weighed.record();
    const { standing, effective } = weighed;
    if (!effective) return { ...unit, state: 'pending', ...standing };
    const at = new Date(exchange.clock());
    if (adds) await putUnit(trx, { ...unit, phone: unit.phone ?? null, at });
    else await removeUnitRow(trx, unit.name, at);
    const type = adds ? 'unit.added' : 'unit.removed';
    await recordEvents(trx, [{ type, at, body: { subject: unit.name, ...signersOf(standing) } }]);
    return { ...unit, state: adds ? 'active' : 'removed', ...standing };
  });
}

async function listed(trx: Trx): Promise<Unit[]> {
  return (await unitRows(trx)).map(viewUnit);
}

function viewUnit({ name, jurisdiction, phone }: { name: string; jurisdiction: string; phone: string | null }): Unit {
  return { name, jurisdiction, ...(phone !== null && { phone }) };
}

/** The units on the list. */
export async function listUnits({ store }: Pick<Exchange, 'store'>) {
  const rows = await unitRows(store.db);
  return rows.map((row) => ({ ...viewUnit(row), addedAt: isoInstant(row.added_at.getTime()) }));
}

/** Refuses words of a party that is not on the list: the only prose that a node sends is what its operator put there. */
export async function refuseUnlisted(
  trx: Trx,
  { toldBy }: { readonly toldBy?: { readonly unit?: unknown } },
): Promise<Refusal | undefined> {
  if (toldBy === undefined) return undefined;
  const known = (await unitRows(trx)).some(({ name }) => name === toldBy.unit);
  if (known) return undefined;
  const next = 'Look at the list: caseref unit list. Put it there: caseref unit add NAME --jurisdiction CC.';
  return refuse('code-unknown', '/toldBy/unit', 'No unit of this name is on the list of this node.', next);
}
