import { startAttestation } from './attest.ts';
import { startCases } from './case/round.ts';
import type { Exchange } from './context.ts';
import { startDelivery } from './deliver.ts';
import { startKeyPlan } from './key-plan.ts';
import { startLiaisonUpkeep } from './liaison/suspension.ts';
import { sayEnforcement } from './operators.ts';
import { startPolling } from './poll-client.ts';
import { startPollUpkeep } from './poll-upkeep.ts';
import { startPlacing } from './portal/undecided.ts';
import { startPurge } from './purge.ts';
import { startReconsidering } from './reconsider.ts';
import { startRecovering } from './recovering.ts';
import { startRefresh } from './refresh.ts';
import { startReplay } from './replay.ts';
import { startAsking } from './replay-ask.ts';
import { startTelling } from './tell.ts';
import { startWatch } from './watch.ts';

export interface Workers {
  /** The delivery worker's bell. */
  wake(): void;
  /** Begins nothing more and waits for what is under way, at most `limitMs`: what is left then has a lease or left no trace. */
  stop(limitMs: number): Promise<void>;
}

/** Everything that a running node does by itself, in every process that shares its store: claims decide who does what. */
export function startWorkers(exchange: Exchange, alertCommand: readonly string[] | undefined): Workers {
  const said = sayEnforcement(exchange).catch((failure: unknown) => exchange.log.failure('operators.unsaid', failure));
  const delivery = startDelivery(exchange);
  const others = [
    startWatch(exchange),
    startPurge(exchange),
    startPlacing(exchange),
    startCases(exchange),
    startPolling(exchange),
    startPollUpkeep(exchange),
    startReplay(exchange),
    startAsking(exchange),
    startRecovering(exchange),
    startReconsidering(exchange),
    startRefresh(exchange),
    startKeyPlan(exchange),
    startAttestation(exchange),
    startLiaisonUpkeep(exchange),
    startTelling(exchange, alertCommand),
  ];
  return {
    wake: delivery.wake,
    async stop(limitMs) {
      const { promise: limit, resolve } = Promise.withResolvers<void>();
      const alarm = setTimeout(resolve, limitMs);
      const ended = [said, delivery.stop(limitMs), ...others.map((worker) => worker.stop())];
      await Promise.race([Promise.all(ended), limit]);
      clearTimeout(alarm);
    },
  };
}
