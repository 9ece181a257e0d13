import type { PartnerFacts } from './decision.ts';
import type { ReferenceContent } from './reference.ts';
import { type Refusal, refuse } from './refusal.ts';

/** Who is told, and by whom: jurisdictions as configured here and as recorded for the sender at confirmation. */
export interface Onward {
  readonly self: string;
  readonly home: readonly string[];
  readonly sender: PartnerFacts;
}

/**
 * Whether a reference that a partner passes on may be taken (protocol, "Onward"); pure. One that names no source is the
 * sender's own. Nobody tells an originator its own reference. Leave to pass on has to stand in the marking as `national`,
 * and reaches organisations of the sender's own country alone: silence, another code and another country refuse.
 */
export function checkPassedOn(reference: ReferenceContent, { self, home, sender }: Onward): Refusal | undefined {
  const source = 'source' in reference ? reference.source : undefined;
  if (source === undefined) return undefined;
  if (source.iss === self) {
    return refuse('not-originator', '/source/iss', 'Its originator is the recipient.', 'Leave it to the originator.');
  }
  if (source.iss === sender.issuer) {
    const message = 'A reference of one’s own is not passed on.';
    return refuse('schema-invalid', '/source/iss', message, 'Leave "source" out, or name another originator.');
  }
  if (reference.marking.onward !== 'national') return refuse('onward-not-allowed', '/marking/onward');
  if (home.some((own) => sender.jurisdictions.some((place) => isSameCountry(own, place)))) return undefined;
  const message = 'It may be passed on within the country of the sender only.';
  return refuse('onward-not-allowed', '/source', message);
}

function isSameCountry(own: string, place: string): boolean {
  const country = own.slice(0, 2);
  return country === place.slice(0, 2) && country !== 'XX' && country !== 'XO';
}
