import type { Exchange } from '../exchange/context.ts';
import { declareRestored, liftClosed, openPartner, reconcile, resumeSending } from '../exchange/reconcile.ts';
import { operation } from './answer.ts';
import { issuer } from './listing.ts';
import { optional, yesOrNo } from './members.ts';

/** Operations that compare what we and a partner have, and repair it. */
export function reconcileOperations(exchange: Exchange, running: boolean) {
  const partner = { issuer };
  return {
    reconcile: operation({ ...partner, look: optional(yesOrNo) }, (given) =>
      reconcile(exchange, given.issuer, { look: given.look ?? false, running, patient: true }),
    ),
    'reconcile.restored': operation({ issuer: optional(issuer), all: optional(yesOrNo) }, (given) =>
      declareRestored(exchange, given),
    ),
    'reconcile.open': operation(partner, (given) => openPartner(exchange, given.issuer)),
    'reconcile.resume': operation(partner, (given) => resumeSending(exchange, given.issuer)),
    'reconcile.lift': operation(partner, (given) => liftClosed(exchange, given.issuer)),
  };
}
