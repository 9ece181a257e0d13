import type { Decision } from './decision.ts';
import { sameContent } from './reference.ts';

/**
 * How one decision would turn under a draft: to sent or accepted, away from it, into the queue of a person, out of it
 * unsent; or, where the effect stays, in what leaves; or not at all.
 */
export const decisionChanges = [
  'newly-sent',
  'no-longer-sent',
  'newly-held',
  'no-longer-held',
  'disclosure',
  'same',
] as const;
export type DecisionChange = (typeof decisionChanges)[number];

export interface DecisionComparison {
  readonly change: DecisionChange;
  /** Members of the reference that would leave and did not, sorted. */
  readonly gained: readonly string[];
  /** Members that left and would not, sorted. */
  readonly lost: readonly string[];
  /** Members that leave before and after and would say something else; only where the contents were given. */
  readonly changed: readonly string[];
}

/** What leaves by each decision, where both are `send`: see `previewDisclosure`. */
export interface ComparedContents {
  readonly before: object;
  readonly after: object;
}

const open = new Set(['send', 'accept']);

/**
 * Compares a stored decision with that of a draft on the same reference. Pure. `before` is absent where nothing was
 * decided yet: that counts as not sent. A held one leaves nothing, whatever it says would leave.
 */
export function compareDecisions(
  before: Decision | undefined,
  after: Decision,
  contents?: ComparedContents,
): DecisionComparison {
  const left = leaving(before);
  const leaves = leaving(after);
  const gained = leaves.filter((member) => !left.includes(member)).sort();
  const lost = left.filter((member) => !leaves.includes(member)).sort();
  const changed = contents ? changedMembers(contents) : [];
  const turn = turnOf(before?.effect, after.effect);
  const differs = gained.length + lost.length + changed.length > 0;
  return { change: turn ?? (differs ? 'disclosure' : 'same'), gained, lost, changed };
}

/** Counts comparisons by their change; every change is in it, 0 where there is none. */
export function countChanges(
  comparisons: Iterable<Pick<DecisionComparison, 'change'>>,
): Record<DecisionChange, number> {
  const counts = Object.fromEntries(decisionChanges.map((change) => [change, 0])) as Record<DecisionChange, number>;
  for (const { change } of comparisons) counts[change] += 1;
  return counts;
}

function leaving(decision: Decision | undefined): readonly string[] {
  return decision?.effect === 'send' ? (decision.disclosed ?? []) : [];
}

function turnOf(before: Decision['effect'] | undefined, after: Decision['effect']): DecisionChange | undefined {
  const wasOpen = before !== undefined && open.has(before);
  if (open.has(after)) return wasOpen ? undefined : 'newly-sent';
  if (wasOpen) return 'no-longer-sent';
  if (after === 'hold') return before === 'hold' ? undefined : 'newly-held';
  return before === 'hold' ? 'no-longer-held' : undefined;
}

function changedMembers({ before, after }: ComparedContents): string[] {
  const later = new Map(Object.entries(after));
  return Object.entries(before)
    .filter(([member, value]) => later.has(member) && !sameContent(value, later.get(member)))
    .map(([member]) => member)
    .sort();
}
