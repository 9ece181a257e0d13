import type { EventType } from '../domain/feed.ts';
import { guard } from '../domain/guard.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { PublicKey } from '../keys/keystore.ts';
import { type NewEvent, recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { inTransaction, lockName } from '../store/transaction.ts';
import type { Exchange } from './context.ts';

/** What a change of our own keys comes to: what is answered, and what the feed is told. */
export interface KeyChange<Answer> {
  readonly answer: Answer;
  readonly events: readonly NewEvent[];
}

/** An entry of the feed about one of our own keys: its kid and why, never more. */
export function keyEvent(exchange: Exchange, type: EventType, kid: string, more: Record<string, unknown> = {}) {
  return { type, at: new Date(exchange.clock()), body: { kid, ...more } } satisfies NewEvent;
}

/**
 * Changes our own keys, one process after another: the key file is read anew under a lock that every process of this node
 * asks for, so that no two act on the same picture of it. `change` looks at the store through its transaction only.
 */
export async function changeKeys<Answer>(
  exchange: Exchange,
  change: (trx: Trx) => Promise<KeyChange<Answer> | Refusal>,
): Promise<Answer | Refusal> {
  // The key file knows no rollback: a transaction that the server ends is made again, the change is not.
  let changed: KeyChange<Answer> | Refusal | undefined;
  return inTransaction(exchange.store.db, async (trx) => {
    await lockName(trx, `keys ${exchange.self}`);
    if (changed === undefined) {
      await exchange.keys.reload();
      changed = await change(trx);
    }
    if (isRefusal(changed)) return changed;
    await recordEvents(trx, changed.events);
    return changed.answer;
  });
}

/** One of our keys by its kid. */
export function ownKey(exchange: Exchange, kid: string): PublicKey | Refusal {
  const key = exchange.keys.publicKeys().find((one) => one.kid === kid);
  return key ?? refuse('not-found', '/kid', 'This node has no key with that kid.', 'List them: caseref keys list.');
}

/** The operator's reason goes into the feed: it is looked at like every text that is kept. */
export function guardReason(reason: string | undefined): Refusal | undefined {
  return reason === undefined ? undefined : guard({ reason }, { form: 'policy' });
}

/** The exchange's time in seconds since 1970. */
export function secondsNow(exchange: Exchange): number {
  return Math.floor(exchange.clock() / 1000);
}
