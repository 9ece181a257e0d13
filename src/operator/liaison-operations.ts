import type { RunSettings } from '../config.ts';
import { isRefusal } from '../domain/refusal.ts';
import { type Draft, isDraft } from '../exchange/acts.ts';
import type { Exchange } from '../exchange/context.ts';
import type { LiaisonChange } from '../exchange/liaison/accredit.ts';
import { careForUnit, countLooks } from '../exchange/liaison/care.ts';
import { listLiaisons } from '../exchange/liaison/list.ts';
import { type PortalSettings, settlePortal } from '../exchange/liaison/portal-settings.ts';
import { suspendLiaison } from '../exchange/liaison/suspension.ts';
import { operation } from './answer.ts';
import { listOf, optional, text, uuid, yesOrNo } from './members.ts';

const words = text(200);
/** A day: YYYY-MM-DD. */
const day = text(40);
const jurisdictions = listOf(text(16), 100);

/** What an accreditation says. */
export const accreditation = {
  id: optional(uuid),
  name: words,
  agency: words,
  unit: words,
  jurisdictions,
  legalBasis: words,
  trained: day,
  until: day,
  subject: optional(words),
};

/** What a renewal may change. */
export const renewal = {
  id: uuid,
  name: optional(words),
  agency: optional(words),
  unit: optional(words),
  jurisdictions: optional(jurisdictions),
  legalBasis: optional(words),
  trained: optional(day),
  until: optional(day),
  subject: optional(words),
  invite: optional(yesOrNo),
};

/** How the portal of this node is reached; nothing is known of it where its settings are wrong, and then it does not start. */
export function portalOf({ settings }: Exchange, run: RunSettings): PortalSettings {
  const settled = settlePortal(settings, run.portal);
  return isRefusal(settled) ? {} : settled;
}

type Told = LiaisonChange & { readonly invitation?: { readonly address?: string } };

/** Adds the address of an invitation. The code stands behind the #, so that no server ever reads it in an address. */
export async function withAddress<Other>(
  answer: Promise<LiaisonChange | Draft | Other>,
  { origin }: PortalSettings,
): Promise<Told | Draft | Other> {
  const change = await answer;
  if (isRefusal(change) || isDraft(change)) return change;
  const { invitation } = change as LiaisonChange;
  if (!invitation || origin === undefined) return change;
  return {
    ...(change as LiaisonChange),
    invitation: { ...invitation, address: `${origin}/invitation#${invitation.code}` },
  };
}

/** Operations on liaisons that nobody has to sign. */
export function liaisonOperations(exchange: Exchange) {
  return {
    'liaison.list': operation({ due: optional(yesOrNo) }, (given) => listLiaisons(exchange, given)),
    'liaison.care': operation(
      { agency: words, unit: words, breakHint: optional(yesOrNo), exposureNote: optional(yesOrNo) },
      (given) => careForUnit(exchange, given),
    ),
    'liaison.counts': operation({ originator: text(300), since: optional(day) }, (given) =>
      countLooks(exchange, given),
    ),
    'liaison.suspend': operation({ id: uuid, reason: words }, (given) => suspendLiaison(exchange, given)),
  };
}
