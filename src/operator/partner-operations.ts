import type { Exchange } from '../exchange/context.ts';
import { addPartner, confirmPartner } from '../exchange/enrol.ts';
import { listPartners, showPartner } from '../exchange/partner-directory.ts';
import {
  addDeny,
  approvePolicy,
  listDenies,
  removeDeny,
  reviewPolicy,
  setPolicy,
  showPolicy,
} from '../exchange/policies.ts';
import { resumePartner, suspendPartners } from '../exchange/suspend.ts';
import { operation } from './answer.ts';
import { cursor, issuer, limit, PAGE } from './listing.ts';
import { document, listOf, optional, text, wholeNumber, yesOrNo } from './members.ts';

/** A card with its key set inside is a few kilobytes. */
const LONGEST_CARD = 64 * 1024;
const version = wholeNumber(1, 1_000_000);

/** Operations on partners. */
export function partnerOperations(exchange: Exchange) {
  return {
    'partner.add': operation({ card: text(LONGEST_CARD) }, ({ card }) => addPartner(exchange, card)),
    'partner.confirm': operation(
      {
        issuer,
        fingerprint: text(200),
        type: optional(text(64)),
        jurisdictions: optional(listOf(text(16), 100)),
        verifiedBy: optional(text(200)),
        foreign: optional(yesOrNo),
        local: optional(yesOrNo),
      },
      (confirmation) => confirmPartner(exchange, confirmation),
    ),
    'partner.list': operation(
      { limit: optional(limit), cursor: optional(cursor) },
      ({ limit: most = PAGE, cursor: after }) => listPartners(exchange, { limit: most, cursor: after }),
    ),
    'partner.show': operation({ issuer }, (one) => showPartner(exchange, one.issuer)),
    'partner.suspend': operation(
      { issuer: optional(issuer), all: optional(yesOrNo), reason: text(200) },
      (suspension) => suspendPartners(exchange, suspension),
    ),
    'partner.resume': operation({ issuer }, (one) => resumePartner(exchange, one.issuer)),
  };
}

/** Operations on policies and the organisation-wide denies. */
export function policyOperations(exchange: Exchange) {
  return {
    'policy.set': operation({ issuer, document }, (one) => setPolicy(exchange, one.issuer, one.document)),
    'policy.show': operation({ issuer, version: optional(version) }, (one) =>
      showPolicy(exchange, one.issuer, one.version),
    ),
    'policy.check': operation({ document }, (one) => reviewPolicy(one.document)),
    'policy.approve': operation({ issuer, version }, (one) => approvePolicy(exchange, one.issuer, one.version)),
    'policy.deny.add': operation({ document }, (one) => addDeny(exchange, one.document)),
    'policy.deny.list': operation({}, async () => ({ items: await listDenies(exchange), next: null })),
    'policy.deny.remove': operation({ id: text(64) }, ({ id }) => removeDeny(exchange, id)),
  };
}
