import { CALL_FIRST, type Call } from '../domain/call.ts';
import type { Issuer } from '../domain/contract.types.ts';
import type { Snapshot } from './directory.ts';

/** Whom to call at this partner; nothing for one that is no partner. */
export function callOf({ partners }: Snapshot, issuer: Issuer): Call | undefined {
  const partner = partners.get(issuer);
  if (!partner) return undefined;
  const { name, contact } = partner;
  return { partner: issuer, name, says: CALL_FIRST, ...(contact && { contact }) };
}

/** Whom to call about a reference that was just written: everybody who gets it or would, once somebody decides; of an emergency alone. */
export function callsFor(
  snapshot: Snapshot,
  { urgency }: { readonly urgency?: { readonly level: string } },
  decisions: readonly { readonly partner: Issuer; readonly decision: { readonly effect: string } }[],
): Call[] {
  if (urgency?.level !== 'emergency') return [];
  return decisions
    .filter(({ decision }) => decision.effect !== 'withhold')
    .flatMap(({ partner }) => callOf(snapshot, partner) ?? []);
}
