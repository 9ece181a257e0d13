import { type HostNotice, noticeByMarking } from './authority/notice.ts';
import type { CaseReference, Disclose, Handle, IndustryReference, Marking, Policy } from './contract.types.ts';
import type { Decision, PartnerFacts, SendEffect } from './decision.ts';
import { leavesToPoliceOnly } from './handle.ts';
import { mergeMarking } from './marking.ts';
import { INDUSTRY, instructionOf } from './policy/industry.ts';

declare const redacted: unique symbol;

/**
 * A case reference after redaction for one partner, in the reduced form for industry: the only thing that wire encodes, and
 * only this file makes one.
 */
export type Disclosure = Readonly<CaseReference | IndustryReference> & { readonly [redacted]: true };

/** Whom a disclosure is for and by which policy; `now` in milliseconds since 1970 starts the policy's `retainDays`. */
export interface DisclosureContext {
  readonly partner: PartnerFacts;
  readonly policy: Policy;
  readonly now: number;
  /** As the decision was asked with. */
  readonly notice?: HostNotice;
}

/** Leaves with every disclosure. Nothing is sent because it is in the reference: only because it is named here or below. */
const always = [
  'role',
  'related',
  'assignee',
  'features',
  'urgency',
  'receivedAt',
  'observedAt',
  'source',
] as const satisfies readonly (keyof CaseReference)[];

/** Leaves where the policy's `disclose` says so. */
const bySwitch = [
  'report',
  'assessments',
  'site',
  'access',
  'hosting',
] as const satisfies readonly (keyof CaseReference & keyof Disclose)[];

/** What a policy without any `disclose` means. One that has it names what leaves: what it does not name stays. */
const unstated: Disclose = { handles: 'never', assessments: true, site: true, hosting: true };
const DAY = 86_400_000;
/** 2999-12-31: the last day that the published form of a date can say. */
const LAST_DAY = 32_503_593_600_000;

/**
 * Makes the one thing that may leave the node for this partner. Throws when the decision is not `send`, when the policy
 * is another partner's, and for industry partners without an instruction or whose host may not be told: each of these is
 * a bug of the caller, and what is in the wrong hands cannot be called back.
 */
export function redact(
  reference: CaseReference,
  decision: Decision<SendEffect>,
  context: DisclosureContext,
): Disclosure {
  if (decision.effect !== 'send') throw new Error(`a disclosure was asked for a decision to ${decision.effect}`);
  if (context.policy.partner !== context.partner.issuer)
    throw new Error('a disclosure was asked under the policy of another partner');
  const notice = context.notice ?? noticeByMarking(reference.marking);
  if (context.partner.type === INDUSTRY && notice !== 'clear')
    throw new Error('a host was about to be notified before clearance');
  const content = previewDisclosure(reference, context);
  if (content === undefined)
    throw new Error('a reference was about to leave to an industry partner without instruction');
  return Object.freeze(content) as Disclosure;
}

/** The members of a reference that a disclosure to this partner would hold, sorted by name. */
export function disclosedMembers(reference: CaseReference, context: DisclosureContext): readonly string[] {
  return Object.keys(previewDisclosure(reference, context) ?? {}).sort();
}

/**
 * What a disclosure to this partner would say, for comparison only: wire does not encode it. Nothing for an industry
 * partner to whom the policy gives no instruction.
 */
export function previewDisclosure(
  reference: CaseReference,
  context: DisclosureContext,
): CaseReference | IndustryReference | undefined {
  return context.partner.type === INDUSTRY ? reduceForIndustry(reference, context) : reduce(reference, context);
}

function reduceForIndustry(reference: CaseReference, { policy }: DisclosureContext): IndustryReference | undefined {
  const instruction = instructionOf(policy);
  if (instruction === undefined) return undefined;
  const { revision, url, category, marking } = reference;
  return { revision, url, category, ...instruction, marking: raise(marking, policy.send) };
}

function reduce(reference: CaseReference, { partner, policy, now }: DisclosureContext): CaseReference {
  const { disclose = unstated, retainDays } = policy.send;
  const handles = handlesFor(reference.handles, partner, disclose);
  const retainUntil = earliestDate(reference.retainUntil, retainDays, now);
  return {
    revision: reference.revision,
    url: reference.url,
    jurisdiction: reference.jurisdiction,
    category: reference.category,
    ...pick(reference, always),
    ...pick(
      reference,
      bySwitch.filter((member) => disclose[member] === true),
    ),
    ...(handles.length > 0 && { handles }),
    marking: raise(reference.marking, policy.send),
    ...(retainUntil !== undefined && { retainUntil }),
  };
}

/** Police case numbers stay with police whatever a policy says; so do those of systems that this node does not know. */
function handlesFor(handles: readonly Handle[] | undefined, partner: PartnerFacts, disclose: Disclose): Handle[] {
  const police = partner.type === 'law-enforcement';
  const level = disclose.handles ?? 'never';
  if (handles === undefined || level === 'never' || (level === 'law-enforcement' && !police)) return [];
  return handles.filter(({ system }) => police || !leavesToPoliceOnly(system));
}

/** The policy is a floor for the label and a ceiling for portals; leave to pass on takes both, so silence takes it away. */
function raise(marking: Marking, { marking: bounds = {} }: Policy['send']): Marking {
  return mergeMarking(marking, {
    ...(bounds.tlpFloor !== undefined && { tlp: bounds.tlpFloor }),
    ...(bounds.portal !== undefined && { portal: bounds.portal }),
    ...(marking.onward !== undefined && { onward: bounds.onward ?? 'none' }),
  });
}

/** `retainUntil` is a date that ends at 24:00 UTC, so dates compare as text. */
function earliestDate(stated: string | undefined, retainDays: number | undefined, now: number): string | undefined {
  if (retainDays === undefined) return stated;
  const allowed = new Date(Math.min(now + retainDays * DAY, LAST_DAY)).toISOString().slice(0, 10);
  return stated === undefined || allowed < stated ? allowed : stated;
}

function pick<Member extends keyof CaseReference>(reference: CaseReference, members: readonly Member[]) {
  const kept: Partial<Pick<CaseReference, Member>> = {};
  for (const member of members) {
    if (reference[member] !== undefined) kept[member] = reference[member];
  }
  return kept;
}
