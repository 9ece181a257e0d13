import type { Clause } from './clause.ts';
import type { ComparedClause, Decision, TraceStep } from './decision.ts';

/** Whom the lines are about. The names are the caller's to clean: that of the partner came from its card. */
export interface ExplainContext {
  readonly partner: string;
  /** `receive` for a decision on what that partner sent; absent: on what is sent to it. */
  readonly direction?: 'send' | 'receive';
  /** Who decided in the place of a rule, where a person did. */
  readonly by?: string;
}

const headlines: Readonly<Record<string, string>> = {
  send: 'Sent to',
  hold: 'Held, for',
  withhold: 'Withheld from',
  accept: 'Accepted from',
  refuse: 'Refused, from',
};

/**
 * Tells a decision in plain sentences, one a line, most important first: what and why, what else stood in the way, what
 * each rule asked for and the deciding one compared, what would change it, what leaves. Made of ids and codes alone: never
 * an address, host or handle.
 */
export function explainDecision(decision: Decision, context: ExplainContext): string[] {
  const { effect, trace, change, disclosed } = decision;
  const head = context.direction === 'receive' && effect === 'hold' ? 'Held, from' : headlines[effect];
  const deciding = trace.find((step) => step.matched && ruleOf(step) === decision.rule);
  const byPerson = context.by !== undefined || (deciding?.effect !== undefined && deciding.effect !== effect);
  const code = decision.code === undefined || byPerson ? '' : ` (${decision.code})`;
  const why = byPerson ? `${context.by ?? 'a person'} decided so` : reason(deciding, decision);
  const lines = [`${head} ${context.partner}: ${why}${code}.`];
  for (const step of trace) {
    if (step.failed) lines.push(`${nameOf(step)} asked ${asked(step.failed)}; ${saidOf(step.failed)}.`);
    else if (step.matched && isTold(step, byPerson ? undefined : deciding))
      lines.push(`Also: ${reason(step, decision)}.`);
    if (step.compared && step.compared.length > 0) lines.push(`${nameOf(step)} matched: ${matchOf(step.compared)}.`);
  }
  // What would turn a rule's decision does not turn that of a person.
  if (change !== undefined && !byPerson) lines.push(change);
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

/** Objections are always told; the rule that a person overruled is too, whatever it said. */
function isTold(step: TraceStep, deciding: TraceStep | undefined): boolean {
  if (step === deciding) return false;
  return step.effect === 'hold' || step.effect === 'withhold' || (deciding === undefined && step.kind === 'rule');
}

function matchOf(compared: readonly ComparedClause[]): string {
  return compared.map((clause) => `${saidOf(clause)} (asked ${asked(clause)})`).join('; ');
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

function asked({ member, wanted }: ComparedClause): string {
  if (wanted.includes('*')) return `for any ${member}`;
  return wanted.length === 0 ? member : `${member} ${wanted.join(' or ')}`;
}

function wish({ wanted }: ComparedClause): string {
  if (wanted.includes('*')) return 'were said';
  return wanted.length === 0 ? 'could be compared' : `were ${wanted.join(' or ')}`;
}

function saidOf({ member, found }: ComparedClause): string {
  if (member === 'jurisdiction.destination') return `recorded for the partner: ${found.join(', ') || 'nothing'}`;
  if (member === 'partner.type') return `recorded for the partner: ${found.join(', ')}`;
  if (member === 'host') return 'the host of the address was compared';
  return `the reference says ${found.length > 0 ? found.join(', ') : 'nothing of it'}`;
}
