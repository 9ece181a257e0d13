import { isRefusal } from '../domain/refusal.ts';
import { checkKnown } from '../exchange/browse.ts';
import type { Exchange } from '../exchange/context.ts';
import { decideHeldReferences, showHeld, tallyHeld } from '../exchange/decide-held.ts';
import { eraseByOrder, restrict } from '../exchange/keep.ts';
import { findNoLongerAllowed, withdrawNoLongerAllowed } from '../exchange/narrowed.ts';
import { releaseWithdrawals } from '../exchange/release.ts';
import { readWithdrawal, withdraw, withdrawReport } from '../exchange/withdraw.ts';
import { heldWithdrawals } from '../store/recall.ts';
import { operation } from './answer.ts';
import { issuer } from './listing.ts';
import { oneOf, optional, text, uuid, wholeNumber, yesOrNo } from './members.ts';

/** Who decides on the command line until operators have keys of their own. */
const OPERATOR = 'operator';
const MOST_HELD = 500;
const code = text(64);

/** Operations that take back, keep, erase and decide. */
export function recallOperations(exchange: Exchange) {
  return {
    'reference.withdraw': operation({ id: uuid, reason: code, purge: yesOrNo }, async ({ id, ...wanted }) => {
      const content = readWithdrawal(wanted);
      return isRefusal(content) ? content : await withdraw(exchange, id, content);
    }),
    'reference.withdraw.report': operation(
      { report: uuid, reason: code, purge: yesOrNo },
      async ({ report, ...wanted }) => {
        const content = readWithdrawal(wanted);
        return isRefusal(content) ? content : await withdrawReport(exchange, report, content);
      },
    ),
    'reference.no-longer-allowed': operation(
      { partner: issuer, after: optional(uuid), limit: optional(wholeNumber(1, MOST_HELD)) },
      ({ partner, after, limit }) => findNoLongerAllowed(exchange, partner, { after, limit }),
    ),
    'reference.withdraw.no-longer-allowed': operation(
      { partner: issuer, reason: code, purge: yesOrNo, batch: optional(uuid), after: optional(uuid) },
      async ({ partner, after, ...wanted }) => {
        const content = readWithdrawal(wanted);
        if (isRefusal(content)) return content;
        return withdrawNoLongerAllowed(exchange, partner, { content, by: OPERATOR, after });
      },
    ),
    'reference.restrict': operation(
      { id: uuid, originator: optional(issuer), ground: code, until: text(10) },
      ({ id, originator = exchange.self, ...wanted }) => restrict(exchange, { originator, id }, wanted),
    ),
    'reference.erase': operation(
      { id: uuid, originator: optional(issuer), order: text(64) },
      ({ id, originator = exchange.self, order }) => eraseByOrder(exchange, { originator, id }, order),
    ),
    'reference.held': operation(
      { partner: optional(issuer), rule: optional(text(100)), limit: optional(wholeNumber(1, MOST_HELD)) },
      async ({ limit = 50, ...filter }) => {
        const wrong = await checkKnown(exchange, filter.partner);
        if (wrong) return wrong;
        return {
          items: await showHeld(exchange, filter, limit),
          ...(await tallyHeld(exchange, filter)),
          withdrawals: (await heldWithdrawals(exchange.store.db, { issuer: filter.partner })).map((one) => ({
            partner: one.issuer,
            id: one.reference_id,
            reason: one.reason,
            purge: one.purge,
            ...(one.batch !== null && { batch: one.batch }),
            ...(one.suspect && { suspect: true as const }),
          })),
        };
      },
    ),
    'reference.decide': operation(
      {
        id: optional(uuid),
        originator: optional(issuer),
        partner: optional(issuer),
        rule: optional(text(100)),
        then: oneOf(['send', 'withhold', 'accept', 'refuse']),
        limit: optional(wholeNumber(1, 100_000)),
      },
      ({ then, limit, ...filter }) => decideHeldReferences(exchange, filter, then, OPERATOR, limit),
    ),
    'reference.decide.withdrawals': operation(
      { partner: issuer, batch: optional(uuid), then: oneOf(['accept', 'refuse']) },
      ({ partner, batch, then }) => releaseWithdrawals(exchange, { issuer: partner, batch }, then),
    ),
  };
}
