import type { Voided } from '../domain/contract.types.ts';
import { reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { noteVoided } from '../store/overdue.ts';
import { insertAll } from '../store/rows.ts';
import type { Exchange } from './context.ts';
import { newNotice, rangesOf } from './queue.ts';

/** A number that will not come, and why. */
export interface Uncovered {
  readonly n: number;
  readonly reason: Voided['reason'];
}

/** Covers numbers of one stream of ours by signed `voided`, one for each reason and so many ranges; they wait their turn. */
export async function coverNumbers(
  exchange: Exchange,
  trx: Trx,
  { partner, epoch }: { readonly partner: string; readonly epoch: string },
  numbers: readonly Uncovered[],
  at: Date,
): Promise<void> {
  const payloads = [...Map.groupBy(numbers, ({ reason }) => reason)].flatMap(([reason, group]) =>
    rangesOf(group.map(({ n }) => n)).map((ranges) => ({ epoch, ranges, reason })),
  );
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
