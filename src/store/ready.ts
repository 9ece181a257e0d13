import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { MOST_APART_MS } from '../domain/skew.ts';
import { aheadOfServer } from './checkup.ts';
import { drift, migrate } from './migrate.ts';
import { openStore, type Store, type StoreSettings } from './open.ts';

/**
 * Opens a store and brings it to this release's shape. Refuses a store that is in use, that cannot be reached, that a
 * newer release has changed, or whose server has quite another time than this machine (`clock`, milliseconds since 1970). The failure's own words stay here: they may quote the address with its password.
 */
export async function openReadyStore(settings: StoreSettings, clock = Date.now): Promise<Store | Refusal> {
  const store = await openStore(settings).catch(unavailable);
  if (isRefusal(store)) return store;
  try {
    const wrong = (await compareClocks(store, clock)) ?? (await bringUp(store));
    if (!wrong) return store;
    await store.close();
    return wrong;
  } catch (failure) {
    await store.close();
    throw failure;
  }
}

function unavailable(failure: unknown): Refusal {
  const { code } = failure as { code?: unknown };
  return refuse('store-unavailable', '', `The store cannot be opened${typeof code === 'string' ? ` (${code})` : ''}.`);
}

/** A clock that is wrong by more erases before its time and signs what partners refuse for good. */
async function compareClocks(store: Store, clock: () => number): Promise<Refusal | undefined> {
  if (store.kind !== 'postgres') return undefined;
  const ahead = await aheadOfServer(store, clock);
  if (Math.abs(ahead) <= MOST_APART_MS) return undefined;
  const minutes = Math.round(Math.abs(ahead) / 60_000);
  const message = `The clock of this machine is ${minutes} minutes ${ahead > 0 ? 'ahead of' : 'behind'} that of the database server: one of them is wrong.`;
  return refuse(
    'state-conflict',
    '',
    message,
    'Put it right on both machines before the node runs: timedatectl status',
  );
}

async function bringUp(store: Store): Promise<Refusal | undefined> {
  const { missing, unknown } = await drift(store.db);
  if (unknown.length > 0) {
    const message = `A newer release has changed the store (${unknown.join(', ')}); this one would misread it.`;
    return refuse('state-conflict', '', message, 'Run that release, or restore a backup that was made before it.');
  }
  if (missing.length > 0) await migrate(store);
  return undefined;
}
