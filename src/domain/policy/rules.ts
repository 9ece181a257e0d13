import { type Clause, compare, comparedOf, type Subject, together } from '../clause.ts';
import type { ReceiveEffect, SendEffect, TraceStep } from '../decision.ts';
import type { Ruling } from '../denies.ts';
import { missing } from '../explain.ts';

/** A rule of either side: the first that matches decides. */
export interface Rule<Effect extends string> {
  readonly id: string;
  readonly when: object;
  readonly then: Effect;
}

interface Match<Effect extends string> {
  readonly rule: Rule<Effect>;
  readonly clauses: readonly Clause[];
}

/** What asking a list of rules came to: the one that matched, and each before it with what it still asked for. */
export interface Found<Effect extends string> {
  readonly winner: Match<Effect> | undefined;
  readonly misses: readonly Match<Effect>[];
}

const passive: Readonly<Record<SendEffect | ReceiveEffect, string>> = {
  send: 'sent',
  hold: 'held',
  withhold: 'withheld',
  accept: 'accepted',
  refuse: 'refused',
};

/** Asks the rules in their order, up to the first that matches. The clauses of a miss are those that did not say yes. */
export function search<Effect extends string>(rules: readonly Rule<Effect>[], subject: Subject): Found<Effect> {
  const misses: Match<Effect>[] = [];
  for (const rule of rules) {
    const clauses = compare(rule.when, subject);
    if (together(clauses) === 'yes') return { winner: { rule, clauses }, misses };
    misses.push({ rule, clauses: clauses.filter(({ answer }) => answer !== 'yes') });
  }
  return { winner: undefined, misses };
}

/** What the rules of the send side ask for, and what would become of it without the rule that decides. */
export function sendRuling(rules: readonly Rule<SendEffect>[], subject: Subject) {
  const found = search(rules, subject);
  const effect = found.winner?.rule.then ?? 'withhold';
  const ruling: Ruling = {
    effect,
    rule: found.winner?.rule.id ?? 'no-match',
    step: spoken(found.winner, effect),
    ...(effect !== 'send' && { lift: nearest(found, 'send') }),
  };
  const change = effect === 'send' ? without(found, rules, subject, 'withhold') : undefined;
  return { ruling, misses: found.misses.map(missed), change };
}

/** The step of a rule that did not match: the first clause that failed. */
export function missed<Effect extends string>({ rule, clauses: [first] }: Match<Effect>): TraceStep {
  return { kind: 'rule', id: rule.id, matched: false, ...(first && { failed: comparedOf(first) }) };
}

/** The step that decides: the rule with all that it compared, or that none matched. */
export function spoken<Effect extends string>(
  winner: Match<Effect> | undefined,
  effect: SendEffect | ReceiveEffect,
): TraceStep {
  if (!winner) return { kind: 'default', id: 'no-match', matched: true, effect, note: 'No rule matched.' };
  const compared = winner.clauses.map(comparedOf);
  return { kind: 'rule', id: winner.rule.id, matched: true, effect, compared };
}

/** The rule that comes nearest to letting it through, and what it still asks for: the end of a sentence. */
export function nearest<Effect extends string>({ winner, misses }: Found<Effect>, good: Effect): string {
  const [best] = misses
    .filter(({ rule }) => rule.then === good)
    .sort((one, other) => one.clauses.length - other.clauses.length);
  if (best) return `rule ${best.rule.id} would ${good} it if ${missing(best.clauses)}`;
  if (winner) return `rule ${winner.rule.id} would have to say ${good}`;
  return `a rule that matches and says ${good} would have to be added`;
}

/** What would become of it if the rule that decided were not there, as a sentence. */
export function without<Effect extends SendEffect | ReceiveEffect>(
  { winner }: Found<Effect>,
  rules: readonly Rule<Effect>[],
  subject: Subject,
  otherwise: SendEffect | ReceiveEffect,
): string | undefined {
  if (winner === undefined) return undefined;
  const { id } = winner.rule;
  const next = search(rules.slice(rules.indexOf(winner.rule) + 1), subject).winner?.rule;
  if (next === undefined) return `Without rule ${id} it would be ${passive[otherwise]}: no other rule matches.`;
  return `Without rule ${id}, rule ${next.id} decides: it would be ${passive[next.then]}.`;
}
