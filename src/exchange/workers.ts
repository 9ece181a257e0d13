import type { Exchange } from './context.ts';
import { startDelivery } from './deliver.ts';
import { startPurge } from './purge.ts';
import { startTelling } from './tell.ts';
import { startWatch } from './watch.ts';

export interface Workers {
  /** The delivery worker's bell. */
  wake(): void;
  /** Begins nothing more and waits for what is under way; deliveries for at most `limitMs`. */
  stop(limitMs: number): Promise<void>;
}

/** Everything that a running node does by itself, in every process that shares its store: claims decide who does what. */
export function startWorkers(exchange: Exchange, alertCommand: readonly string[] | undefined): Workers {
  const delivery = startDelivery(exchange);
  const others = [startWatch(exchange), startPurge(exchange), startTelling(exchange, alertCommand)];
  return {
    wake: delivery.wake,
    async stop(limitMs) {
      await Promise.all([delivery.stop(limitMs), ...others.map((worker) => worker.stop())]);
    },
  };
}
