import { minutesOf } from './authority/desk-hours.ts';
import { isListedCode, isPlace } from './clause.ts';
import { type CodeLists, outcomeList, shippedLists } from './code-lists.ts';
import { codes } from './codes.ts';
import type { Deny, Policy, When } from './contract.types.ts';
import { isDate } from './instant.ts';
import { checkJurisdiction } from './jurisdiction.ts';
import { gateIds } from './policy/gates.ts';
import { isInstructive } from './policy/industry.ts';
import { type KnownTypes, type Warning, warnOf } from './policy/warnings.ts';
import { type Refusal, refuse } from './refusal.ts';

/** A warning of a policy: where, what, and what to do about it. */
export type PolicyWarning = Warning;

export interface PolicyFindings {
  readonly refusals: Refusal[];
  readonly warnings: PolicyWarning[];
}

type Draft = Omit<Policy, 'version'>;

interface Rule {
  readonly id: string;
  readonly when: When;
}

const algorithms: readonly string[] = ['Ed25519', 'EdDSA', 'ES256', 'ML-DSA-65'];

/**
 * Checks what the schema cannot: ids, codes, dates and limits that contradict each other are refused; rules that cannot
 * do what their author meant are warned of. Takes a draft too (no version yet). Pure: what is overdue today is not asked.
 * `known` types of the two sides make it see more.
 */
export function checkPolicy(policy: Draft, known: KnownTypes = {}, lists: CodeLists = shippedLists): PolicyFindings {
  const refusals = [
    ...checkLegal(policy),
    ...checkRules(policy.send.rules, '/send/rules', lists),
    ...checkMarking(policy),
    ...checkInstruction(policy),
    ...checkRates('send', policy.send),
    ...checkRules(policy.receive.rules, '/receive/rules', lists),
    ...checkRates('receive', policy.receive),
    ...checkQuotas(policy),
    ...checkBinding(policy, lists),
    ...checkSecurity(policy),
    ...checkClearance(policy),
  ];
  return { refusals, warnings: warnOf(policy, { ...known, codes: lists }) };
}

/**
 * Checks a deny like a policy: a code that does not exist would never match, and what was meant to stay would leave. Every
 * refusal is `policy-invalid` with its pointer; the next step names the code that was meant where that is plain.
 */
export function checkDeny(deny: Deny, lists: CodeLists = shippedLists): Refusal[] {
  const places = (deny.destination ?? []).flatMap((code, index) => checkPlace(code, `/destination/${index}`));
  const codesOfWhen = deny.when === undefined ? [] : checkWhen(deny.when, '/when', lists);
  return [...places, ...codesOfWhen].map((refusal) => ({ ...refusal, code: 'policy-invalid' }));
}

function checkLegal({ legal }: Draft): Refusal[] {
  if (legal?.reviewBy === undefined || isDate(legal.reviewBy)) return [];
  return [
    refuse('policy-invalid', '/legal/reviewBy', 'There is no such day.', 'Give a day of the calendar, YYYY-MM-DD.'),
  ];
}

function checkMarking({ send }: Draft): Refusal[] {
  const lists = { tlpFloor: codes.markingTlp, portal: codes.markingPortal, onward: codes.markingOnward } as const;
  return Object.entries(lists).flatMap(([member, list]) => {
    const value = send.marking?.[member as keyof typeof lists];
    if (value === undefined || (list as readonly string[]).includes(value)) return [];
    return [refuse('marking-invalid', `/send/marking/${member}`)];
  });
}

/** To tell a host that police were asked about and did not answer needs somebody to have agreed to it. */
function checkClearance({ clearance, legal }: Draft): Refusal[] {
  const hours = (clearance?.desk?.hours ?? []).flatMap(({ from, to }, index) =>
    minutesOf(from) < minutesOf(to) ? [] : [closedDesk(`/clearance/desk/hours/${index}/to`)],
  );
  if (clearance?.onTimeout !== 'notify' || legal?.agreement !== undefined) return hours;
  const message = 'Telling the host without an answer needs an agreement that is named.';
  const next = 'Name it in legal.agreement, or write "escalate".';
  return [refuse('policy-invalid', '/clearance/onTimeout', message, next), ...hours];
}

function closedDesk(pointer: string): Refusal {
  const message = 'The desk closes before it opens.';
  return refuse('policy-invalid', pointer, message, 'Write a night shift as two: until 24:00, and from 00:00 on.');
}

/** An instruction that asks for nothing, or on no basis, is none: the reduced form would be a request that nobody can judge. */
function checkInstruction({ send }: Draft): Refusal[] {
  const { industry } = send;
  if (industry === undefined) return [];
  return (['requested', 'legalBasis'] as const).flatMap((member) => {
    if (isInstructive(member, industry[member])) return [];
    const list = member === 'requested' ? 'requested' : 'legal-basis-industry';
    const message = 'The code does not say what an industry partner is asked, or on what basis.';
    return [
      refuse('code-unknown', `/send/industry/${member}`, message, `Use a code of ${list}.json other than "unknown".`),
    ];
  });
}

/** 0 a day is a stop, whatever else is allowed; it is warned of. */
function checkRates(
  side: 'send' | 'receive',
  { perMinute, perDay }: { perMinute?: number; perDay?: number },
): Refusal[] {
  if (perMinute === undefined || perDay === undefined || perDay === 0 || perMinute <= perDay) return [];
  const message = 'More a minute than a day: the two limits contradict each other.';
  return [refuse('policy-invalid', `/${side}/perMinute`, message, 'Lower perMinute, or raise perDay.')];
}

function checkQuotas({ receive }: Draft): Refusal[] {
  const { perDay, emergenciesPerDay, holdsPerDay, mayHold } = receive;
  const found: Refusal[] = [];
  if (emergenciesPerDay !== undefined && perDay !== undefined && perDay > 0 && emergenciesPerDay > perDay) {
    const message = 'More emergencies a day than references a day: the two limits contradict each other.';
    const next = 'Lower emergenciesPerDay, or raise perDay.';
    found.push(refuse('policy-invalid', '/receive/emergenciesPerDay', message, next));
  }
  if (mayHold === true && holdsPerDay === 0) {
    const message = 'Holds are taken, and none a day: the two members contradict each other.';
    found.push(refuse('policy-invalid', '/receive/holdsPerDay', message, 'Raise the limit, or set mayHold to false.'));
  }
  return found;
}

function checkBinding({ receive }: Draft, lists: CodeLists): Refusal[] {
  return (receive.bindingAssessments ?? []).flatMap((code, index) =>
    isListedCode('assessment.code', code, lists)
      ? []
      : [refuse('code-unknown', `/receive/bindingAssessments/${index}`)],
  );
}

function checkSecurity({ security }: Draft): Refusal[] {
  const algs: readonly string[] | undefined = security?.algs;
  if (algs === undefined) return [];
  if (algs.length === 0) return [emptyList('/security/algs', 'no message would ever verify')];
  return algs.flatMap((alg, index) =>
    algorithms.includes(alg)
      ? []
      : [refuse('policy-invalid', `/security/algs/${index}`, 'The algorithm is not one that a node can verify.')],
  );
}

function emptyList(pointer: string, consequence: string): Refusal {
  return refuse(
    'policy-invalid',
    pointer,
    `The list is empty: ${consequence}.`,
    'Name what is wanted, or leave the member out.',
  );
}

function checkRules(rules: readonly Rule[], pointer: string, lists: CodeLists): Refusal[] {
  const seen = new Set<string>();
  return rules.flatMap((rule, index) => {
    const found = [
      ...checkId(rule, seen, `${pointer}/${index}/id`),
      ...checkWhen(rule.when, `${pointer}/${index}/when`, lists),
    ];
    seen.add(rule.id);
    return found;
  });
}

function checkId({ id }: Rule, seen: ReadonlySet<string>, at: string): Refusal[] {
  if (seen.has(id)) {
    const message = 'Another rule of the list has this id.';
    return [refuse('policy-invalid', at, message, 'Give each rule an id of its own.')];
  }
  if (id.startsWith('deny:') || gateIds.includes(id)) {
    const message = 'A decision could not tell this rule from a deny or a gate.';
    return [refuse('policy-invalid', at, message, 'Choose another id.')];
  }
  return [];
}

function checkWhen(when: When, at: string, lists: CodeLists): Refusal[] {
  return Object.entries(when).flatMap(([member, wanted]) => {
    if (member === 'ageDays') return checkAge(wanted as When['ageDays'], `${at}/ageDays`);
    const listed = wanted as readonly string[];
    if (listed.length === 0) return [emptyList(`${at}/${member}`, 'the rule would never match')];
    return listed.flatMap((code, index) => checkCode({ when, member, code, lists }, `${at}/${member}/${index}`));
  });
}

function checkAge(age: When['ageDays'], at: string): Refusal[] {
  if (age?.min === undefined || age.max === undefined || age.min <= age.max) return [];
  return [refuse('policy-invalid', at, 'The least age is above the greatest.', 'Exchange or mend the two limits.')];
}

interface AskedCode {
  readonly when: When;
  readonly member: string;
  readonly code: string;
  readonly lists: CodeLists;
}

function checkCode({ when, member, code, lists }: AskedCode, pointer: string): Refusal[] {
  if (code === '*') return [];
  if (isPlace(member)) return checkPlace(code, pointer);
  if (isListedCode(member, code, lists)) return [];
  if (member === 'assessment.code' && when['assessment.scheme']?.some((scheme) => isOpen(scheme, lists))) return [];
  return [refuse(member === 'category' ? 'category-unknown' : 'code-unknown', pointer)];
}

/** A scheme without a list of its own here takes any code. */
function isOpen(scheme: string, { known }: CodeLists): boolean {
  return (known[outcomeList(scheme)] ?? []).length === 0;
}

function checkPlace(code: string, pointer: string): Refusal[] {
  const answer = checkJurisdiction(code, pointer);
  return answer === undefined ? [] : [answer];
}
