import type { Policy } from './contract.types.ts';
import type { Decision, ReceiveEffect, ReceiveInput, SendEffect, SendInput, TraceStep } from './decision.ts';
import { judgeDeny, type Ruling } from './denies.ts';
import { sentence } from './explain.ts';
import { industryGates, legalGates, noPolicy, onwardGate, partnerGate } from './policy/gates.ts';
import { missed, nearest, search, sendRuling, spoken, without } from './policy/rules.ts';
import { disclosedMembers } from './redact.ts';
import type { RefusalCode } from './refusal.ts';

const severity: Readonly<Record<SendEffect, number>> = { send: 0, hold: 1, withhold: 2 };

/**
 * Decides whether a reference is sent to a partner; pure and total. Denies, gates and the rules are all asked, and the
 * most restrictive answer wins, so that no hold of a gate ever softens a rule's `withhold`; among equals the earlier one
 * decides. No policy for this partner, or no rule that matches, is `withhold`.
 */
export function decideSend(input: SendInput): Decision<SendEffect> {
  const { reference, partner, now, codes } = input;
  const policy = ownPolicy(input.policy, partner.issuer);
  const subject = { reference, partnerType: partner.type, now, codes };
  const denies = input.denies.map((deny) => judgeDeny(deny, { ...subject, partner, hostMatches: input.hostMatches }));
  const before = [...denies, partnerGate(partner.state)];
  if (policy === undefined) return conclude([...before, noPolicy], 0);
  const { ruling, misses, change } = sendRuling(policy.send.rules, subject);
  const gates = [...before, ...legalGates(policy, input), onwardGate(input), ...industryGates(input, policy)];
  const decision = conclude([...gates, ruling], policy.version, misses, change);
  if (decision.effect === 'withhold') return decision;
  return { ...decision, disclosed: disclosedMembers(reference, { partner, policy, now }) };
}

/**
 * Decides what becomes of a partner's reference; pure and total. No policy for this originator, or no rule that matches,
 * is `hold`. The codes are those that the receipt carries: they tell nothing of the rules.
 */
export function decideReceive(input: ReceiveInput): Decision<ReceiveEffect> {
  const { reference, originator, now, codes } = input;
  const policy = ownPolicy(input.policy, originator.issuer);
  if (policy === undefined) return withoutPolicy;
  const { rules } = policy.receive;
  const subject = { reference, partnerType: originator.type, now, codes };
  const found = search<ReceiveEffect>(rules, subject);
  const effect = found.winner?.rule.then ?? 'hold';
  const code = receiveCodes[effect];
  const change =
    effect === 'accept' ? without(found, rules, subject, 'hold') : sentence(nearest<ReceiveEffect>(found, 'accept'));
  return {
    effect,
    rule: found.winner?.rule.id ?? 'no-match',
    ...(code && { code }),
    policyVersion: policy.version,
    trace: [...found.misses.map(missed), spoken(found.winner, effect)],
    ...(change !== undefined && { change }),
  };
}

/** The policy of one partner says nothing about another. */
function ownPolicy(policy: Policy | undefined, issuer: string): Policy | undefined {
  return policy?.partner === issuer ? policy : undefined;
}

const receiveCodes: Readonly<Record<ReceiveEffect, RefusalCode | undefined>> = {
  accept: undefined,
  hold: 'policy-held',
  refuse: 'policy-refused',
};

const withoutPolicy: Decision<ReceiveEffect> = {
  effect: 'hold',
  rule: 'no-policy',
  code: 'policy-held',
  policyVersion: 0,
  trace: [
    { kind: 'default', id: 'no-policy', matched: true, effect: 'hold', note: 'There is no policy for this partner.' },
  ],
  change: 'A policy for this partner would decide it.',
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
  const lifts = rulings.flatMap(({ lift }) => lift ?? []);
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

function obstacles(lifts: readonly string[]): string {
  return sentence(lifts.length === 1 ? lifts.join() : `several things stand in the way: ${lifts.join('; ')}`);
}
