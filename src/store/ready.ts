import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { drift, migrate } from './migrate.ts';
import { openStore, type Store, type StoreSettings } from './open.ts';

/**
 * Opens a store and brings it to this release's shape. Refuses a store that is in use, that cannot be reached, or that a
 * newer release has changed. The failure's own words stay here: they may quote the address with its password.
 */
export async function openReadyStore(settings: StoreSettings): Promise<Store | Refusal> {
  const store = await openStore(settings).catch(unavailable);
  if (isRefusal(store)) return store;
  try {
    const wrong = await bringUp(store);
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

async function bringUp(store: Store): Promise<Refusal | undefined> {
  const { missing, unknown } = await drift(store.db);
  if (unknown.length > 0) {
    const message = `A newer release has changed the store (${unknown.join(', ')}); this one would misread it.`;
    return refuse('state-conflict', '', message, 'Run that release, or restore a backup that was made before it.');
  }
  if (missing.length > 0) await migrate(store);
  return undefined;
}
