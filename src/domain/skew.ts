/** Processes of one node go each by its own clock. What one of them wrote may be from so far in the future, or past, of another, in milliseconds. */
export const SKEW_MS = 10 * 60_000;

/** By more than this, in milliseconds, no process is off the clock of its database server: it does not start. */
export const MOST_APART_MS = 3_600_000;
