import { type Refusal, refuse } from '../../domain/refusal.ts';
import type { OperationAnswers } from '../../operator/operations.ts';
import type { ReachedNode, ValueOf } from '../reach.ts';

export type SimulatedPage = ValueOf<'policy.simulate'>;
export type SimulatedReference = SimulatedPage['items'][number];
export type Totals = Pick<SimulatedPage, 'send' | 'receive' | 'leftOut'>;

/** What a simulation is asked for; the rest of each call follows from the page before. */
export interface Simulation {
  readonly issuer: string;
  readonly document: object;
  readonly since?: string | undefined;
}

/**
 * Tries a draft page by page, each one call, so that a node that runs does everything else in between. Every page is asked
 * at the time of the first one; where the policy, a deny or the partner changes meanwhile, the pages do not add up and the
 * whole is refused.
 */
export async function* simulate(
  node: Pick<ReachedNode, 'call'>,
  wanted: Simulation,
): AsyncGenerator<SimulatedPage, readonly Refusal[] | undefined> {
  let first: SimulatedPage | undefined;
  let cursor: string | undefined;
  do {
    const from = first === undefined ? {} : { at: first.at, cursor };
    const answer: OperationAnswers['policy.simulate'] = await node.call('policy.simulate', { ...wanted, ...from });
    if (!answer.ok) return answer.refusals;
    const page = answer.value;
    first ??= page;
    if (page.basis !== first.basis) return [changedMeanwhile()];
    yield page;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return undefined;
}

function changedMeanwhile(): Refusal {
  const message = 'The policy in force, a deny or the partner was changed while the draft was tried.';
  return refuse('state-conflict', '', message, 'Try it again: the figures so far do not add up.');
}

/** Adds what a page counts to what the pages before it counted. */
export function addUp(one: Totals | undefined, other: Totals): Totals {
  if (one === undefined) return { send: other.send, receive: other.receive, leftOut: other.leftOut };
  const { send, receive } = one;
  return {
    send: {
      changes: sum(send.changes, other.send.changes),
      effects: sum(send.effects, other.send.effects),
      gained: sum(send.gained, other.send.gained),
      lost: sum(send.lost, other.send.lost),
      changed: sum(send.changed, other.send.changed),
      sentAndWouldNot: send.sentAndWouldNot + other.send.sentAndWouldNot,
    },
    receive: {
      changes: sum(receive.changes, other.receive.changes),
      effects: sum(receive.effects, other.receive.effects),
    },
    leftOut: one.leftOut + other.leftOut,
  };
}

function sum<Name extends string>(
  one: Readonly<Record<Name, number>>,
  other: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const added: Record<Name, number> = { ...one };
  for (const [name, count] of Object.entries<number>(other)) added[name as Name] = (added[name as Name] ?? 0) + count;
  return added;
}
