import type { Party, PartyOf } from '../../domain/authority/party.ts';
import type { CaseSubject } from '../../domain/authority/state.ts';
import { isIndustryForm } from '../../domain/policy/industry.ts';
import type { ReferenceContent } from '../../domain/reference.ts';
import type { Exchange } from '../context.ts';
import type { Snapshot } from '../directory.ts';
import type { ReferenceName } from '../record.ts';

/** What is recorded here of organisations, of this node too (rule 5). */
export function partiesOf({ self, settings }: Exchange, { partners }: Snapshot): PartyOf {
  const own: Party = { type: settings.type, jurisdictions: settings.jurisdictions, mayHold: true };
  return (issuer) => {
    if (issuer === self) return own;
    const partner = partners.get(issuer);
    if (!partner) return undefined;
    const { type, jurisdictions } = partner.facts;
    return { type, jurisdictions, mayHold: partner.policy?.receive.mayHold === true };
  };
}

/** What is known of a reference beside its log. */
export function subjectOf(name: ReferenceName, content: ReferenceContent, partyOf: PartyOf): CaseSubject {
  const { originator } = name;
  if (isIndustryForm(content)) return { originator, partyOf };
  const { jurisdiction: places, observedAt } = content;
  return { originator, partyOf, places, ...(observedAt !== undefined && { observedAt: Date.parse(observedAt) }) };
}
