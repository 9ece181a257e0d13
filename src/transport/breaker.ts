/** After this many failures in a row a partner is left alone for a while. */
const THRESHOLD = 5;
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 5 * 60_000;

/**
 * A circuit breaker for each partner: closed while attempts succeed, open for a growing pause after failures in a row,
 * then half-open: one probe at a time decides. Kept for this process only. Times in milliseconds are arguments.
 */
export interface Breaker {
  /** How many attempts may be under way now: any number, one (half-open) or none (open). */
  allowance(partner: string, now: number): number;
  succeeded(partner: string): void;
  failed(partner: string, now: number): void;
}

export function createBreaker(): Breaker {
  const states = new Map<string, { failures: number; pauses: number; until: number }>();
  return {
    allowance(partner, now) {
      const state = states.get(partner);
      if (!state || state.pauses === 0) return Number.POSITIVE_INFINITY;
      return now < state.until ? 0 : 1;
    },
    succeeded(partner) {
      states.delete(partner);
    },
    failed(partner, now) {
      const { failures, pauses, until } = states.get(partner) ?? { failures: 0, pauses: 0, until: 0 };
      // Posts that were under way when the breaker opened belong to the same outage: one pause for all of them.
      if (pauses > 0 && now < until) return;
      if (failures + 1 < THRESHOLD) return void states.set(partner, { failures: failures + 1, pauses, until });
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(pauses, 20));
      states.set(partner, { failures: failures + 1, pauses: pauses + 1, until: now + pause });
    },
  };
}
