import { isRefusal } from '../domain/refusal.ts';
import type { PublicKey } from '../keys/keystore.ts';
import { raise } from '../store/feed.ts';
import { isAlertOpen } from '../store/refresh.ts';
import { inTransaction } from '../store/transaction.ts';
import { announceAgain } from './announce.ts';
import type { Exchange } from './context.ts';
import { createKeyCatchUp } from './key-catch-up.ts';
import { changeKeys, secondsNow } from './key-change.ts';
import { activateWithin, retireWithin } from './key-state.ts';
import { destroyUnoffered } from './publish.ts';
import { publishedClaims, publishedKeySet } from './published.ts';
import { every, type Ticking } from './ticking.ts';

const TICK_MS = 5000;

/**
 * What the plan of the keys asks for now: takes over what another process changed, activates what is published and has
 * begun, and destroys the private parts whose time has come. Several processes may do this at once.
 */
export async function followKeyPlan(exchange: Exchange): Promise<void> {
  await exchange.keys.reload();
  const now = secondsNow(exchange);
  const keys = exchange.keys.publicKeys();
  const coming = keys.filter((key) => isToActivate(key, now));
  const told = coming.length === 0 ? [] : ((await publishedClaims(exchange.store.db))?.keys ?? []);
  for (const { kid } of coming.filter((key) => told.some(({ kid: named }) => named === key.kid))) {
    await activatePlanned(exchange, kid);
  }
  for (const { kid } of keys.filter((key) => isToRetire(key, now))) await retireReplaced(exchange, kid);
  await destroyUnoffered(exchange);
}

function isToActivate({ state, plan, nbf }: PublicKey, now: number): boolean {
  return state === 'future' && plan !== undefined && plan.activateAt <= now && nbf <= now;
}

function isToRetire({ state, retireAt }: PublicKey, now: number): boolean {
  return state === 'replaced' && retireAt !== undefined && retireAt <= now;
}

async function activatePlanned(exchange: Exchange, kid: string): Promise<void> {
  // A refusal: another process was faster, or the key was taken back meanwhile.
  const done = await changeKeys(exchange, (trx) => activateWithin(exchange, trx, kid));
  if (!isRefusal(done)) exchange.wake.outbox();
}

async function retireReplaced(exchange: Exchange, kid: string): Promise<void> {
  await changeKeys(exchange, (trx) => retireWithin(exchange, trx, kid, 'replaced'));
}

const HOUR_MS = 3_600_000;
/** As long before the end of a key a person is told: the identity key may be far away. */
const ENDING = 45 * 24 * 60 * 60;

/** Tells that a key in use ends soon and that nothing is planned in its place; once while nobody has looked. */
export async function findEnding(exchange: Exchange): Promise<void> {
  const now = secondsNow(exchange);
  const keys = exchange.keys.publicKeys();
  const planned = ({ alg }: PublicKey) => keys.some((key) => key.alg === alg && key.state === 'future' && key.plan);
  const ending = keys.filter((key) => key.state === 'active' && key.exp < now + ENDING && !planned(key));
  if (ending.length === 0 || (await isAlertOpen(exchange.store.db, 'key-ending', ''))) return;
  const at = new Date(exchange.clock());
  await inTransaction(exchange.store.db, (trx) => raise(trx, [{ code: 'key-ending' }], at, { seenAgain: true }));
}

/**
 * One look at a time: publishes what should be published already, follows the plan, tells of keys that end (once an hour) and
 * a new identity until it is taken.
 */
export function createKeyPlan(exchange: Exchange): () => Promise<void> {
  let warnedAt = Number.NEGATIVE_INFINITY;
  const catchUp = createKeyCatchUp(exchange);
  return async () => {
    const mayTell = await catchUp();
    await followKeyPlan(exchange);
    if (exchange.clock() - warnedAt >= HOUR_MS) {
      warnedAt = exchange.clock();
      await findEnding(exchange);
    }
    if (mayTell) await announceAgain(exchange, await publishedKeySet(exchange));
  };
}

/** Follows the plan now and every few seconds; `stop` waits for a look that is under way. */
export function startKeyPlan(exchange: Exchange): Ticking {
  return every(exchange, { ms: TICK_MS, event: 'keys.failed' }, createKeyPlan(exchange));
}
