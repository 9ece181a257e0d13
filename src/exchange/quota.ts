const MINUTE = 60_000;

/** Takes one place: 0 when there was room, else the seconds to wait. */
export interface Quota {
  (partner: string, perMinute: number, now: number): number;
  /** Gives a place back that was taken for what did not count after all. */
  giveBack(partner: string): void;
}

/**
 * Counts verified messages of each partner in a sliding minute made of the current and the last whole minute. Kept for
 * this process only: several processes take a multiple of the quota, which is documented.
 */
export function createQuota(): Quota {
  const windows = new Map<string, { minute: number; count: number; before: number }>();
  function take(partner: string, perMinute: number, now: number): number {
    const minute = Math.floor(now / MINUTE);
    const last = windows.get(partner);
    const window =
      last?.minute === minute
        ? last
        : { minute, count: 0, before: last && last.minute === minute - 1 ? last.count : 0 };
    windows.set(partner, window);
    const share = 1 - (now % MINUTE) / MINUTE;
    if (window.count + window.before * share >= perMinute)
      return Math.max(1, Math.ceil((MINUTE - (now % MINUTE)) / 1000));
    window.count += 1;
    return 0;
  }
  return Object.assign(take, {
    giveBack(partner: string): void {
      const window = windows.get(partner);
      if (window && window.count > 0) window.count -= 1;
    },
  });
}
