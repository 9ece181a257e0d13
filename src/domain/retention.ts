const DAY = 86_400_000;

/**
 * When a reference is erased without anybody asking: the lowest of its own `retainUntil` (a date that ends at 24:00 UTC)
 * and the node's ceiling in days from its arrival; null where neither says anything. Milliseconds since 1970.
 */
export function expiry(given: {
  readonly retainUntil: string | undefined;
  readonly arrivedAt: number;
  readonly ceilingDays: number | undefined;
}): number | null {
  const stated =
    given.retainUntil === undefined ? Number.POSITIVE_INFINITY : Date.parse(`${given.retainUntil}T00:00:00Z`) + DAY;
  const ceiling =
    given.ceilingDays === undefined ? Number.POSITIVE_INFINITY : given.arrivedAt + given.ceilingDays * DAY;
  const lowest = Math.min(stated, ceiling);
  return Number.isFinite(lowest) ? lowest : null;
}
