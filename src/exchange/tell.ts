import { alertMeaning } from '../domain/alert.ts';
import { claimUntold, markTold, type Untold } from '../store/alerts.ts';
import { runAlertCommand } from '../transport/alert-command.ts';
import type { Exchange } from './context.ts';
import { every, type Ticking } from './ticking.ts';

const TICK_MS = 1000;
/** A command that failed, or whose process died, is run again after this long, so often. */
const AGAIN_MS = 60_000;
const TELLINGS = 10;
/** Up to so many alerts are told one by one; when more wait, one run for each code stands for all of that code. */
const ONE_BY_ONE = 5;
const MOST = 500;

/**
 * Runs the operator's command for each new alert, one run at a time, with code and id behind its own arguments and
 * nothing else. Alerts are in the store, so what was raised while nobody ran is told at the next start.
 */
export function startTelling(exchange: Exchange, command: readonly string[] | undefined): Ticking {
  if (command === undefined) return { stop: async () => {} };
  let stopping = false;

  async function tell(): Promise<void> {
    const now = exchange.clock();
    const untold = await claimUntold(exchange.store.db, new Date(now), new Date(now + AGAIN_MS), TELLINGS, MOST);
    for (const alerts of runsFor(untold)) {
      if (stopping) return;
      await run(exchange, command as readonly string[], alerts);
    }
  }

  const telling = every(exchange, { ms: TICK_MS, event: 'alert.untold', later: true }, tell);
  return {
    stop() {
      stopping = true;
      return telling.stop();
    },
  };
}

/** Which alerts share one run of the command; the urgent ones go first, since a run may take its ten seconds. */
export function runsFor(untold: readonly Untold[]): (readonly Untold[])[] {
  const urgent = ({ code }: Untold) => alertMeaning(code).urgent === true;
  const ordered = [...untold.filter(urgent), ...untold.filter((one) => !urgent(one))];
  if (ordered.length <= ONE_BY_ONE) return ordered.map((one) => [one]);
  return [...Map.groupBy(ordered, ({ code }) => code).values()];
}

async function run(exchange: Exchange, command: readonly string[], alerts: readonly Untold[]): Promise<void> {
  const last = alerts.at(-1);
  if (!last) return;
  const outcome = await runAlertCommand(command, [last.code, last.id]);
  if (outcome.done) {
    const ids = alerts.map(({ id }) => id);
    return markTold(exchange.store.db, ids, new Date(exchange.clock()));
  }
  exchange.log.warn({ event: 'alert.untold', code: outcome.code, count: alerts.length }, 'the alert command failed');
}
