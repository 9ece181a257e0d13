import { conditionList, isListedCode, isPlace } from './clause.ts';
import { codes } from './codes.ts';
import type { Deny, Policy, When } from './contract.types.ts';
import { isDate } from './instant.ts';
import { checkJurisdiction, within } from './jurisdiction.ts';
import { gateIds } from './policy.ts';
import { type Refusal, refuse } from './refusal.ts';

/** What is allowed and yet seldom meant; `pointer` as in a refusal. */
export interface PolicyWarning {
  readonly pointer: string;
  readonly message: string;
}

export interface PolicyFindings {
  readonly refusals: Refusal[];
  readonly warnings: PolicyWarning[];
}

interface Rule {
  readonly id: string;
  readonly when: When;
  readonly then: string;
}

const algorithms: readonly string[] = ['Ed25519', 'EdDSA', 'ES256', 'ML-DSA-65'];
/** A reference always answers these, so `*` asks for nothing. */
const everPresent: readonly string[] = ['category', 'marking.tlp', 'partner.type', 'urgency.level'];
const shippedSchemes: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['iccam', codes.assessmentIccam],
  ['ncmec-industry', codes.assessmentNcmecIndustry],
  ['uk-sentencing', codes.assessmentUkSentencing],
]);

/**
 * Checks what the schema cannot: ids, codes, dates and limits that contradict each other are refused; rules that cannot
 * do what their author meant are warned of. Takes a draft too (no version yet). Pure: what is overdue today is not asked.
 */
export function checkPolicy(policy: Omit<Policy, 'version'>): PolicyFindings {
  const send = checkRules(policy.send.rules, '/send/rules');
  const receive = checkRules(policy.receive.rules, '/receive/rules');
  return {
    refusals: [
      ...checkLegal(policy),
      ...send.refusals,
      ...checkMarking(policy),
      ...receive.refusals,
      ...checkBinding(policy),
      ...checkSecurity(policy),
    ],
    warnings: [...warnOfWhole(policy), ...send.warnings, ...receive.warnings, ...warnOfLimits(policy)],
  };
}

/**
 * Checks a deny like a policy: a code that does not exist would never match, and what was meant to stay would leave. Every
 * refusal is `policy-invalid` with its pointer; the next step names the code that was meant where that is plain.
 */
export function checkDeny(deny: Deny): Refusal[] {
  const places = (deny.destination ?? []).flatMap((code, index) => checkPlace(code, `/destination/${index}`));
  const codesOfWhen = deny.when === undefined ? [] : checkWhen(deny.when, '/when');
  return [...places, ...codesOfWhen].map((refusal) => ({ ...refusal, code: 'policy-invalid' }));
}

function checkLegal({ legal }: Omit<Policy, 'version'>): Refusal[] {
  if (legal?.reviewBy === undefined || isDate(legal.reviewBy)) return [];
  return [
    refuse('policy-invalid', '/legal/reviewBy', 'There is no such day.', 'Give a day of the calendar, YYYY-MM-DD.'),
  ];
}

function checkMarking({ send }: Omit<Policy, 'version'>): Refusal[] {
  const lists = { tlpFloor: codes.markingTlp, portal: codes.markingPortal, onward: codes.markingOnward } as const;
  return Object.entries(lists).flatMap(([member, list]) => {
    const value = send.marking?.[member as keyof typeof lists];
    if (value === undefined || (list as readonly string[]).includes(value)) return [];
    return [refuse('marking-invalid', `/send/marking/${member}`)];
  });
}

function checkBinding({ receive }: Omit<Policy, 'version'>): Refusal[] {
  return (receive.bindingAssessments ?? []).flatMap((code, index) =>
    isListedCode('assessment.code', code) ? [] : [refuse('code-unknown', `/receive/bindingAssessments/${index}`)],
  );
}

function checkSecurity({ security }: Omit<Policy, 'version'>): Refusal[] {
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

function checkRules(rules: readonly Rule[], pointer: string): PolicyFindings {
  const refusals: Refusal[] = [];
  const warnings: PolicyWarning[] = [];
  rules.forEach((rule, index) => {
    const at = `${pointer}/${index}`;
    const before = rules.slice(0, index);
    refusals.push(...checkId(rule, before, at), ...checkWhen(rule.when, `${at}/when`));
    warnings.push(...warnOfRule(rule, before, at));
  });
  return { refusals, warnings };
}

function checkId({ id }: Rule, before: readonly Rule[], at: string): Refusal[] {
  if (before.some((other) => other.id === id)) {
    return [
      refuse('policy-invalid', `${at}/id`, 'Another rule of the list has this id.', 'Give each rule an id of its own.'),
    ];
  }
  if (id.startsWith('deny:') || gateIds.includes(id)) {
    return [
      refuse(
        'policy-invalid',
        `${at}/id`,
        'A decision could not tell this rule from a deny or a gate.',
        'Choose another id.',
      ),
    ];
  }
  return [];
}

function checkWhen(when: When, at: string): Refusal[] {
  return Object.entries(when).flatMap(([member, wanted]) => {
    if (member === 'ageDays') return checkAge(wanted as When['ageDays'], `${at}/ageDays`);
    const listed = wanted as readonly string[];
    if (listed.length === 0) return [emptyList(`${at}/${member}`, 'the rule would never match')];
    return listed.flatMap((code, index) => checkCode(when, member, code, `${at}/${member}/${index}`));
  });
}

function checkAge(age: When['ageDays'], at: string): Refusal[] {
  if (age?.min === undefined || age.max === undefined || age.min <= age.max) return [];
  return [refuse('policy-invalid', at, 'The least age is above the greatest.', 'Exchange or mend the two limits.')];
}

function checkCode(when: When, member: string, code: string, pointer: string): Refusal[] {
  if (code === '*') return [];
  if (isPlace(member)) return checkPlace(code, pointer);
  if (isListedCode(member, code)) return [];
  if (member === 'assessment.code' && when['assessment.scheme']?.some((scheme) => !shippedSchemes.has(scheme)))
    return [];
  return [refuse(member === 'category' ? 'category-unknown' : 'code-unknown', pointer)];
}

function checkPlace(code: string, pointer: string): Refusal[] {
  const answer = checkJurisdiction(code, pointer);
  return answer === undefined ? [] : [answer];
}

function warnOfWhole({ legal, send }: Omit<Policy, 'version'>): PolicyWarning[] {
  const warnings: PolicyWarning[] = [];
  if (legal === undefined)
    warnings.push({ pointer: '', message: 'No legal basis is recorded: whatever the rules say, nothing is sent.' });
  if (send.rules.length === 0)
    warnings.push({ pointer: '/send/rules', message: 'There is no rule: everything is withheld.' });
  const floor = send.marking?.tlpFloor;
  const portal = send.marking?.portal;
  if ((floor === 'RED' || floor === 'AMBER+STRICT') && portal !== undefined && portal !== 'none') {
    warnings.push({
      pointer: '/send/marking/portal',
      message: `${floor} is never shown in a portal, so this has no effect.`,
    });
  }
  return warnings;
}

function warnOfLimits({ send, receive }: Omit<Policy, 'version'>): PolicyWarning[] {
  return Object.entries({ send, receive }).flatMap(([side, { perMinute, perDay }]) =>
    perMinute === undefined || perDay === undefined || perMinute <= perDay
      ? []
      : [{ pointer: `/${side}/perMinute`, message: 'More a minute than a day: the limit a minute has no effect.' }],
  );
}

function warnOfRule(rule: Rule, before: readonly Rule[], at: string): PolicyWarning[] {
  const warnings: PolicyWarning[] = [];
  const never = whyNever(rule.when);
  if (never !== undefined)
    warnings.push({ pointer: `${at}/when`, message: `Rule ${rule.id} can never match: ${never}.` });
  const shadow = before.find((earlier) => covers(earlier.when, rule.when));
  if (shadow)
    warnings.push({
      pointer: at,
      message: `Rule ${rule.id} is never reached: rule ${shadow.id} before it takes all that it would.`,
    });
  if (rule.then === 'send' && asksNothing(rule.when)) {
    warnings.push({ pointer: at, message: `Rule ${rule.id} sends everything that reaches it.` });
  }
  for (const [member, wanted] of Object.entries(rule.when)) {
    if (Array.isArray(wanted) && wanted.length > 1 && wanted.includes('*')) {
      warnings.push({
        pointer: `${at}/when/${member}`,
        message: '"*" takes any value: the others beside it have no effect.',
      });
    }
  }
  return warnings;
}

function whyNever(when: When): string | undefined {
  const wantedCodes = conditionList(when, 'assessment.code');
  const schemes = conditionList(when, 'assessment.scheme');
  if (wantedCodes === undefined || wantedCodes.includes('*')) return undefined;
  if (
    schemes?.every(
      (scheme) => shippedSchemes.has(scheme) && !wantedCodes.some((code) => shippedSchemes.get(scheme)?.includes(code)),
    )
  ) {
    return 'none of the schemes has any of the codes';
  }
  const methods = conditionList(when, 'assessment.method');
  if (methods?.every((method) => method === 'automated') && wantedCodes.every((code) => code === 'baseline')) {
    return 'an automated assessment is never baseline';
  }
  return undefined;
}

function asksNothing(when: When): boolean {
  return Object.entries(when).every(
    ([member, wanted]) => everPresent.includes(member) && Array.isArray(wanted) && wanted.includes('*'),
  );
}

/** Whether whatever matches `inner` matches `outer` as well. */
function covers(outer: When, inner: When): boolean {
  return Object.keys(outer).every((member) => {
    if (member === 'ageDays') return coversAge(outer.ageDays, inner.ageDays);
    const wide = conditionList(outer, member) ?? [];
    if (wide.includes('*') && everPresent.includes(member)) return true;
    const narrow = conditionList(inner, member);
    return (
      narrow?.every((code) =>
        wide.some((listed) => listed === '*' || listed === code || (isPlace(member) && within(code, listed))),
      ) ?? false
    );
  });
}

function coversAge(outer: When['ageDays'], inner: When['ageDays']): boolean {
  const floor = outer?.min ?? Number.NEGATIVE_INFINITY;
  const ceiling = outer?.max ?? Number.POSITIVE_INFINITY;
  return (
    inner !== undefined &&
    (inner.min ?? Number.NEGATIVE_INFINITY) >= floor &&
    (inner.max ?? Number.POSITIVE_INFINITY) <= ceiling
  );
}
