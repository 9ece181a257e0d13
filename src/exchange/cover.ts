import type { Voided } from '../domain/contract.types.ts';
import { runsOf } from '../domain/sequence.ts';
import { reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { noteVoided } from '../store/overdue.ts';
import { insertAll } from '../store/rows.ts';
import type { Exchange } from './context.ts';
import { newNotice } from './queue.ts';

/** A number that will not come, and why. */
export interface Uncovered {
  readonly n: number;
  readonly reason: Voided['reason'];
}

/** Ranges in one message: well below what a token carries. */
const RANGES = 200;

/** Covers numbers of one stream of ours by signed `voided`, one for each reason and so many ranges; they wait their turn. */
export async function coverNumbers(
  exchange: Exchange,
  trx: Trx,
  { partner, epoch }: { readonly partner: string; readonly epoch: string },
  numbers: readonly Uncovered[],
  at: Date,
): Promise<void> {
  const payloads = [...Map.groupBy(numbers, ({ reason }) => reason)].flatMap(([reason, group]) => {
    const ranges = runsOf(group.map(({ n }) => n).sort((a, b) => a - b));
    const parts = Math.ceil(ranges.length / RANGES);
    return Array.from({ length: parts }, (_, part) => ({
      epoch,
      ranges: ranges.slice(part * RANGES, (part + 1) * RANGES),
      reason,
    }));
  });
  if (payloads.length === 0) return;
  await noteVoided(
    trx,
    { partner, epoch },
    numbers.map(({ n }) => n),
  );
  let position = await reservePositions(trx, payloads.length);
  const notices = payloads.map((payload) => ({
    ...newNotice(exchange, { partner, event: 'voided', payload, position: position++, at }),
    priority: 1,
  }));
  await insertAll(trx, [deliveryInsert(notices)]);
}
