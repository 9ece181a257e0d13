/** After this many failures in a row a partner is left alone for a while. */
const THRESHOLD = 5;
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 5 * 60_000;
/**
 * What a partner may ask for the whole line. Each message keeps the pause that was asked for it; recalls and receipts, which a
 * full quota never stops, must not wait for longer behind it.
 */
const LONGEST_HOLD_MS = 5 * 60_000;

/** A place for one attempt. */
export interface Place {
  /** Gives it back, whatever the attempt came to. */
  leave(): void;
}

/**
 * A circuit breaker for each partner: closed while attempts succeed, open for a growing pause after failures in a row,
 * then half-open: one probe at a time decides. Kept for this process only. Times in milliseconds are arguments.
 */
export interface Breaker {
  /** How many attempts may begin now: any number, one (half-open) or none (open, or a probe is under way). */
  allowance(partner: string, now: number): number;
  /** Takes a place for an attempt that begins now, `despitePause` even while the breaker is open; undefined where none is free. */
  enter(partner: string, now: number, despitePause?: boolean): Place | undefined;
  /** Ends when the probe that is under way has ended; at once where there is none. */
  probed(partner: string): Promise<void>;
  succeeded(partner: string): void;
  /** `askedMs`: how long the partner asked to be left alone; counted up to an hour, from the moment the breaker opens. */
  failed(partner: string, now: number, askedMs?: number): void;
  /** Ends a pause now: a person says that the partner is back, and one probe decides. */
  tryNow(partner: string): void;
  /** When the pause of an open breaker ends; undefined where there is none. */
  shutUntil(partner: string, now: number): number | undefined;
}

interface State {
  readonly failures: number;
  readonly pauses: number;
  readonly until: number;
}

export function createBreaker(): Breaker {
  const states = new Map<string, State>();
  const probes = new Map<string, PromiseWithResolvers<void>>();

  /** Whether attempts of this partner go one at a time. */
  const isDoubted = (partner: string): boolean => (states.get(partner)?.pauses ?? 0) > 0;
  const isShut = (partner: string, now: number): boolean => now < (states.get(partner)?.until ?? 0);

  function probe(partner: string): Place {
    const under = Promise.withResolvers<void>();
    probes.set(partner, under);
    return {
      leave() {
        if (probes.get(partner) === under) probes.delete(partner);
        under.resolve();
      },
    };
  }

  return {
    allowance(partner, now) {
      if (!isDoubted(partner)) return Number.POSITIVE_INFINITY;
      return isShut(partner, now) || probes.has(partner) ? 0 : 1;
    },
    enter(partner, now, despitePause = false) {
      if (!isDoubted(partner)) return { leave: () => undefined };
      if (probes.has(partner) || (isShut(partner, now) && !despitePause)) return undefined;
      return probe(partner);
    },
    probed: (partner) => probes.get(partner)?.promise ?? Promise.resolve(),
    tryNow(partner) {
      const state = states.get(partner);
      if (state) states.set(partner, { ...state, until: 0 });
    },
    shutUntil(partner, now) {
      return isDoubted(partner) && isShut(partner, now) ? states.get(partner)?.until : undefined;
    },
    succeeded(partner) {
      states.delete(partner);
    },
    failed(partner, now, askedMs = 0) {
      const { failures, pauses, until } = states.get(partner) ?? { failures: 0, pauses: 0, until: 0 };
      const hold = Math.min(LONGEST_HOLD_MS, askedMs);
      // Posts that were under way when the breaker opened belong to the same outage: one pause for all of them.
      if (pauses > 0 && now < until) {
        states.set(partner, { failures, pauses, until: Math.max(until, now + hold) });
      } else if (failures + 1 < THRESHOLD) {
        states.set(partner, { failures: failures + 1, pauses, until });
      } else {
        const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(pauses, 20));
        states.set(partner, { failures: failures + 1, pauses: pauses + 1, until: now + Math.max(pause, hold) });
      }
    },
  };
}
