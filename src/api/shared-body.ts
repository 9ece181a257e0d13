import type { Exchange } from '../exchange/context.ts';
import { callsFor } from '../exchange/emergency-call.ts';
import type { Shared } from '../exchange/sharing.ts';
import { type Sight, shown } from '../exchange/view.ts';

/** Where an own reference stands beside what it says. */
export interface Standing {
  readonly state: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** The body that answers a submission or revision. */
export async function sharedBody(exchange: Exchange, answer: Shared, standing: Standing, sight: Sight) {
  const calls = callsFor(await exchange.directory.current(), answer.reference, answer.decisions);
  const { id, reference, decisions, duplicates, duplicateAnswer, normalised } = answer;
  return {
    reference: { originator: exchange.self, id, direction: 'out', ...standing, ...shown(reference, sight) },
    decisions: decisions.map(({ partner, decision }) => ({ partner, ...decision })),
    duplicates,
    duplicateAnswer,
    normalised,
    ...(calls.length > 0 && { calls }),
  };
}

export function eTag(revision: number): string {
  return `"${revision}"`;
}
