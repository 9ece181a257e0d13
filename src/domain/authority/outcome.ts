import type { Issuer } from '../contract.types.ts';
import { heldPen, type Pen } from './pen.ts';
import { ofEvent, type Statement, type StatementOf } from './statement.ts';

/** Outcomes, which only the holder of the pen sets. */
export const outcomes = ['removed', 'unavailable', 'not-illegal'] as const;
export type OutcomeAction = (typeof outcomes)[number];

/** What tells the host, or somebody who tells the host. */
const hostFacing: ReadonlySet<string> = new Set([
  ...['reported-to-isp', 'reported-to-registrar', 'reported-to-site-owner', 'reminder-sent', 'preservation-requested'],
]);
const seenOnline: ReadonlySet<string> = new Set(['online', 'reappeared']);
const gone: ReadonlySet<string> = new Set(['removed', 'unavailable']);

/** Who saw or did something, and when, in milliseconds since 1970. */
export interface Sighting {
  readonly at: number;
  readonly by: Issuer;
}

export interface Outcome extends Sighting {
  readonly action: OutcomeAction;
  /** When it was said, which may be later than when it was so. */
  readonly said: number;
}

/** One turn of the history: an outcome, or the reappearance that undid it. */
export interface Turn extends Sighting {
  readonly action: OutcomeAction | 'reappeared';
  readonly said: number;
}

export interface Course {
  /** The outcome that stands; none while it is open. */
  readonly outcome: Outcome | undefined;
  /** Removed, reappeared, removed: nothing of it is overwritten. */
  readonly history: readonly Turn[];
  readonly lastSeenOnline: Sighting | undefined;
  /** When the host was first told by anybody. */
  readonly hostTold: readonly Sighting[];
  /** When somebody first saw it gone or removed it. */
  readonly gone: readonly Sighting[];
  /** Outcomes that contradict the one that stands. */
  readonly contradictions: readonly Outcome[];
  /** Outcomes said by who did not hold the pen. */
  readonly withoutPen: readonly Outcome[];
  /** Seen online after the outcome that stands, without being called a reappearance. */
  readonly onlineAfter: readonly Sighting[];
}

type Act = StatementOf<'acted'>;

/**
 * What was done, seen and decided, in the order in which it happened. The first outcome stands until a reappearance, whoever
 * reports it; a second one that differs is shown as a contradiction. `log` as `readLog` gives it.
 */
export function outcomeOf(log: readonly Statement[], pen: Pen, observed: Sighting | undefined): Course {
  const acts = inTime(ofEvent(log, 'acted'));
  const facts = acts.filter(({ payload }) => payload.standing !== 'proposed');
  const sightings = (actions: ReadonlySet<string>) =>
    facts.filter(({ payload }) => actions.has(payload.action)).map(sightingOf);
  const online = [...(observed ? [observed] : []), ...sightings(seenOnline)];
  const { history, outcome, contradictions } = fold(acts.filter((act) => isReappearance(act) || isOutcome(act, pen)));
  const onlineFacts = sightings(new Set(['online']));
  return {
    outcome,
    history,
    contradictions,
    withoutPen: facts.filter((act) => isFinal(act) && !isOutcome(act, pen)).map(outcomeFrom),
    lastSeenOnline: online.sort(byTime).at(-1),
    hostTold: sightings(hostFacing),
    gone: sightings(gone),
    onlineAfter: outcome === undefined ? [] : onlineFacts.filter(({ at }) => at > outcome.at),
  };
}

/** Whether an action tells the host. */
export function tellsHost(action: string): boolean {
  return hostFacing.has(action);
}

/** Whether an action is one of the outcomes. */
export function isOutcomeAction(action: string): action is OutcomeAction {
  return (outcomes as readonly string[]).includes(action);
}

function fold(acts: readonly Act[]): Pick<Course, 'history' | 'outcome' | 'contradictions'> {
  const history: Turn[] = [];
  let outcome: Outcome | undefined;
  let contradictions: Outcome[] = [];
  for (const act of acts) {
    if (isReappearance(act)) {
      if (outcome !== undefined) history.push({ action: 'reappeared', ...sightingOf(act), said: act.said });
      outcome = undefined;
      contradictions = [];
    } else if (outcome === undefined) {
      outcome = outcomeFrom(act);
      history.push(outcome);
    } else if (outcome.action !== act.payload.action) contradictions.push(outcomeFrom(act));
  }
  return { history, outcome, contradictions };
}

function isReappearance({ payload }: Act): boolean {
  return payload.action === 'reappeared' && payload.standing !== 'proposed';
}

function isFinal({ payload }: Act): boolean {
  return payload.standing === 'final' && isOutcomeAction(payload.action);
}

/** What a party without a node told is a report, never the holder's own word. */
function isOutcome(act: Act, pen: Pen): boolean {
  return isFinal(act) && act.payload.toldBy === undefined && heldPen(pen, act.by, act.said);
}

function outcomeFrom(act: Act): Outcome {
  return { action: act.payload.action as OutcomeAction, ...sightingOf(act), said: act.said };
}

function sightingOf(act: Act): Sighting {
  return { at: happened(act), by: act.by };
}

/** Nothing happened after it was said: an instant ahead would decide everything that comes later. */
function happened({ payload, said }: Act): number {
  return Math.min(Date.parse(payload.at), said);
}

/** What happened in the same second counts as reappeared: what may be online is not closed. */
function inTime(acts: readonly Act[]): Act[] {
  return [...acts].sort(
    (a, b) => happened(a) - happened(b) || Number(isReappearance(a)) - Number(isReappearance(b)) || a.said - b.said,
  );
}

function byTime(a: Sighting, b: Sighting): number {
  return a.at - b.at || (a.by < b.by ? -1 : 1);
}
