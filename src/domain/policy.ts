import { type Clause, compare, type Subject, together } from './clause.ts';
import type { CaseReference, Issuer, Marking, Policy } from './contract.types.ts';
import type { Decision, Deny, PartnerFacts, ReceiveEffect, SendEffect, TraceStep } from './decision.ts';
import { judgeDeny, type Ruling } from './denies.ts';
import { missing, sentence } from './explain.ts';
import { within } from './jurisdiction.ts';
import { hostNotice } from './marking.ts';
import { disclosedMembers } from './redact.ts';
import type { RefusalCode } from './refusal.ts';

export type PartnerState = 'active' | 'pending' | 'suspended';

/** Everything that a decision to send depends on. `now` in milliseconds since 1970. */
export interface SendInput {
  readonly reference: CaseReference;
  readonly self: Issuer;
  /** Our own recorded jurisdictions: what is domestic, what is a transfer to a third country. */
  readonly home: readonly string[];
  readonly partner: PartnerFacts & { readonly state: PartnerState };
  /** The effective policy of this partner; another partner's is treated as none. */
  readonly policy: Policy | undefined;
  readonly denies: readonly Deny[];
  /** Whether the address stands at a host of this deny, by match keys K3 and K4. */
  readonly hostMatches?: (deny: Deny) => boolean;
  readonly now: number;
}

export interface ReceiveInput {
  readonly reference: CaseReference;
  readonly originator: PartnerFacts;
  readonly policy: Policy | undefined;
  readonly now: number;
}

/** What stands as `rule` in a decision that no rule and no deny made; rules cannot have these ids. */
export const gateIds: readonly string[] = [
  'partner-state',
  'no-policy',
  'legal-basis',
  'legal-review',
  'transfer',
  'onward',
  'notify-host',
  'industry-form',
  'no-match',
];

interface Rule<Effect extends string> {
  readonly id: string;
  readonly when: object;
  readonly then: Effect;
}

interface Miss<Effect extends string> {
  readonly rule: Rule<Effect>;
  readonly failed: readonly Clause[];
}

const DAY = 86_400_000;
const severity: Readonly<Record<SendEffect, number>> = { send: 0, hold: 1, withhold: 2 };
const passive: Readonly<Record<SendEffect | ReceiveEffect, string>> = {
  send: 'sent',
  hold: 'held',
  withhold: 'withheld',
  accept: 'accepted',
  refuse: 'refused',
};

/**
 * Decides whether a reference is sent to a partner; pure and total. Denies, gates and the rules are all asked, and the
 * most restrictive answer wins, so that no hold of a gate ever softens a rule's `withhold`; among equals the earlier one
 * decides. No policy for this partner, or no rule that matches, is `withhold`.
 */
export function decideSend(input: SendInput): Decision<SendEffect> {
  const { reference, partner, now } = input;
  const policy = input.policy?.partner === partner.issuer ? input.policy : undefined;
  const subject = { reference, partnerType: partner.type, now };
  const denies = input.denies.map((deny) => judgeDeny(deny, { ...subject, partner, hostMatches: input.hostMatches }));
  const before = [...denies, partnerGate(partner.state)];
  if (policy === undefined) return conclude([...before, noPolicy], 0);
  const { ruling, misses, change } = ruleRuling(policy.send.rules, subject);
  const gates = [
    ...before,
    ...legalGates(policy, input),
    onwardGate(input),
    ...industryGates(reference.marking, partner),
  ];
  const decision = conclude([...gates, ruling], policy.version ?? 0, misses, change);
  if (decision.effect === 'withhold') return decision;
  return { ...decision, disclosed: disclosedMembers(reference, { partner, policy, now }) };
}

/**
 * Decides what becomes of a partner's reference; pure and total. No policy for this originator, or no rule that matches,
 * is `hold`. The codes are those that the receipt carries: they tell nothing of the rules.
 */
export function decideReceive({ reference, originator, policy, now }: ReceiveInput): Decision<ReceiveEffect> {
  if (policy?.partner !== originator.issuer) {
    const note = 'There is no policy for this partner.';
    const step = { kind: 'default', id: 'no-policy', matched: true, effect: 'hold', note } as const;
    const change = 'A policy for this partner would decide it.';
    return { effect: 'hold', rule: 'no-policy', code: 'policy-held', policyVersion: 0, trace: [step], change };
  }
  const subject = { reference, partnerType: originator.type, now };
  const { winner, misses } = search<ReceiveEffect>(policy.receive.rules, subject);
  const effect = winner?.then ?? 'hold';
  const code = receiveCode(effect);
  const rest =
    winner && effect === 'accept' ? policy.receive.rules.slice(policy.receive.rules.indexOf(winner) + 1) : [];
  const change =
    effect === 'accept' && winner
      ? without(winner, rest, subject, 'hold')
      : sentence(nearest(winner, misses, 'accept'));
  return {
    effect,
    rule: winner?.id ?? 'no-match',
    ...(code && { code }),
    policyVersion: policy.version ?? 0,
    trace: [...misses.map(missed), spoken(winner, effect)],
    change,
  };
}

function receiveCode(effect: ReceiveEffect): RefusalCode | undefined {
  if (effect === 'hold') return 'policy-held';
  return effect === 'refuse' ? 'policy-refused' : undefined;
}

const noPolicy: Ruling = {
  effect: 'withhold',
  rule: 'no-policy',
  lift: 'a policy for this partner would have to be set and approved',
  step: {
    kind: 'default',
    id: 'no-policy',
    matched: true,
    effect: 'withhold',
    note: 'There is no policy for this partner.',
  },
};

function conclude(
  rulings: readonly Ruling[],
  policyVersion: number,
  misses: readonly TraceStep[] = [],
  ifSent?: string,
): Decision<SendEffect> {
  const worst = Math.max(...rulings.map(({ effect }) => severity[effect]));
  const last = rulings.at(-1) as Ruling;
  const decisive = worst === 0 ? last : (rulings.find(({ effect }) => severity[effect] === worst) ?? last);
  const lifts = rulings.flatMap(({ effect, lift }) => (effect === 'send' || lift === undefined ? [] : [lift]));
  const change = worst === 0 ? ifSent : obstacles(lifts);
  return {
    effect: decisive.effect,
    rule: decisive.rule,
    ...(decisive.code && { code: decisive.code }),
    policyVersion,
    trace: [...rulings.slice(0, -1).map(({ step }) => step), ...misses, last.step],
    ...(change !== undefined && { change }),
  };
}

function obstacles(lifts: readonly string[]): string | undefined {
  if (lifts.length < 2) return lifts[0] === undefined ? undefined : sentence(lifts[0]);
  return sentence(`several things stand in the way: ${lifts.join('; ')}`);
}

function pass(kind: TraceStep['kind'], id: string): Ruling {
  return { effect: 'send', rule: id, step: { kind, id, matched: false } };
}

function stop(
  kind: TraceStep['kind'],
  id: string,
  effect: SendEffect,
  told: { note: string; lift: string; code?: RefusalCode },
): Ruling {
  const step = { kind, id, matched: true, effect, note: told.note } as const;
  return { effect, rule: id, lift: told.lift, step, ...(told.code && { code: told.code }) };
}

function partnerGate(state: PartnerState): Ruling {
  if (state === 'active') return pass('partner', 'partner-state');
  return stop('partner', 'partner-state', 'hold', {
    note: `The partner is ${state}.`,
    lift: state === 'pending' ? 'the partner would have to be confirmed' : 'the partner would have to be resumed',
    code: `partner-${state}`,
  });
}

function legalGates({ legal }: Policy, input: SendInput): readonly Ruling[] {
  if (legal === undefined) {
    const told = {
      note: 'The policy names no legal basis.',
      lift: 'a legal basis would have to be recorded in the policy',
    };
    return [stop('legal', 'legal-basis', 'hold', { ...told, code: 'legal-basis-missing' })];
  }
  return [pass('legal', 'legal-basis'), reviewGate(legal.reviewBy, input), transferGate(legal.transfer, input)];
}

/** The review date is the last good day. A child in danger now does not wait for paperwork. */
function reviewGate(reviewBy: string | undefined, { reference, now }: SendInput): Ruling {
  const inTime = reviewBy === undefined || now < Date.parse(`${reviewBy}T00:00:00Z`) + DAY;
  if (inTime || reference.urgency?.level === 'emergency') return pass('legal', 'legal-review');
  return stop('legal', 'legal-review', 'hold', {
    note: `The review of the legal basis was due by ${reviewBy}.`,
    lift: 'the legal basis would have to be reviewed and a new review date recorded',
  });
}

/**
 * `none` says that no ground for a transfer to a third country is recorded. At home, and between countries of the EEA,
 * none is needed; anywhere else, and for a partner whose country is not recorded, the reference waits for one.
 */
function transferGate(transfer: string, { home, partner }: SendInput): Ruling {
  if (transfer !== 'none') return pass('legal', 'transfer');
  const isNear = (place: string) => home.some((own) => isWithoutBorder(own, place));
  if (partner.jurisdictions.length > 0 && partner.jurisdictions.every(isNear)) return pass('legal', 'transfer');
  return stop('legal', 'transfer', 'hold', {
    note: 'The policy records no ground for a transfer to a third country.',
    lift: 'legal.transfer of the policy would have to name a ground, such as adequacy or safeguards',
    code: 'transfer-not-allowed',
  });
}

const eea: ReadonlySet<string> = new Set(
  'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK'.split(' '),
);

function isEea(place: string): boolean {
  return eea.has(place.slice(0, 2));
}

function isWithoutBorder(own: string, place: string): boolean {
  if (place === 'XX' || place === 'XO') return false;
  return within(place, own.slice(0, 2)) || (isEea(own) && isEea(place));
}

/** Terms of the originator: what was received from another is not ours to send. */
function onwardGate({ reference, self }: SendInput): Ruling {
  if (reference.source === undefined || reference.source.iss === self) return pass('marking', 'onward');
  return stop('marking', 'onward', 'withhold', {
    note: 'Another organisation originated this reference; it is not passed on.',
    lift: 'only its originator may send it',
  });
}

/** RED needs no gate: a policy names its one recipient. Sending to industry is notifying the host, so clearance comes first. */
function industryGates(marking: Marking, { type }: PartnerFacts): readonly Ruling[] {
  if (type !== 'industry') return [];
  const form = stop('partner', 'industry-form', 'withhold', {
    note: 'Industry partners get the reduced form only, and no instruction to them is known.',
    lift: 'an instruction to the industry partner would have to be given',
  });
  if (hostNotice(marking) === 'may') return [pass('marking', 'notify-host'), form];
  const closed = stop('marking', 'notify-host', 'hold', {
    note: 'Sending to industry is notifying the host, and the marking does not allow that yet.',
    lift: 'the marking would have to say that the host may be notified',
  });
  return [closed, form];
}

function search<Effect extends string>(rules: readonly Rule<Effect>[], subject: Subject) {
  const misses: Miss<Effect>[] = [];
  for (const rule of rules) {
    const clauses = compare(rule.when, subject);
    if (together(clauses) === 'yes') return { winner: rule, misses };
    misses.push({ rule, failed: clauses.filter(({ answer }) => answer !== 'yes') });
  }
  return { winner: undefined, misses };
}

function ruleRuling(rules: readonly Rule<SendEffect>[], subject: Subject) {
  const { winner, misses } = search(rules, subject);
  const effect = winner?.then ?? 'withhold';
  const ruling: Ruling = {
    effect,
    rule: winner?.id ?? 'no-match',
    step: spoken(winner, effect),
    ...(effect !== 'send' && { lift: nearest(winner, misses, 'send') }),
  };
  const change = winner && without(winner, rules.slice(rules.indexOf(winner) + 1), subject, 'withhold');
  return { ruling, misses: misses.map(missed), change };
}

function missed<Effect extends string>({ rule, failed: [first] }: Miss<Effect>): TraceStep {
  const failed = first && { member: first.member, wanted: first.wanted, found: first.found };
  return { kind: 'rule', id: rule.id, matched: false, ...(failed && { failed }) };
}

function spoken(winner: { readonly id: string } | undefined, effect: SendEffect | ReceiveEffect): TraceStep {
  if (winner) return { kind: 'rule', id: winner.id, matched: true, effect };
  return { kind: 'default', id: 'no-match', matched: true, effect, note: 'No rule matched.' };
}

/** The rule that comes nearest to letting it through, and what it still asks for. */
function nearest<Effect extends string>(
  winner: Rule<Effect> | undefined,
  misses: readonly Miss<Effect>[],
  good: Effect,
): string {
  const [best] = misses
    .filter(({ rule }) => rule.then === good)
    .sort((one, other) => one.failed.length - other.failed.length);
  if (best) return `rule ${best.rule.id} would ${good} it if ${missing(best.failed)}`;
  if (winner) return `rule ${winner.id} would have to say ${good}`;
  return `a rule that matches and says ${good} would have to be added`;
}

function without<Effect extends string>(
  winner: Rule<Effect>,
  rest: readonly Rule<Effect>[],
  subject: Subject,
  otherwise: SendEffect | ReceiveEffect,
) {
  const { winner: next } = search(rest, subject);
  if (next === undefined) return `Without rule ${winner.id} it would be ${passive[otherwise]}: no other rule matches.`;
  return `Without rule ${winner.id}, rule ${next.id} decides: it would be ${passive[next.then as SendEffect]}.`;
}
