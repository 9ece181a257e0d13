import { HORIZON_MS, LIFE_MS } from '../domain/attempt.ts';
import { pollLimits, waitsToBeFetched } from '../domain/poll.ts';
import { MOST_APART_MS } from '../domain/skew.ts';
import { forgetNonces, takeAged } from '../store/poll.ts';
import { settleBatch, settledBy } from './attempts.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry } from './directory.ts';
import { every, type Ticking } from './ticking.ts';

const TICK_MS = 60_000;

/**
 * Forgets used nonces, and gives up what has waited for as long as a message is tried: what nobody fetches, and what was never
 * tried because the line of its partner is shut, so that a person hears of all of it and not of one probe after another.
 */
export function startPollUpkeep(exchange: Exchange): Ticking {
  return every(exchange, { ms: TICK_MS, event: 'poll.failed', later: true }, () => tidyPolls(exchange));
}

/** One round of it, in any process at any time. */
export async function tidyPolls(exchange: Exchange): Promise<void> {
  // The clock of another process may be that far behind, and still take a request that is over here.
  await forgetNonces(exchange.store.db, new Date(exchange.clock() - MOST_APART_MS));
  const { partners } = await exchange.directory.within(exchange.store.db);
  for (const partner of partners.values()) {
    if (partner.state === 'active' || waitsToBeFetched(partner)) await giveUpAged(exchange, partner);
  }
}

async function giveUpAged(exchange: Exchange, entry: PartnerEntry): Promise<void> {
  const now = exchange.clock();
  const partner = entry.facts.issuer;
  const lease = exchange.chance.uuid4();
  const taken = await takeAged(exchange.store.db, {
    partner,
    suspended: entry.state === 'suspended',
    before: new Date(now - LIFE_MS),
    horizon: new Date(now - HORIZON_MS),
    now: new Date(now),
    lease,
    until: new Date(now + pollLimits.offerMs),
  });
  if (taken.length === 0) return;
  const code = waitsToBeFetched(entry) ? 'unfetched' : 'expired';
  await settleBatch(
    exchange,
    taken.map((one) => settledBy(exchange, partner, one, lease, { status: 'unreachable', code })),
  );
}
