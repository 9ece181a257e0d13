import type { Clause } from './clause.ts';
import type { Decision, FailedClause, TraceStep } from './decision.ts';

/** Whom the lines are about. The name is the caller's to clean: it came from a partner's card. */
export interface ExplainNames {
  readonly partner: string;
  /** `receive` for a decision on what that partner sent; absent: on what is sent to it. */
  readonly direction?: 'send' | 'receive';
}

const headlines: Readonly<Record<string, string>> = {
  send: 'Sent to',
  hold: 'Held, for',
  withhold: 'Withheld from',
  accept: 'Accepted from',
  refuse: 'Refused, from',
};

/**
 * Tells a decision in plain sentences, most important first: what and why, what else stood in the way, what each rule
 * asked for, what would change it, what leaves. Made of ids and codes alone: never an address, host or handle.
 */
export function explainDecision(decision: Decision, names: ExplainNames): string[] {
  const { effect, trace, change, disclosed } = decision;
  const head = names.direction === 'receive' && effect === 'hold' ? 'Held, from' : headlines[effect];
  const deciding = trace.find((step) => step.matched && step.effect === effect && ruleOf(step) === decision.rule);
  const code = decision.code === undefined ? '' : ` (${decision.code})`;
  const lines = [`${head} ${names.partner}: ${reason(deciding, decision)}${code}.`];
  for (const step of trace) {
    if (step.failed) lines.push(`${nameOf(step)} asked ${asked(step.failed)}; ${saidOf(step.failed)}.`);
    else if (step.matched && step !== deciding && isObjection(step)) lines.push(`Also: ${reason(step, decision)}.`);
  }
  if (change !== undefined) lines.push(change);
  if (disclosed !== undefined) lines.push(`${effect === 'send' ? 'Leaves' : 'Would leave'}: ${disclosed.join(', ')}.`);
  return lines;
}

/** The clauses a rule still asks for, as words for "rule X would send it if …". */
export function missing(clauses: readonly Clause[]): string {
  return clauses.map((clause) => `${clause.member} ${wish(clause)} (${saidOf(clause)})`).join(', and ');
}

/** A capital and a full stop around what was put together from parts. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function isObjection({ effect }: TraceStep): boolean {
  return effect === 'hold' || effect === 'withhold';
}

function ruleOf({ kind, id }: TraceStep): string {
  return kind === 'deny' ? `deny:${id}` : id;
}

function nameOf({ kind, id }: TraceStep): string {
  return `${kind === 'deny' ? 'Deny' : 'Rule'} ${id}`;
}

function reason(step: TraceStep | undefined, { rule, effect }: Decision): string {
  if (step?.note === undefined)
    return step?.kind === 'rule' ? `rule ${step.id} says ${step.effect}` : `${rule} decided to ${effect}`;
  const note = `${step.note.charAt(0).toLowerCase()}${step.note.slice(1)}`.replace(/\.$/, '');
  return step.kind === 'deny' ? `deny ${step.id}: ${note}` : note;
}

function asked({ member, wanted }: FailedClause): string {
  if (wanted.includes('*')) return `for any ${member}`;
  return wanted.length === 0 ? member : `${member} ${wanted.join(' or ')}`;
}

function wish({ wanted }: FailedClause): string {
  if (wanted.includes('*')) return 'were said';
  return wanted.length === 0 ? 'could be compared' : `were ${wanted.join(' or ')}`;
}

function saidOf({ member, found }: FailedClause): string {
  if (member === 'jurisdiction.destination') return `recorded for the partner: ${found.join(', ') || 'nothing'}`;
  if (member === 'partner.type') return `recorded for the partner: ${found.join(', ')}`;
  if (member === 'host') return 'the host of the address was compared';
  return `the reference says ${found.length > 0 ? found.join(', ') : 'nothing of it'}`;
}
