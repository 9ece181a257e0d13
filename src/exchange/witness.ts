import { raise } from '../store/feed.ts';
import {
  beginLife,
  hasLived,
  noteKeySetLoss,
  type Progress,
  readProgress,
  settleLives,
  unsettledLife,
} from '../store/life.ts';
import { partnerRows } from '../store/partners.ts';
import { lastRecovery } from '../store/recovery.ts';
import { inTransaction, lockName } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { noteLoss } from './lost-state.ts';
import { every, type Ticking } from './ticking.ts';
import { readWitness, setAside, writeWitness } from './witness-file.ts';

const TICK_MS = 60_000;
/** Positions left free after a loss: more than a store can give out between two looks of its witness. */
const MARGIN = 1_000_000;

/** Whether a store that has come this far is behind what was seen of it. A partner introduced anew counts in another epoch. */
export function isBehind(store: Progress, seen: Progress): boolean {
  if (store.position < seen.position || (store.keySet ?? 0) < (seen.keySet ?? 0)) return true;
  return Object.entries(seen.streams).some(([partner, { epoch, n }]) => {
    const now = store.streams[partner];
    return now !== undefined && now.epoch === epoch && now.n < n;
  });
}

/**
 * Looks whether the store was put back since the witness saw it last; if so, every partner is marked lost before anything is
 * sent or taken. What an earlier process began and did not end goes on. Then the witness sees the store as it is now.
 */
export async function consultWitness(exchange: Exchange, dataDir: string): Promise<void> {
  const { db } = exchange.store;
  // Before the store: another process may write both at this moment, and the file is never ahead of what is read after it.
  const said = await readWitness(dataDir);
  const aside = 'unusable' in said ? await tellUnusable(exchange, dataDir, said.unusable) : true;
  const seen = 'seen' in said ? said.seen : undefined;
  const store = await readProgress(db);
  if (seen && (await isLost(exchange, store, seen))) await noteStoreLoss(exchange, seen);
  await markPartners(exchange);
  const now = await readProgress(db);
  // A full disk must not keep a node from its work: the witness then sees less, and the partners' word remains.
  if (!aside) return;
  await writeWitness(dataDir, now).catch((failure: unknown) => exchange.log.failure('witness.unwritten', failure));
}

/**
 * A person is told before the file is out of the way: a process that ends in between tells it again. Gives whether it is; one that
 * cannot be set aside is not written over, and told of until somebody sees to it.
 */
async function tellUnusable(exchange: Exchange, dataDir: string, why: string): Promise<boolean> {
  const at = new Date(exchange.clock());
  exchange.log.info({ event: 'witness.unusable', code: why }, 'the witness cannot be used and is set aside');
  await inTransaction(exchange.store.db, (trx) => raise(trx, [{ code: 'witness-unusable' }], at, { seenAgain: true }));
  try {
    await setAside(dataDir, at);
    return true;
  } catch (failure) {
    exchange.log.failure('witness.not-aside', failure);
    return false;
  }
}

/** A life that this store does not know came after it; one that it has behind it has been dealt with. */
async function isLost({ store: { db } }: Exchange, store: Progress, seen: Progress): Promise<boolean> {
  if (seen.life === store.life) return isBehind(store, seen);
  return !(await hasLived(db, seen.life));
}

async function noteStoreLoss(exchange: Exchange, seen: Progress): Promise<void> {
  await inTransaction(exchange.store.db, async (trx) => {
    await lockName(trx, 'store-life');
    // Another process may have found the same and dealt with it.
    if (!(await isLost(exchange, await readProgress(trx), seen))) return;
    const at = new Date(exchange.clock());
    await beginLife(trx, { id: exchange.chance.uuid4(), at, above: seen.position + MARGIN });
    await noteKeySetLoss(trx, seen.keySet);
  });
  exchange.log.warn(
    { event: 'store.restored' },
    'the store is older than it was: every partner is asked for what is missing',
  );
}

async function markPartners(exchange: Exchange): Promise<void> {
  const { db } = exchange.store;
  const life = await unsettledLife(db);
  if (!life) return;
  for (const { issuer: partner } of await partnerRows(db)) {
    await inTransaction(db, async (trx) => {
      await lockName(trx, `store-life ${partner}`);
      const last = await lastRecovery(trx, partner);
      if (last?.because === 'store-restored' && last.at >= life.began_at) return;
      await noteLoss(exchange, trx, { partner, because: 'store-restored' });
    });
  }
  await inTransaction(db, (trx) => settleLives(trx, new Date(exchange.clock())));
}

/** The node, once its witness was consulted: a store that was put back is known for one before anybody works with it. */
export async function withWitness<Node extends { readonly exchange: Exchange; close(): Promise<void> }>(
  node: Node,
  dataDir: string,
): Promise<Node> {
  try {
    await consultWitness(node.exchange, dataDir);
    return node;
  } catch (failure) {
    await node.close();
    throw failure;
  }
}

/** Keeps the witness up to date while the node runs, and once more when it stops. */
export function startWitness(exchange: Exchange, dataDir: string): Ticking {
  const look = () => consultWitness(exchange, dataDir);
  const ticking = every(exchange, { ms: TICK_MS, event: 'witness.failed', later: true }, look);
  return {
    async stop() {
      await ticking.stop();
      await look().catch((failure: unknown) => exchange.log.failure('witness.failed', failure));
    },
  };
}
