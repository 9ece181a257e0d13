const FIRST_MS = 5000;
const LONGEST_MS = 3_600_000;

/**
 * Milliseconds until the next attempt: exponential from 5 s to 1 h with full jitter, so that partners that come back
 * are not met by everybody at once. `attempt` counts from 1; `random` is from 0 to 1.
 */
export function nextAttemptDelay(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.round(FIRST_MS / 2 + random * (ceiling - FIRST_MS / 2));
}
