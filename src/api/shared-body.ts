import type { Exchange } from '../exchange/context.ts';
import type { Shared } from '../exchange/sharing.ts';
import { type Sight, shown } from '../exchange/view.ts';

/** Where an own reference stands beside what it says. */
export interface Standing {
  readonly state: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** The body that answers a submission or revision. */
export function sharedBody(exchange: Exchange, answer: Shared, standing: Standing, sight: Sight) {
  const { id, reference, decisions, duplicates, normalised } = answer;
  return {
    reference: { originator: exchange.self, id, direction: 'out', ...standing, ...shown(reference, sight) },
    decisions: decisions.map(({ partner, decision }) => ({ partner, ...decision })),
    duplicates,
    normalised,
  };
}

export function eTag(revision: number): string {
  return `"${revision}"`;
}
