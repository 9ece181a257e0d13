import { wakeCasesAbout } from '../store/case.ts';
import { raise, recordEvents, reservePositions } from '../store/feed.ts';
import { doubtSigned } from '../store/may-hold.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { bumpDirectory, lockPartner } from '../store/partners.ts';
import {
  insertRecovery,
  isHeard,
  lastRecovery,
  lockUnsigned,
  renewUnsigned,
  settleRecovery,
  turnEpoch,
  turnVeil,
  wasVeiledOnWord,
} from '../store/recovery.ts';
import type { LossCause } from '../store/recovery-tables.ts';
import { insertAll } from '../store/rows.ts';
import { lookAgain } from '../store/unknown-receipts.ts';
import type { Exchange } from './context.ts';
import { endAlert } from './end-alert.ts';
import { newNotice, voidedOf } from './queue.ts';

const DAY = 86_400_000;

/** A reason to believe that this node's state was lost, as far as it concerns one partner. */
export interface Loss {
  readonly partner: string;
  readonly because: LossCause;
}

/**
 * Believes that what was sent to a partner, or taken from it, was lost here (protocol, "Loss and restore"): references to it
 * wait, our numbers begin a new epoch, what was queued and never signed gets a new jti, its references are veiled until its
 * withdrawals since are in, and a person is told at once. A partner may be wrong or hostile, and then hurts its own line: on its
 * word it happens once a day, and the next time is an alert and nothing else. A veil is drawn on its word once in seven days:
 * it takes more back at once than the policy lets be withdrawn in an hour.
 */
export async function noteLoss(exchange: Exchange, trx: Trx, { partner, because }: Loss): Promise<void> {
  const row = await lockPartner(trx, partner);
  if (!row || row.state === 'pending' || row.state === 'removed') return;
  const at = new Date(exchange.clock());
  const last = await lastRecovery(trx, partner);
  const epoch = exchange.chance.uuid4();
  if (isHeard(because) && last && last.at >= row.added_at && at.getTime() - last.at.getTime() < DAY) {
    await raise(trx, [{ code: 'state-lost', partner, subject: last.epoch }], at);
    return;
  }
  const unsigned = await lockUnsigned(trx, partner);
  await doubtSigned(trx, partner);
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
  const week = new Date(at.getTime() - 7 * DAY);
  const drawn = !isHeard(because) || !(await wasVeiledOnWord(trx, partner, week));
  await insertRecovery(trx, { partner, epoch, because, at, verify: verify.jti, drawn });
  // What was not believed of the partner alone is looked at in another light where we vouch for the loss ourselves.
  if (!isHeard(because)) await lookAgain(trx, partner);
  const veiled = drawn ? await turnVeil(trx, partner, 'down') : 0;
  await recordEvents(trx, [{ type: 'recovery.begun', at, partner, code: because, body: { count: veiled } }]);
  await raise(trx, [{ code: 'state-lost', partner, subject: epoch }], at);
  // What is under way for this partner looks anew whether it may leave.
  await bumpDirectory(trx);
}

/**
 * Ends every recovery of a partner that is removed: nobody will replay anything, what it sent is under retention as it is, and
 * whoever is introduced under its name later begins without a loss. Gives whether there was one.
 */
export async function endRecoveries(trx: Trx, partner: string, at: Date): Promise<boolean> {
  const opened = await settleRecovery(trx, partner, 'opened', 'operator', at);
  const resumed = await settleRecovery(trx, partner, 'resumed', 'operator', at);
  if (!opened && !resumed) return false;
  const count = opened ? await turnVeil(trx, partner, 'up') : 0;
  if (opened) await wakeCasesAbout(trx, partner, at);
  if (opened) await recordEvents(trx, [{ type: 'recovery.opened', at, partner, body: { by: 'operator', count } }]);
  if (resumed) await recordEvents(trx, [{ type: 'recovery.resumed', at, partner, body: { by: 'operator' } }]);
  await endAlert(trx, 'state-lost', partner, at);
  return true;
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
