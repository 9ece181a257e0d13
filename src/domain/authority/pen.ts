import type { Issuer } from '../contract.types.ts';
import { type Refusal, refuse } from '../refusal.ts';
import { ofEvent, SKEW, type Statement, type StatementOf } from './statement.ts';

const HOUR = 3_600_000;
/** How long an offer waits for its answer, and an acceptance for its confirmation. */
const ANSWER_WITHIN = 72 * HOUR;

type Step = StatementOf<'handover'>;

/** One offer of the pen and what became of it; times in milliseconds since 1970. */
export interface Offer {
  readonly jtis: readonly string[];
  readonly giver: Issuer;
  readonly to: Issuer;
  readonly offeredAt: number;
  readonly acceptedAt?: number;
  /** End of the offer, or of an acceptance that waits to be confirmed. */
  readonly until: number;
  readonly state: 'offered' | 'accepted' | 'declined' | 'confirmed' | 'returned' | 'lapsed';
}

/** A time in which an organisation held the pen; `until` is absent while it does. */
export interface PenSpan {
  readonly holder: Issuer;
  readonly from: number;
  readonly until?: number;
}

export interface Pen {
  /** Who holds it: one, but for a pen-conflict. */
  readonly holders: readonly Issuer[];
  readonly spans: readonly PenSpan[];
  readonly offers: readonly Offer[];
  /** Offers that wait for an answer or for their confirmation. */
  readonly pending: readonly Offer[];
  /** Who has answered an offer that is not known here: it may still arrive. */
  readonly expectant: readonly Issuer[];
  readonly returns: number;
  /** Returned twice and taken by nobody since. */
  readonly unplaced: boolean;
}

interface Move {
  readonly at: number;
  readonly back: boolean;
  readonly offer: Offer;
}

interface Course {
  readonly offer: Omit<Offer, 'state' | 'until'>;
  readonly answerBy: number;
  readonly steps: Step[];
}

/**
 * Who holds the pen (rule 1). The originator does, until a hand-over was offered, accepted in time and confirmed; a declined or
 * lapsed one never moved it. Returned, it goes back to its giver. `log` as `readLog` gives it; `now` only decides what has lapsed.
 */
export function penOf(log: readonly Statement[], originator: Issuer, now: number): Pen {
  const { courses, expectant } = courseOf(ofEvent(log, 'handover'));
  const settled = courses.map((course) => settle(course, now));
  const { spans, returns, last } = walk(
    settled.flatMap(({ moves }) => moves),
    originator,
  );
  const holders = spans.filter(({ until }) => until === undefined).map(({ holder }) => holder);
  const offers = settled.map(({ offer }) => offer);
  return {
    holders: [...new Set(holders)].sort(),
    spans,
    offers,
    pending: offers.filter((offer) => isWaiting(offer) && heldPen({ spans }, offer.giver, offer.offeredAt)),
    expectant,
    returns,
    unplaced: returns >= 2 && last?.back === true,
  };
}

/** Whether an organisation held the pen when it said something. It lets go by its own clock, and gets it by another's. */
export function heldPen({ spans }: Pick<Pen, 'spans'>, issuer: Issuer, said: number): boolean {
  return spans.some(
    ({ holder, from, until }) => holder === issuer && said >= from - SKEW && (until === undefined || said <= until),
  );
}

/** Whether an organisation may speak as the holder: it is one, or what it said before it let go has only now arrived. */
export function speaksAsHolder({ spans }: Pick<Pen, 'spans'>, issuer: Issuer, said: number): boolean {
  return spans.some(
    ({ holder, from, until }) => holder === issuer && (until === undefined || (said >= from - SKEW && said < until)),
  );
}

/** The refusal of who is no holder: `handover-pending` where it was offered the pen, or says that it accepted it. */
export function refuseNonHolder({ pending, expectant }: Pen, issuer: Issuer, at: string): Refusal {
  const soon = pending.some(({ to }) => to === issuer) || expectant.includes(issuer);
  if (soon) return refuse('handover-pending', at);
  // Only what was done or seen can be said otherwise by who has no pen.
  const next = at === '/standing' ? undefined : 'Leave it to the holder: caseref reference show ID says who that is.';
  return refuse('not-assignee', at, undefined, next);
}

/** The offer that a step belongs to: by jti where that is known here, else the latest one between the same parties. */
export function offerOf(offers: readonly Offer[], { by, said, payload }: Step): Offer | undefined {
  const named = offers.find(({ jtis }) => payload.accepts !== undefined && jtis.includes(payload.accepts));
  return (
    named ??
    latest(
      offers.filter((offer) => fits(offer, by, payload)),
      said,
      (offer) => offer,
    )
  );
}

/** The latest that was offered by then. One that a clock ahead offered counts where there is no other: it may be the next one. */
function latest<One>(
  ones: readonly One[],
  said: number,
  offerIn: (one: One) => Pick<Offer, 'offeredAt'>,
): One | undefined {
  const by = (end: number) => (one: One) => offerIn(one).offeredAt <= end;
  return ones.findLast(by(said)) ?? ones.find(by(said + SKEW));
}

function isWaiting({ state }: Offer): boolean {
  return state === 'offered' || state === 'accepted';
}

type Parties = Pick<Offer, 'giver' | 'to'>;

function fits({ giver, to }: Parties, by: Issuer, payload: Step['payload']): boolean {
  if (payload.step === 'confirmed') return giver === by && (payload.to ?? to) === to;
  return to === by;
}

/** Sorts the steps to their offers; steps of strangers to an offer belong to none. */
function courseOf(steps: readonly Step[]): { courses: Course[]; expectant: Issuer[] } {
  const courses = steps.flatMap((step): Course[] => {
    const { step: kind, to, answerBy } = step.payload;
    if (kind !== 'offered' || to === undefined || to === step.by) return [];
    const latest = step.said + ANSWER_WITHIN;
    const asked = answerBy === undefined ? latest : Date.parse(answerBy);
    const offer = { jtis: step.jtis, giver: step.by, to, offeredAt: step.said };
    return [{ offer, answerBy: Math.min(asked, latest), steps: [] }];
  });
  const expectant: Issuer[] = [];
  for (const step of steps) {
    if (step.payload.step === 'offered') continue;
    const course = courseFor(courses, step, steps);
    if (course) course.steps.push(step);
    else if (step.payload.step === 'accepted') expectant.push(step.by);
  }
  return { courses, expectant: [...new Set(expectant)].sort() };
}

function courseFor(courses: readonly Course[], step: Step, all: readonly Step[]): Course | undefined {
  const { accepts } = step.payload;
  if (accepts !== undefined) {
    const answer = all.find(({ jtis, payload }) => payload.step === 'accepted' && jtis.includes(accepts));
    const names = [accepts, answer?.payload.accepts];
    const named = courses.find(({ offer }) => offer.jtis.some((jti) => names.includes(jti)));
    if (named) return fits(named.offer, step.by, step.payload) ? named : undefined;
  }
  const fitting = courses.filter(({ offer }) => fits(offer, step.by, step.payload));
  return latest(fitting, step.said, ({ offer }) => offer);
}

function settle({ offer, answerBy, steps }: Course, now: number): { offer: Offer; moves: Move[] } {
  const first = (kind: string) => steps.find(({ payload }) => payload.step === kind);
  const answer = steps.find(({ payload }) => payload.step === 'accepted' || payload.step === 'declined');
  const accepted = answer?.payload.step === 'accepted' && answer.said <= answerBy + SKEW;
  const ended = (state: Offer['state'], until: number, moves: Move[] = []) => ({
    offer: { ...offer, ...(accepted && { acceptedAt: answer.said }), until, state },
    moves,
  });
  if (answer?.payload.step === 'declined') return ended('declined', answer.said);
  if (answer === undefined || !accepted)
    return ended(answer === undefined && now <= answerBy ? 'offered' : 'lapsed', answerBy);
  const confirmBy = answer.said + ANSWER_WITHIN;
  const confirmed = first('confirmed');
  if (confirmed === undefined || confirmed.said > confirmBy + SKEW)
    return ended(confirmed === undefined && now <= confirmBy ? 'accepted' : 'lapsed', confirmBy);
  const whole: Offer = { ...offer, acceptedAt: answer.said, until: confirmBy, state: 'confirmed' };
  const given: Move = { at: Math.max(confirmed.said, answer.said), back: false, offer: whole };
  const returned = first('returned');
  if (returned === undefined) return { offer: whole, moves: [given] };
  const back: Move = { at: Math.max(returned.said, given.at), back: true, offer: whole };
  return ended('returned', confirmBy, [given, back]);
}

/**
 * Applies the moves in turn. One whose giver does not hold the pen yet waits for the move that brings it there, so that two
 * hand-overs of one second, or of two clocks, are read in the only order in which both can be true.
 */
function walk(moves: readonly Move[], originator: Issuer) {
  const spans: { holder: Issuer; from: number; until?: number }[] = [{ holder: originator, from: 0 }];
  const waiting = inTurn(moves);
  let returns = 0;
  let last: Move | undefined;
  const open = (holder: Issuer) => spans.find((span) => span.holder === holder && span.until === undefined);
  // A giver that has let go already gives twice: then both hold it, and everybody sees the conflict.
  const mayMove = ({ back, offer: { giver, to, offeredAt } }: Move) =>
    back ? open(to) !== undefined : open(giver) !== undefined || heldPen({ spans }, giver, offeredAt);
  for (let at = waiting.findIndex(mayMove); at >= 0; at = waiting.findIndex(mayMove)) {
    const [move] = waiting.splice(at, 1);
    if (move === undefined) break;
    const { giver, to } = move.offer;
    const [from, next] = move.back ? [to, giver] : [giver, to];
    const held = open(from);
    const when = Math.max(move.at, held?.from ?? 0);
    if (held) held.until = when;
    if (!open(next)) spans.push({ holder: next, from: when });
    returns += move.back ? 1 : 0;
    last = move;
  }
  return { spans, returns, last };
}

/** A hand-over and its return said in the same second stay in that order. */
function inTurn(moves: readonly Move[]): Move[] {
  return [...moves].sort(
    (a, b) => a.at - b.at || a.offer.offeredAt - b.offer.offeredAt || Number(a.back) - Number(b.back),
  );
}
