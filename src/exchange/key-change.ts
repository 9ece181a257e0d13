import type { EventType } from '../domain/feed.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { PublicKey } from '../keys/keystore.ts';
import { type NewEvent, recordEvents, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { inTransaction, lockName } from '../store/transaction.ts';
import { checkNotes } from '../wire/note.ts';
import type { Exchange } from './context.ts';

/** What a change of our own keys comes to: what is answered, what the feed is told, and what the store keeps of it. */
export interface KeyChange<Answer> {
  readonly answer: Answer;
  readonly events: readonly NewEvent[];
  /** Writes into the store: made at every try of the transaction, with the feed locked already. */
  readonly write?: (trx: Trx) => Promise<void>;
}

/** An entry of the feed about one of our own keys: its kid and why, never more. */
export function keyEvent(exchange: Exchange, type: EventType, kid: string, more: Record<string, unknown> = {}) {
  return { type, at: new Date(exchange.clock()), body: { kid, ...more } } satisfies NewEvent;
}

/**
 * Changes our own keys, one process after another: the key file is read anew under a lock that every process of this node
 * asks for, so that no two act on the same picture of it. The key file knows no rollback: a transaction that the server ends
 * is made again, `change` is not. So `change` only reads through the transaction; what it writes there belongs in `write`.
 */
export async function changeKeys<Answer>(
  exchange: Exchange,
  change: (trx: Trx) => Promise<KeyChange<Answer> | Refusal>,
): Promise<Answer | Refusal> {
  let changed: KeyChange<Answer> | Refusal | undefined;
  return inTransaction(exchange.store.db, async (trx) => {
    if (changed !== undefined) await lockKeys(exchange, trx);
    else {
      await readKeys(exchange, trx);
      changed = await change(trx);
    }
    return isRefusal(changed) ? changed : record(trx, changed);
  });
}

/**
 * Changes what the store says of our keys, and no key: under the same lock, and wholly anew at every try, because between
 * two tries another process may have published.
 */
export async function withKeys<Answer>(
  exchange: Exchange,
  work: (trx: Trx) => Promise<KeyChange<Answer> | Refusal>,
): Promise<Answer | Refusal> {
  return inTransaction(exchange.store.db, async (trx) => {
    await readKeys(exchange, trx);
    const done = await work(trx);
    return isRefusal(done) ? done : record(trx, done);
  });
}

async function lockKeys({ self }: Exchange, trx: Trx): Promise<void> {
  await lockName(trx, `keys ${self}`);
}

async function readKeys(exchange: Exchange, trx: Trx): Promise<void> {
  await lockKeys(exchange, trx);
  await exchange.keys.reload();
}

/** The feed is locked before the node's row, as by every change of a partner: two orders would be a deadlock. */
async function record<Answer>(trx: Trx, { answer, events, write }: KeyChange<Answer>): Promise<Answer> {
  await reservePositions(trx, 0);
  await write?.(trx);
  await recordEvents(trx, events);
  return answer;
}

/** One of our keys by its kid. */
export function ownKey(exchange: Exchange, kid: string): PublicKey | Refusal {
  const key = exchange.keys.publicKeys().find((one) => one.kid === kid);
  return key ?? refuse('not-found', '/kid', 'This node has no key with that kid.', 'List them: caseref keys list.');
}

/** The operator's reason goes into the feed: it is looked at like every text that is kept. */
export function guardReason(reason: string | undefined): Refusal | undefined {
  return checkNotes({ reason });
}

/** The exchange's time in seconds since 1970. */
export function secondsNow(exchange: Exchange): number {
  return Math.floor(exchange.clock() / 1000);
}
