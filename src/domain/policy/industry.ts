import { codes } from '../codes.ts';
import type { IndustryReference, Policy } from '../contract.types.ts';
import { checkMarking } from '../marking.ts';
import type { Refusal } from '../refusal.ts';
import { gateUrl, type UrlProfile } from '../url.ts';

/** What an industry partner is asked to do, and on what basis: codes of requested.json and legal-basis-industry.json. */
export interface Instruction {
  readonly requested: string;
  readonly legalBasis: string;
}

/** The one kind of organisation that gets the reduced form, as recorded at confirmation. */
export const INDUSTRY = 'industry';

const lists = { requested: codes.requested, legalBasis: codes.legalBasisIndustry } as const;

/**
 * The instruction of a policy, or nothing where there is none that can be followed: a code that is `unknown`, or not of
 * the list, asks a provider for nothing that it could lawfully do.
 */
export function instructionOf({ send }: Policy): Instruction | undefined {
  const { industry } = send;
  if (industry === undefined) return undefined;
  const { requested, legalBasis } = industry;
  return isInstructive('requested', requested) && isInstructive('legalBasis', legalBasis)
    ? { requested, legalBasis }
    : undefined;
}

/** Whether a code says what is asked for, or on what basis. */
export function isInstructive(member: keyof Instruction, code: string): boolean {
  return code !== 'unknown' && (lists[member] as readonly string[]).includes(code);
}

/** Tells the reduced form from a whole reference: only the reduced one asks for something. */
export function isIndustryForm(reference: object): reference is IndustryReference {
  return 'requested' in reference;
}

/** What the schema cannot say of the reduced form on the wire, where codes of a newer list pass. */
export function checkIndustryReference({ url, marking }: IndustryReference, profile: UrlProfile): Refusal[] {
  const address = gateUrl(url, profile, '/url');
  return [...(address ? [address] : []), ...checkMarking(marking, '/marking', 'open')];
}
