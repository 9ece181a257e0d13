import type { Exchange } from '../exchange/context.ts';
import { checkPartner } from '../exchange/doctor/check-partner.ts';
import { addPartner } from '../exchange/enrol.ts';
import { listPartners, showPartner } from '../exchange/partner-directory.ts';
import { suspendPartners } from '../exchange/suspend.ts';
import { updatePartner } from '../exchange/update-partner.ts';
import { operation } from './answer.ts';
import { cursor, issuer, limit, PAGE } from './listing.ts';
import { optional, text, yesOrNo } from './members.ts';

/** A card with its key set inside is a few kilobytes. */
const card = text(64 * 1024);

/** Operations on partners, their confirmation left out. */
export function introductionOperations(exchange: Exchange, running: boolean) {
  return {
    'partner.add': operation({ card }, (given) => addPartner(exchange, given.card)),
    'partner.update': operation({ card }, (given) => updatePartner(exchange, given.card)),
    'partner.list': operation(
      { limit: optional(limit), cursor: optional(cursor) },
      ({ limit: most = PAGE, cursor: after }) => listPartners(exchange, { limit: most, cursor: after }),
    ),
    'partner.show': operation({ issuer }, (one) => showPartner(exchange, one.issuer)),
    'partner.check': operation({ issuer }, (one) => checkPartner(exchange, one.issuer, running)),
    'partner.suspend': operation(
      { issuer: optional(issuer), all: optional(yesOrNo), reason: text(200) },
      (suspension) => suspendPartners(exchange, suspension),
    ),
  };
}
