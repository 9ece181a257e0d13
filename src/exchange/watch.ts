import { countDeliveries } from '../store/counts.ts';
import { forgetUnknown } from '../store/unknown-receipts.ts';
import { findMissed } from './alerts.ts';
import type { Exchange } from './context.ts';
import { findGaps } from './numbering.ts';
import { findOverdue } from './overdue.ts';
import { every, type Ticking } from './ticking.ts';

const TICK_MS = 60_000;
/** What a partner says of messages that nobody here knows is kept as long as anything explains it, and so many of one partner. */
const UNKNOWN_MS = 100 * 86_400_000;
const MOST_UNKNOWN = 10_000;
const waiting = ['queued', 'overdue', 'dead'] as const;

/** Marks what is overdue, raises what did not happen in time and counts what waits. */
export async function watch(exchange: Exchange): Promise<void> {
  await findOverdue(exchange);
  await findMissed(exchange);
  await findGaps(exchange);
  await forgetUnknown(exchange.store.db, new Date(exchange.clock() - UNKNOWN_MS), MOST_UNKNOWN);
  const counts = await countDeliveries(exchange.store.db, waiting);
  for (const state of waiting) exchange.metrics.waiting(state, counts.get(state) ?? 0);
}

/** Watches now and every minute; `stop` waits for a look that is under way. */
export function startWatch(exchange: Exchange): Ticking {
  return every(exchange, { ms: TICK_MS, event: 'watch.failed' }, () => watch(exchange));
}
