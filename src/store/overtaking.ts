import { firstMissingOf, hasOpenGap } from './gaps.ts';
import type { Trx } from './open.ts';

/** Messages of one partner and epoch that arrived together, by number. */
export interface Arriving {
  readonly partner: string;
  readonly epoch: string;
  readonly numbers: readonly number[];
}

/**
 * The first number that is still under way from a partner: messages above it have overtaken something. Above the highest of
 * `numbers` where nothing is missing.
 */
export async function firstUnderway(trx: Trx, { partner, epoch, numbers }: Arriving): Promise<number> {
  if (await hasOpenGap(trx, { partner, epoch })) return 0;
  const stream = trx.selectFrom('incoming_stream').select('floor');
  const known = await stream.where('partner', '=', partner).where('epoch', '=', epoch).executeTakeFirst();
  const to = Math.max(...numbers);
  const together = new Set(numbers);
  let missing = known?.floor ?? 0;
  do {
    missing = await firstMissingOf(trx, { partner, epoch }, { from: missing + 1, to });
  } while (together.has(missing) && missing <= to);
  return missing;
}
