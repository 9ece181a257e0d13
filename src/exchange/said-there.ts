import type { Withdrawn } from '../domain/contract.types.ts';
import { reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { noteSaidThere, type Unlooked } from '../store/unknown-receipts.ts';
import type { Exchange } from './context.ts';
import { alertHeldThere } from './held-there.ts';
import { recallWithheld } from './redecide.ts';
import { recall } from './withdraw.ts';

/**
 * A partner's receipt says that it has an own reference of which nobody here remembers that it was sent: it is known from now on as
 * who has it. What was taken back meanwhile is taken back there too, and so is what policy withholds from it today.
 */
export async function learnWhoHas(exchange: Exchange, trx: Trx, receipt: Unlooked, at: Date): Promise<void> {
  const { partner, originator, reference_id: id } = receipt;
  if (originator !== exchange.self || id === null) return;
  const given = { self: exchange.self, id: exchange.chance.uuid(), position: await reservePositions(trx, 1), at };
  const learned = await noteSaidThere(trx, receipt, given);
  if (!learned) return;
  const name = { originator, id };
  const { withdrawn_reason: reason, purge, effect } = learned;
  if (reason !== null) {
    await recall(exchange, trx, name, [partner], { reason: reason as Withdrawn['reason'], purge });
    exchange.wake.outbox();
    return;
  }
  if (effect === 'withhold') await recallWithheld(exchange, trx, partner, [name]);
  if (effect === 'hold') await alertHeldThere(exchange, trx, [{ name, partner, decision: { effect } }], at);
}
