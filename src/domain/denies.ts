import { type Answer, type Clause, compare, comparedOf, compareValues, type Subject, together } from './clause.ts';
import type { Deny, PartnerFacts, SendEffect, TraceStep } from './decision.ts';
import type { RefusalCode } from './refusal.ts';

/** What one step of a decision asks for, why, and what would lift it. `send` means: no objection. */
export interface Ruling {
  readonly effect: SendEffect;
  readonly step: TraceStep;
  /** Stands in the decision as `rule` where this ruling decides. */
  readonly rule: string;
  readonly code?: RefusalCode;
  /** What would lift it, as the end of a sentence; only for rulings that stand in the way. */
  readonly lift?: string;
}

/** What a deny is judged by. `hostMatches` compares a deny's hosts through match keys; without it, hosts are unsaid. */
export interface DenyInput extends Subject {
  readonly partner: PartnerFacts;
  readonly hostMatches?: (deny: Deny) => boolean;
}

/**
 * Judges one organisation-wide deny. It applies (`withhold`) when everything it asks for is there; it is out only when
 * something it asks for is certainly not so. Whatever cannot be told (absent, `unknown`, XX) holds: denies never fail open.
 */
export function judgeDeny(deny: Deny, input: DenyInput): Ruling {
  const clauses = [...destination(deny, input.partner), ...hosts(deny, input), ...compare(deny.when ?? {}, input)];
  const answer = together(clauses);
  const step = { kind: 'deny', id: deny.id } as const;
  const rule = `deny:${deny.id}`;
  if (answer === 'no') {
    const failed = clauses.find((clause) => clause.answer === 'no');
    return { effect: 'send', rule, step: { ...step, matched: false, ...(failed && { failed: comparedOf(failed) }) } };
  }
  if (answer === 'yes') {
    const note = `An organisation-wide deny applies (ground: ${deny.ground}).`;
    const lift = `no rule overrides deny ${deny.id}; only removing the deny would lift it`;
    const compared = clauses.map(comparedOf);
    return { effect: 'withhold', rule, lift, step: { ...step, matched: true, effect: 'withhold', compared, note } };
  }
  return undecided(deny, clauses);
}

/** Whether a deny may concern a partner by its destination; false only where the partner is certainly elsewhere. */
export function mayConcern(deny: Deny, partner: PartnerFacts): boolean {
  return destination(deny, partner).every(({ answer }) => answer !== 'no');
}

function undecided(deny: Deny, clauses: readonly Clause[]): Ruling {
  const failed = clauses.find((clause) => clause.answer === 'unsaid');
  const member = failed?.member ?? 'reference';
  return {
    effect: 'hold',
    rule: `deny:${deny.id}`,
    lift: `deny ${deny.id} asks for ${member}, which is absent, unknown or too coarse: say it, and the deny can be judged`,
    step: {
      kind: 'deny',
      id: deny.id,
      matched: true,
      effect: 'hold',
      note: `It cannot be ruled out that this deny applies (ground: ${deny.ground}).`,
      ...(failed && { failed: comparedOf(failed) }),
    },
  };
}

function destination(deny: Deny, partner: PartnerFacts): readonly Clause[] {
  if (deny.destination === undefined) return [];
  const found = partner.jurisdictions;
  // An empty list says nothing of where the partner is; for features it would say that there are none.
  const values = found.length === 0 ? undefined : found;
  const answer: Answer = compareValues('jurisdiction.destination', deny.destination, values);
  return [{ member: 'jurisdiction.destination', wanted: deny.destination, found, answer }];
}

/** Neither the listed hosts nor the address appear in a trace: only that they were compared. */
function hosts(deny: Deny, { hostMatches }: DenyInput): readonly Clause[] {
  if (deny.hosts === undefined) return [];
  const base = { member: 'host', wanted: [], found: [] };
  if (hostMatches === undefined) return [{ ...base, answer: 'unsaid' }];
  return [{ ...base, answer: hostMatches(deny) ? 'yes' : 'no' }];
}
