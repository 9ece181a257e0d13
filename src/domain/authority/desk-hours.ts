import type { Desk } from '../contract.types.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Hours until a deadline where the policy names none. */
const WITHIN_HOURS = 24;
/** A desk that is staffed a minute a week has a deadline all the same: the latest there is, in days. */
const FURTHEST_DAYS = 3660;
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** How far local time is ahead of UTC at an instant, both in milliseconds. */
export type OffsetAt = (instant: number) => number;

/** How long a desk has to answer, and when it is staffed: `clearance` of the policy of the partner that is asked. */
export interface Answering {
  readonly withinHours?: number;
  readonly desk?: Desk;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * The instant by which a desk has to answer what it is asked at `asked` (milliseconds since 1970, as the result is): so many hours in
 * which it is staffed, by its own clock and through changes of summer time; every hour counts where no hours are
 * recorded. `offsetAt` is that of the desk's time zone.
 */
export function deadlineOf(asked: number, { withinHours = WITHIN_HOURS, desk }: Answering, offsetAt: OffsetAt): number {
  let left = withinHours * HOUR;
  if (desk === undefined) return asked + left;
  const first = Math.floor((asked + offsetAt(asked)) / DAY);
  // The evening before may still be running where days overlap at a change of the clock.
  for (let day = first - 1; day < first + FURTHEST_DAYS; day += 1) {
    for (const { from, to } of spansOf(desk, day, offsetAt)) {
      const begin = Math.max(from, asked);
      if (to <= begin) continue;
      if (to - begin >= left) return begin + left;
      left -= to - begin;
    }
  }
  return asked + FURTHEST_DAYS * DAY;
}

/** When a desk is staffed on a local day, counted from 1970-01-01, in their order and joined where they overlap. */
function spansOf({ hours }: Desk, day: number, offsetAt: OffsetAt): Span[] {
  const weekday = weekdays[new Date(day * DAY).getUTCDay()];
  const spans = hours
    .filter(({ days }) => days.some((name) => name === weekday))
    .map(({ from, to }) => ({
      from: instantOf(day * DAY + minutesOf(from) * MINUTE, offsetAt),
      to: instantOf(day * DAY + minutesOf(to) * MINUTE, offsetAt),
    }))
    .sort((a, b) => a.from - b.from);
  const joined: Span[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last === undefined || span.from > last.to) joined.push(span);
    else joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
  }
  return joined;
}

/** The minute of the day that a time of day names. */
export function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

/** The instant at which a clock shows a local time; what it skips comes as much later, what it shows twice is the first. */
function instantOf(local: number, offsetAt: OffsetAt): number {
  const guess = local - offsetAt(local - offsetAt(local));
  const earlier = local - offsetAt(guess - 3 * HOUR);
  return earlier + offsetAt(earlier) === local ? earlier : guess;
}
