import type { Trx } from '../../store/open.ts';
import { addTraffic, counterOf, type Traffic } from '../../store/traffic.ts';
import type { Snapshot } from '../directory.ts';
import { windowStart } from '../send-limits.ts';
import type { Entered } from './log.ts';

/** The code of a hold that waits since its partner had placed as many today as its policy takes. */
export const OVER_LIMIT = 'rate-exceeded';
const DAY = 86_400_000;

/** Whether a hold waits for its partner's limit alone. */
export function isOverLimit({ state, code }: Pick<Entered, 'state' | 'code'>): boolean {
  return state === 'held' && code === OVER_LIMIT;
}

/** When the next day begins, in milliseconds since 1970: until then the limit leaves no room, unless it is raised. */
export function nextDay(now: number): number {
  return windowStart(now, DAY) + DAY;
}

/**
 * Finds which holds that wait for their partner's limit have room now, since a day has begun or the operator has raised it, and counts
 * them. In the order of the log; without one that waits nothing is read.
 */
export async function roomForHolds(
  trx: Trx,
  { partners }: Snapshot,
  entries: readonly Entered[],
  at: Date,
): Promise<ReadonlySet<Entered>> {
  const room = new Set<Entered>();
  const since = new Date(windowStart(at.getTime(), DAY));
  for (const [partner, waiting] of Map.groupBy(entries.filter(isOverLimit), ({ row }) => row.sender)) {
    const limit = partners.get(partner)?.policy?.receive.holdsPerDay ?? Number.POSITIVE_INFINITY;
    const counter = { partner, kind: 'hold-day', since } as const satisfies Omit<Traffic, 'n'>;
    const taken = (await addTraffic(trx, [{ ...counter, n: 0 }])).get(counterOf(counter)) ?? 0;
    const fitting = waiting.slice(0, Math.max(0, Math.min(waiting.length, limit - taken)));
    for (const entered of fitting) room.add(entered);
    await addTraffic(trx, [{ ...counter, n: fitting.length }]);
  }
  return room;
}
