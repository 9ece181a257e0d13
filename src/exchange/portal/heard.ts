import type { Issuer } from '../../domain/contract.types.ts';
import type { ShownCase, ShownHold } from '../case/case-view.ts';
import { showCase } from '../case/show.ts';
import type { Exchange } from '../context.ts';
import type { ReferenceName } from '../record.ts';
import { MOST_REVISIONS } from './revisions.ts';

/** A hold as liaisons see it: whom to call and until when. What it is for is between the desk and who asks it by telephone. */
export type HeardHold = Omit<ShownHold, 'ground' | 'authority' | 'review' | 'audience'>;

/** What was said about a case, as liaisons see it. */
export type HeardCase = Omit<ShownCase, 'holds'> & { readonly holds: readonly HeardHold[] };

/** What was said about a case; undefined where nothing of it may be shown. */
export async function heardCase(exchange: Exchange, name: ReferenceName): Promise<HeardCase | undefined> {
  const shown = await showCase(exchange, name);
  return shown && forLiaisons(shown, exchange.self);
}

/**
 * What this node was told of holds, whoever the liaison is: who may see the case must not spoil an investigation by not knowing that
 * there is one. Of a hold that this node was not told of there is no trace, in the timeline neither. Feedback
 * is for the originator and for nobody it could be told on to: only what this organisation itself said stays. Of revisions as many as are told.
 */
export function forLiaisons(shown: ShownCase, self: Issuer): HeardCase {
  const heard = shown.holds.filter(({ audience }) => audience.includes(self));
  const hidden = new Set(shown.holds.filter((hold) => !heard.includes(hold)).map(({ desk }) => desk.by));
  const newest = shown.timeline.reduce((most, { revision = 0 }) => Math.max(most, revision), 0);
  return {
    ...shown,
    feedback: shown.feedback.filter(({ by }) => by === self),
    holds: heard.map(({ ground: _, authority: __, review: ___, audience: ____, ...hold }) => hold),
    timeline: shown.timeline
      .filter(({ event, by }) => !aboutHolds.has(event) || !by || !hidden.has(by))
      .filter(({ event, by }) => event !== 'feedback' || by === self)
      .filter(({ event, revision = newest }) => event !== 'revised' || revision > newest - MOST_REVISIONS),
  };
}

const aboutHolds: ReadonlySet<string> = new Set(['hold', 'hold-ended']);
