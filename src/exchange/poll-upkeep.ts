import { pollLimits, UNFETCHED_MS, waitsToBeFetched } from '../domain/poll.ts';
import { forgetNonces, takeUnfetched } from '../store/poll.ts';
import type { Exchange } from './context.ts';
import { settleBatch, settledBy } from './deliver.ts';

const TICK_MS = 60_000;

/** Forgets used nonces, and gives up what nobody has fetched for as long as a push would be tried. */
export function startPollUpkeep(exchange: Exchange): { stop(): Promise<void> } {
  let underWay: Promise<void> | undefined;
  const timer = setInterval(() => {
    underWay ??= tidyPolls(exchange)
      .catch((failure: unknown) => exchange.log.failure('poll.failed', failure))
      .finally(() => {
        underWay = undefined;
      });
  }, TICK_MS);
  return {
    async stop() {
      clearInterval(timer);
      await underWay;
    },
  };
}

/** One round of it, in any process at any time. */
export async function tidyPolls(exchange: Exchange): Promise<void> {
  await forgetNonces(exchange.store.db, new Date(exchange.clock()));
  const { partners } = await exchange.directory.within(exchange.store.db);
  for (const partner of partners.values()) {
    if (waitsToBeFetched(partner)) await giveUpUnfetched(exchange, partner.facts.issuer);
  }
}

async function giveUpUnfetched(exchange: Exchange, partner: string): Promise<void> {
  const now = exchange.clock();
  const lease = exchange.chance.uuid4();
  const taken = await takeUnfetched(exchange.store.db, {
    partner,
    before: new Date(now - UNFETCHED_MS),
    now: new Date(now),
    lease,
    until: new Date(now + pollLimits.offerMs),
  });
  if (taken.length === 0) return;
  const unfetched = { status: 'unreachable', code: 'unfetched' } as const;
  await settleBatch(
    exchange,
    taken.map((one) => settledBy(exchange, partner, one, lease, unfetched)),
  );
}
