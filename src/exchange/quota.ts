const MINUTE = 60_000;

/**
 * Counts verified messages of each partner in a sliding minute made of the current and the last whole minute. Kept for
 * this process only: several processes take a multiple of the quota, which is documented.
 * @returns 0 when there is room, else the seconds to wait.
 */
export function createQuota(): (partner: string, perMinute: number, now: number) => number {
  const windows = new Map<string, { minute: number; count: number; before: number }>();
  return (partner, perMinute, now) => {
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
  };
}
