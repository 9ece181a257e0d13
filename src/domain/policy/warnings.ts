import { conditionList } from '../clause.ts';
import { type CodeLists, outcomeList, shippedLists } from '../code-lists.ts';
import type { Policy, When } from '../contract.types.ts';
import { asksNothing, coveredBy } from './cover.ts';
import { INDUSTRY } from './industry.ts';

/** What is allowed and yet seldom meant; `pointer` as in a refusal, `next` what to do about it. */
export interface Warning {
  readonly pointer: string;
  readonly message: string;
  readonly next?: string;
}

/** What the node knows of both sides, as recorded: where it is given, more can be warned of. */
export interface KnownTypes {
  readonly ownType?: string;
  readonly partnerType?: string;
  readonly codes?: CodeLists;
}

type Draft = Omit<Policy, 'version'>;
type Side = 'send' | 'receive';

interface Rule {
  readonly id: string;
  readonly when: When;
  readonly then: string;
}

const MINUTES_A_DAY = 1440;
/** All that the reduced form says to a condition. */
const ofReducedForm: readonly string[] = ['category', 'marking.tlp', 'partner.type', 'urgency.level'];

/** Warns of what a policy says and cannot do, or does and seldom should. Pure and never wrong: silence proves nothing. */
export function warnOf(policy: Draft, known: KnownTypes = {}): Warning[] {
  return [
    ...warnOfLegal(policy),
    ...warnOfIndustry(policy, known),
    ...warnOfMarking(policy),
    ...warnOfRules(policy.send.rules, 'send', known),
    ...warnOfRules(policy.receive.rules, 'receive', known),
    ...warnOfLimits(policy),
  ];
}

function warnOfLegal({ legal }: Draft): Warning[] {
  if (legal !== undefined) return [];
  const message = 'No legal basis is recorded: whatever the rules say, nothing is sent.';
  return [{ pointer: '', message, next: 'Add "legal" with its basis and the ground of transfer.' }];
}

function warnOfIndustry({ send }: Draft, { partnerType }: KnownTypes): Warning[] {
  if (partnerType === INDUSTRY && send.industry === undefined) {
    const message = 'The partner is recorded as industry and the policy gives no instruction: nothing is sent.';
    return [{ pointer: '/send', message, next: 'Add send.industry with what is requested and on what legal basis.' }];
  }
  if (partnerType !== undefined && partnerType !== INDUSTRY && send.industry !== undefined) {
    const message = 'The partner is not recorded as industry, so the instruction has no effect.';
    return [{ pointer: '/send/industry', message, next: 'Leave it out, or confirm the partner as industry.' }];
  }
  return [];
}

function warnOfMarking({ send }: Draft): Warning[] {
  const { tlpFloor: floor, portal } = send.marking ?? {};
  if ((floor !== 'RED' && floor !== 'AMBER+STRICT') || portal === undefined || portal === 'none') return [];
  const message = `${floor} is never shown in a portal, so this has no effect.`;
  return [{ pointer: '/send/marking/portal', message, next: 'Write "none", or lower the floor.' }];
}

function warnOfRules(rules: readonly Rule[], side: Side, known: KnownTypes): Warning[] {
  const pointer = `/${side}/rules`;
  if (rules.length === 0) {
    const message = `There is no rule: everything is ${side === 'send' ? 'withheld' : 'held for a person to decide'}.`;
    return [{ pointer, message, next: 'Add a rule for what you mean to exchange.' }];
  }
  return rules.flatMap((rule, index) => warnOfRule(rule, rules.slice(0, index), side, `${pointer}/${index}`, known));
}

function warnOfRule(rule: Rule, before: readonly Rule[], side: Side, at: string, known: KnownTypes): Warning[] {
  const warnings: Warning[] = [];
  const never = whyNever(rule.when, side, known);
  if (never !== undefined) {
    const message = `Rule ${rule.id} can never match: ${never}.`;
    warnings.push({ pointer: `${at}/when`, message, next: 'Mend the condition, or take the rule out.' });
  }
  const takers = coveredBy(rule.when, before);
  if (takers !== undefined) warnings.push({ pointer: at, ...unreached(rule, takers) });
  if (rule.then === 'send' && asksNothing(rule.when)) {
    const message = `Rule ${rule.id} sends everything that reaches it.`;
    warnings.push({ pointer: at, message, next: 'Name categories or countries, unless everything is meant.' });
  }
  return [...warnings, ...warnOfStars(rule.when, `${at}/when`)];
}

function unreached({ id }: Rule, takers: readonly Rule[]): Omit<Warning, 'pointer'> {
  const names = takers.map((taker) => taker.id);
  const those =
    names.length === 1
      ? `rule ${names.join()} before it takes`
      : `rules ${names.slice(0, -1).join(', ')} and ${names.at(-1)} before it take`;
  return {
    message: `Rule ${id} is never reached: ${those} all that it would.`,
    next: 'Move it before them, or take it out.',
  };
}

function warnOfStars(when: When, at: string): Warning[] {
  return Object.entries(when).flatMap(([member, wanted]) => {
    if (!Array.isArray(wanted) || wanted.length < 2 || !wanted.includes('*')) return [];
    const message = '"*" takes any value: the others beside it have no effect.';
    return [{ pointer: `${at}/${member}`, message, next: 'Leave out either "*" or the others.' }];
  });
}

function whyNever(
  when: When,
  side: Side,
  { ownType, partnerType, codes = shippedLists }: KnownTypes,
): string | undefined {
  const types = conditionList(when, 'partner.type');
  if (partnerType !== undefined && types && !types.includes('*') && !types.includes(partnerType)) {
    return `the partner is recorded as ${partnerType}`;
  }
  const unsaid = Object.keys(when).find((member) => !ofReducedForm.includes(member));
  if (side === 'receive' && ownType === INDUSTRY && unsaid !== undefined) {
    return `this node is recorded as industry, and what it gets says nothing of ${unsaid}`;
  }
  return whyNoAssessment(when, side, codes);
}

/** On the wire a newer list may be in use, so only what the node itself is given is known to keep codes to their schemes. */
function whyNoAssessment(when: When, side: Side, known: CodeLists): string | undefined {
  const wanted = conditionList(when, 'assessment.code');
  if (wanted === undefined || wanted.includes('*')) return undefined;
  const schemes = side === 'send' ? conditionList(when, 'assessment.scheme') : undefined;
  const left =
    schemes === undefined ? wanted : wanted.filter((code) => schemes.some((scheme) => mayHave(scheme, code, known)));
  if (left.length === 0) return 'none of the schemes has any of the codes';
  const methods = conditionList(when, 'assessment.method');
  if (methods?.every((method) => method === 'automated') && left.every((code) => code === 'baseline')) {
    return 'an automated assessment is never baseline';
  }
  return undefined;
}

function mayHave(scheme: string, code: string, { known }: CodeLists): boolean {
  const outcomes = known[outcomeList(scheme)] ?? [];
  return outcomes.length === 0 || outcomes.includes(code);
}

function warnOfLimits({ send, receive }: Draft): Warning[] {
  const sides = { send, receive };
  const warnings = (['send', 'receive'] as const).flatMap((side) => warnOfRates(side, sides[side]));
  if (receive.withdrawalsPerHour === 0) {
    const message = 'No withdrawal is followed by itself: each waits for the operator.';
    warnings.push({
      pointer: '/receive/withdrawalsPerHour',
      message,
      next: 'Give the number that you expect, or more.',
    });
  }
  if (receive.emergenciesPerDay === 0) {
    const message = 'No emergency is shown as one: each is shown as priority.';
    warnings.push({
      pointer: '/receive/emergenciesPerDay',
      message,
      next: 'Give the number that you expect, or more.',
    });
  }
  if (receive.holdsPerDay !== undefined && receive.mayHold !== true) {
    const message = 'Holds of this partner are not taken, so their limit has no effect.';
    warnings.push({ pointer: '/receive/holdsPerDay', message, next: 'Set mayHold to true, or leave the limit out.' });
  }
  return warnings;
}

function warnOfRates(side: Side, { perMinute, perDay }: { perMinute?: number; perDay?: number }): Warning[] {
  const pointer = `/${side}/perDay`;
  if (perDay === 0) {
    const message = `Nothing is ${side === 'send' ? 'sent' : 'taken'}: the limit a day is 0.`;
    return [{ pointer, message, next: 'Suspend the partner instead, or give a number.' }];
  }
  if (perDay === undefined || perMinute === undefined || perMinute * MINUTES_A_DAY >= perDay) return [];
  const message = 'The limit a minute lets less through in a day than this allows, so this has no effect.';
  return [{ pointer, message, next: 'Raise perMinute, or lower perDay.' }];
}
