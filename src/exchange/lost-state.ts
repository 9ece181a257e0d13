import { raise, recordEvents, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { bumpDirectory, lockPartner } from '../store/partners.ts';
import { insertRecovery, lastRecovery, lockUnsigned, renewUnsigned, turnEpoch, turnVeil } from '../store/recovery.ts';
import type { LossCause } from '../store/recovery-tables.ts';
import { insertAll } from '../store/rows.ts';
import { lookAgain } from '../store/unknown-receipts.ts';
import type { Exchange } from './context.ts';
import { newNotice, voidedOf } from './queue.ts';

const DAY = 86_400_000;

/** A reason to believe that this node's state was lost, as far as it concerns one partner. */
export interface Loss {
  readonly partner: string;
  readonly because: LossCause;
}

/** What a partner's word alone makes us believe; our own files and our operator are believed as often as they speak. */
const heard: ReadonlySet<LossCause> = new Set(['counter-overtaken', 'receipt-unknown']);

/**
 * Believes that what was sent to a partner, or taken from it, was lost here (protocol, "Loss and restore"): references to it
 * wait, our numbers begin a new epoch, what was queued and never signed gets a new jti, its references are veiled until its
 * withdrawals since are in, and a person is told at once. A partner may be wrong or hostile, and then hurts its own line: on its
 * word it happens once a day, and the next time is an alert and nothing else.
 */
export async function noteLoss(exchange: Exchange, trx: Trx, { partner, because }: Loss): Promise<void> {
  const row = await lockPartner(trx, partner);
  if (!row || row.state === 'pending' || row.state === 'removed') return;
  const at = new Date(exchange.clock());
  const last = await lastRecovery(trx, partner);
  const epoch = exchange.chance.uuid4();
  if (heard.has(because) && last && at.getTime() - last.at.getTime() < DAY) {
    await raise(trx, [{ code: 'state-lost', partner, subject: last.epoch }], at);
    return;
  }
  const unsigned = await lockUnsigned(trx, partner);
  await turnEpoch(trx, partner, epoch, at);
  // What had a number and no bytes is said under another one: the old number would stay a hole.
  const voids = voidedOf(
    unsigned.map((one) => ({ ...one, partner })),
    'dropped',
  );
  let position = await reservePositions(trx, unsigned.length + voids.length + 1);
  await renewUnsigned(
    trx,
    unsigned.map(({ id: old }) => ({
      old,
      id: exchange.chance.uuid(),
      jti: exchange.chance.jti(),
      position: position++,
    })),
  );
  const verify = newVerify(exchange, partner, position++, at);
  const notices = voids.map(({ payload }) =>
    newNotice(exchange, { partner, event: 'voided', payload, position: position++, at }),
  );
  await insertAll(trx, [deliveryInsert([...notices, verify])]);
  await insertRecovery(trx, { partner, epoch, because, at, verify: verify.jti });
  // What was not believed of the partner alone is looked at in another light where we vouch for the loss ourselves.
  if (!heard.has(because)) await lookAgain(trx, partner);
  const veiled = await turnVeil(trx, partner, 'down');
  await recordEvents(trx, [{ type: 'recovery.begun', at, partner, code: because, body: { count: veiled } }]);
  await raise(trx, [{ code: 'state-lost', partner, subject: epoch }], at);
  // What is under way for this partner looks anew whether it may leave.
  await bumpDirectory(trx);
}

/** A question whose receipt shows where the partner's numbers stand. */
export function newVerify(exchange: Exchange, partner: string, position: number, at: Date) {
  return {
    id: exchange.chance.uuid(),
    position,
    partner,
    jti: exchange.chance.jti(),
    event: 'verify',
    originator: null,
    reference_id: null,
    revision: null,
    priority: 0,
    payload: null,
    at,
  };
}
