import type { ReceiveEffect, SendEffect } from '../domain/decision.ts';
import { countChanges, type DecisionChange, type DecisionComparison } from '../domain/simulate.ts';

/** A reference that the draft decides otherwise. Codes and ids alone: never an address. */
export interface SimulatedReference {
  readonly originator: string;
  readonly id: string;
  readonly direction: 'in' | 'out';
  readonly category: string;
  /** Hosting first, then the countries concerned. */
  readonly countries: readonly string[];
  readonly change: DecisionChange;
  readonly before: Ruled;
  readonly after: Ruled;
  readonly gained?: readonly string[];
  readonly lost?: readonly string[];
  readonly changed?: readonly string[];
  /** Whether a message about it has in fact left for the partner. */
  readonly sent?: boolean;
}

export interface Ruled {
  readonly effect: SendEffect | ReceiveEffect;
  readonly rule: string;
}

/** What a page of references adds to the totals. */
export interface SimulatedCounts {
  readonly send: {
    readonly changes: Readonly<Record<DecisionChange, number>>;
    /** What the draft would decide. */
    readonly effects: Readonly<Record<SendEffect, number>>;
    /** Members of references whose decision stays and whose disclosure changes. */
    readonly gained: Readonly<Record<string, number>>;
    readonly lost: Readonly<Record<string, number>>;
    readonly changed: Readonly<Record<string, number>>;
    /** Have in fact left, and would not under the draft. */
    readonly sentAndWouldNot: number;
  };
  readonly receive: {
    readonly changes: Readonly<Record<DecisionChange, number>>;
    readonly effects: Readonly<Record<ReceiveEffect, number>>;
  };
  /** Withdrawn, restricted, erased or unreadable: nothing can be decided on them. */
  readonly leftOut: number;
}

export interface Simulated {
  readonly told: SimulatedReference;
  readonly comparison: DecisionComparison;
}

/** Adds up one page; nothing stands in the place of a reference that could not be decided on. */
export function countAll(tried: readonly (Simulated | undefined)[]): SimulatedCounts {
  const decided = tried.filter((one) => one !== undefined);
  const own = decided.filter(({ told }) => told.direction === 'out');
  const received = decided.filter(({ told }) => told.direction === 'in');
  const altered = own.flatMap(({ comparison }) => (comparison.change === 'disclosure' ? [comparison] : []));
  return {
    send: {
      changes: countChanges(own.map(({ comparison }) => comparison)),
      effects: countEffects(own, ['send', 'hold', 'withhold']),
      gained: countMembers(altered.map(({ gained }) => gained)),
      lost: countMembers(altered.map(({ lost }) => lost)),
      changed: countMembers(altered.map(({ changed }) => changed)),
      sentAndWouldNot: own.filter(({ told }) => wouldNot(told)).length,
    },
    receive: {
      changes: countChanges(received.map(({ comparison }) => comparison)),
      effects: countEffects(received, ['accept', 'hold', 'refuse']),
    },
    leftOut: tried.length - decided.length,
  };
}

/** What a person sent, or an older policy did, is not the draft's doing where the draft changes nothing about it. */
function wouldNot({ sent, change, after }: SimulatedReference): boolean {
  return sent === true && after.effect !== 'send' && change !== 'same';
}

function countEffects<Effect extends string>(
  tried: readonly Simulated[],
  effects: readonly Effect[],
): Record<Effect, number> {
  const counts = Object.fromEntries(effects.map((effect) => [effect, 0])) as Record<string, number>;
  for (const { told } of tried) counts[told.after.effect] = (counts[told.after.effect] ?? 0) + 1;
  return counts as Record<Effect, number>;
}

function countMembers(lists: readonly (readonly string[])[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const member of lists.flat()) counts[member] = (counts[member] ?? 0) + 1;
  return counts;
}
