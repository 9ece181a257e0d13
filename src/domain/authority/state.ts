import type { Issuer, Jurisdiction } from '../contract.types.ts';
import { type Clearance, clearanceOf } from './clearance.ts';
import { type HoldSpan, holdsOf, inForce } from './hold.ts';
import { type Course, outcomeOf, type Sighting } from './outcome.ts';
import type { PartyOf } from './party.ts';
import { type Pen, penOf } from './pen.ts';
import { ofEvent, readLog, type Statement } from './statement.ts';

/** What is known of a reference beside what was said about it. */
export interface CaseSubject {
  readonly originator: Issuer;
  readonly places?: Jurisdiction;
  /** `observedAt` of the reference: when its originator last saw it online; milliseconds since 1970. */
  readonly observedAt?: number;
  readonly partyOf: PartyOf;
}

/** What people must sort out between them; nothing here is decided silently. */
export const conflictKinds = [
  'pen-conflict',
  'contradictory-outcomes',
  'outcome-without-pen',
  'online-after-outcome',
  'contradictory-clearance',
  'host-told-under-hold',
] as const;
export type ConflictKind = (typeof conflictKinds)[number];

export interface Conflict {
  readonly kind: ConflictKind;
  /** The organisations that it is between. */
  readonly between: readonly Issuer[];
}

/** Where a reference stands; the same for every order in which its events arrive. Times in milliseconds since 1970. */
export interface CaseState extends Pick<Course, 'outcome' | 'history' | 'lastSeenOnline' | 'hostTold'> {
  readonly pen: Pen;
  /** Every hold, ended ones too. */
  readonly holds: readonly HoldSpan[];
  /** Those in force now, binding ones and advisory ones. */
  readonly held: readonly HoldSpan[];
  readonly clearance: Clearance;
  /** When it was gone although clearance had been asked and not given: the pain that is counted. */
  readonly goneBeforeClearance: number | undefined;
  readonly acknowledged: readonly (Sighting & { readonly said: number })[];
  readonly conflicts: readonly Conflict[];
}

/**
 * Reduces the log of one reference to where it stands at `now` (milliseconds since 1970); pure and total. The same set of events in any
 * order, with any repetition, gives the same state.
 */
export function caseState(subject: CaseSubject, log: readonly Statement[], now: number): CaseState {
  const read = readLog(log);
  const { originator, places, observedAt, partyOf } = subject;
  const pen = penOf(read, originator, now);
  const clearance = clearanceOf(read, partyOf, now);
  const holds = holdsOf(read, { places, partyOf, lateRefusals: clearance.lateRefusals });
  const seen = observedAt === undefined ? undefined : { at: observedAt, by: originator };
  const course = outcomeOf(read, pen, seen);
  return {
    pen,
    outcome: course.outcome,
    history: course.history,
    lastSeenOnline: course.lastSeenOnline,
    hostTold: course.hostTold,
    holds,
    held: inForce(holds, now),
    clearance,
    goneBeforeClearance: goneWhileAsked(clearance, course, now),
    acknowledged: ofEvent(read, 'acknowledged').map(({ by, said, payload }) => ({
      by,
      said,
      at: Date.parse(payload.at),
    })),
    conflicts: conflictsOf({ pen, clearance, holds, course }),
  };
}

/** Whether a hold that binds is in force. */
export function isHeld({ held }: Pick<CaseState, 'held'>): boolean {
  return held.some(({ binding }) => binding);
}

/**
 * The one word that a face shows. An outcome comes first; then a hold, since who acts must see it; then that nobody has the case.
 * Whether the reference itself is held, sealed or purged stands above all of these and is not of the case.
 */
export function faceState(
  state: CaseState,
): 'open' | 'on-hold' | 'unplaced' | 'removed' | 'unavailable' | 'not-illegal' {
  if (state.outcome !== undefined) return state.outcome.action;
  if (isHeld(state)) return 'on-hold';
  return state.pen.unplaced ? 'unplaced' : 'open';
}

function goneWhileAsked(
  { firstAskedAt: askedAt, answeredAt }: Clearance,
  { gone }: Course,
  now: number,
): number | undefined {
  if (askedAt === undefined) return undefined;
  return gone.find(({ at }) => at >= askedAt && at <= (answeredAt ?? now))?.at;
}

interface Parts {
  readonly pen: Pen;
  readonly clearance: Clearance;
  readonly holds: readonly HoldSpan[];
  readonly course: Course;
}

function conflictsOf({ pen, clearance, holds, course }: Parts): Conflict[] {
  const { outcome, contradictions, withoutPen, onlineAfter, hostTold } = course;
  const against = (found: readonly Sighting[]) =>
    outcome === undefined || found.length === 0 ? [] : [outcome.by, ...found.map(({ by }) => by)];
  const binding = holds.filter((hold) => hold.binding);
  const told = hostTold.filter(({ at }) => binding.some(({ since, until }) => at > since && at < until));
  return [
    conflict('pen-conflict', pen.holders.length > 1 ? pen.holders : []),
    conflict('contradictory-outcomes', against(contradictions)),
    conflict(
      'outcome-without-pen',
      withoutPen.map(({ by }) => by),
    ),
    conflict('online-after-outcome', against(onlineAfter)),
    conflict(
      'contradictory-clearance',
      clearance.contradicted && clearance.answeredBy ? [clearance.answeredBy.by] : [],
    ),
    conflict(
      'host-told-under-hold',
      told.map(({ by }) => by),
    ),
  ].flat();
}

function conflict(kind: ConflictKind, between: readonly Issuer[]): Conflict[] {
  return between.length === 0 ? [] : [{ kind, between: [...new Set(between)].sort() }];
}
