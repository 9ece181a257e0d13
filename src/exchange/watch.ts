import { countDeliveries } from '../store/counts.ts';
import { findMissed } from './alerts.ts';
import type { Exchange } from './context.ts';
import { findGaps } from './numbering.ts';
import { findOverdue } from './overdue.ts';

const TICK_MS = 60_000;
const waiting = ['queued', 'overdue', 'dead'] as const;

/** Marks what is overdue, raises what did not happen in time and counts what waits, now and every minute; `stop` waits for a look that is under way. */
export function startWatch(exchange: Exchange): { stop(): Promise<void> } {
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    await findOverdue(exchange);
    await findMissed(exchange);
    await findGaps(exchange);
    const counts = await countDeliveries(exchange.store.db, waiting);
    for (const state of waiting) exchange.metrics.waiting(state, counts.get(state) ?? 0);
  }

  function tick(): void {
    looking ??= look()
      .catch((failure: unknown) => exchange.log.failure('watch.failed', failure))
      .finally(() => {
        looking = undefined;
      });
  }

  const timer = setInterval(tick, TICK_MS);
  tick();
  return {
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
