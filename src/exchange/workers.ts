import { startAttestation } from './attest.ts';
import type { Exchange } from './context.ts';
import { startDelivery } from './deliver.ts';
import { startKeyPlan } from './key-plan.ts';
import { sayEnforcement } from './operators.ts';
import { startPolling } from './poll-client.ts';
import { startPollUpkeep } from './poll-upkeep.ts';
import { startPurge } from './purge.ts';
import { startReconsidering } from './reconsider.ts';
import { startRefresh } from './refresh.ts';
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
  const said = sayEnforcement(exchange).catch((failure: unknown) => exchange.log.failure('operators.unsaid', failure));
  const delivery = startDelivery(exchange);
  const others = [
    startWatch(exchange),
    startPurge(exchange),
    startPolling(exchange),
    startPollUpkeep(exchange),
    startReconsidering(exchange),
    startRefresh(exchange),
    startKeyPlan(exchange),
    startAttestation(exchange),
    startTelling(exchange, alertCommand),
  ];
  return {
    wake: delivery.wake,
    async stop(limitMs) {
      await Promise.all([said, delivery.stop(limitMs), ...others.map((worker) => worker.stop())]);
    },
  };
}
