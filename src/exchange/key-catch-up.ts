import type { AlertCode } from '../domain/alert.ts';
import { isRefusal } from '../domain/refusal.ts';
import { raise } from '../store/feed.ts';
import { isAlertOpen } from '../store/refresh.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { endAlert } from './end-alert.ts';
import { isBehind, type KeyStanding, readKeyStanding, wantsPublication } from './key-standing.ts';
import { publishWhere, tellKeys } from './publish.ts';

/** A publication that was refused is tried again after this long: opening the identity key takes half a second. */
const AGAIN_MS = 60_000;

/**
 * Publishes what the key file says and the published key set does not: a store that was put back while the file was not, or a
 * process that died between the change of a key and its publication. Where the identity key is elsewhere, a person is told.
 * Answers whether the published key set may be told to partners as it is.
 */
export function createKeyCatchUp(exchange: Exchange): () => Promise<boolean> {
  let refusedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    let standing = await readKeyStanding(exchange, exchange.store.db);
    if (standing === undefined) return false;
    if (wantsPublication(standing) && exchange.clock() - refusedAt >= AGAIN_MS) {
      if (!(await publishMissing(exchange))) refusedAt = exchange.clock();
      standing = (await readKeyStanding(exchange, exchange.store.db)) ?? standing;
    }
    await tellOf(exchange, standing);
    return standing.forgotten.length === 0 && !isBehind(standing);
  };
}

async function publishMissing(exchange: Exchange): Promise<boolean> {
  const published = await publishWhere(exchange, async (trx) => {
    const standing = await readKeyStanding(exchange, trx);
    return standing !== undefined && wantsPublication(standing);
  });
  if (isRefusal(published)) return false;
  if (published === undefined) return true;
  exchange.log.info({ event: 'keys.caught-up' }, 'our keys were published: partners had older ones');
  await tellKeys(exchange, published);
  exchange.wake.outbox();
  return true;
}

/** One alert for each cause while it lasts. */
async function tellOf(exchange: Exchange, standing: KeyStanding): Promise<void> {
  const { forgotten, untold, unknown } = standing;
  const behind = forgotten.length === 0 && isBehind(standing);
  await settle(exchange, 'key-set-behind', behind, untold[0] ?? unknown[0]);
  await settle(exchange, 'key-file-behind', forgotten.length > 0, forgotten[0]);
}

async function settle(exchange: Exchange, code: AlertCode, lasts: boolean, subject: string | undefined): Promise<void> {
  const { db } = exchange.store;
  if ((await isAlertOpen(db, code, '')) === lasts) return;
  const at = new Date(exchange.clock());
  await inTransaction(db, (trx) =>
    lasts ? raise(trx, [{ code, subject }], at, { seenAgain: true }) : endAlert(trx, code, '', at),
  );
}
