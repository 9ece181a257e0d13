/** A stored message's number, and when it came in (milliseconds since 1970). */
export interface Numbered {
  readonly n: number;
  readonly at: number;
}

/** First and last number of a run, both included. */
export type Run = readonly [first: number, last: number];

export interface Walk {
  /** Every number up to here is accounted for. */
  readonly floor: number;
  /** Holes that are older than the patience, and were passed. */
  readonly holes: readonly Run[];
}

/** A hole younger than this is messages that overtook each other (protocol, "An event"). */
export const HOLE_MS = 2 * 3_600_000;
/** A larger step of the numbers is told by itself, without asking for what is between. */
export const LARGEST_JUMP = 100_000;

/**
 * Walks up a partner's numbers from `floor`: what came in (ascending), and what the sender said will never come. Stops
 * before a hole that may still close, and passes one that is older than two hours: its age is counted from the arrival of the number after it.
 */
export function walkSequence(floor: number, came: readonly Numbered[], voided: readonly Run[], now: number): Walk {
  const holes: Run[] = [];
  let reached = passVoided(floor, voided);
  for (const { n, at } of came) {
    if (n <= reached) continue;
    if (n > reached + 1) {
      if (now - at <= HOLE_MS) break;
      holes.push(...withoutVoided([reached + 1, n - 1], voided));
    }
    reached = passVoided(n, voided);
  }
  return { floor: reached, holes };
}

/** Whether numbers that came together lead on from the highest before them by more than a lost message explains. */
export function jumps(highest: number, came: readonly number[]): boolean {
  let reached = highest;
  for (const n of [...came].sort((a, b) => a - b)) {
    if (n - reached > LARGEST_JUMP) return true;
    reached = Math.max(reached, n);
  }
  return false;
}

/** Whether a number may have been given, by the highest that came: somewhat more may be on its way. */
export function reachable(highest: number, n: number): boolean {
  return n <= highest + LARGEST_JUMP;
}

/** What is left of a hole when the numbers that the sender gave up are taken out of it. */
function withoutVoided(hole: Run, voided: readonly Run[]): Run[] {
  return voided.reduce<Run[]>(
    (left, [first, last]) =>
      left.flatMap(([from, to]): Run[] => {
        if (last < from || first > to) return [[from, to]];
        const rest: Run[] = [
          [from, first - 1],
          [last + 1, to],
        ];
        return rest.filter(([a, b]) => a <= b);
      }),
    [hole],
  );
}

function passVoided(from: number, voided: readonly Run[]): number {
  let reached = from;
  for (let moved = true; moved; ) {
    moved = false;
    for (const [first, last] of voided) {
      if (first > reached + 1 || last <= reached) continue;
      reached = last;
      moved = true;
    }
  }
  return reached;
}

/** Ascending numbers as runs; a number that comes twice counts once. */
export function runsOf(numbers: readonly number[]): Run[] {
  const runs: [number, number][] = [];
  for (const n of numbers) {
    const open = runs.at(-1);
    if (open && n <= open[1] + 1) open[1] = Math.max(open[1], n);
    else runs.push([n, n]);
  }
  return runs;
}

/** The first number from `from` on that neither came (ascending) nor was voided; one above `came` where all of them lead on. */
export function firstMissing(from: number, came: readonly number[], voided: readonly Run[]): number {
  let reached = passVoided(from - 1, voided);
  for (const n of came) {
    if (n <= reached) continue;
    if (n > reached + 1) break;
    reached = passVoided(n, voided);
  }
  return reached + 1;
}
