import { isoInstant } from '../domain/instant.ts';
import { waitsToBeFetched } from '../domain/poll.ts';
import type { Refusal } from '../domain/refusal.ts';
import type { ListedDelivery } from '../store/lists.ts';
import { openRecoveries } from '../store/recovery.ts';
import { browseDeliveries, checkKnown, type HeldBack, type PageRequest } from './browse.ts';
import type { Exchange } from './context.ts';

/** Goes to a partner that is suspended, and goes where references wait since state was lost (store/recovery.ts says the same). */
const passSuspension: ReadonlySet<string> = new Set(['receipt', 'withdrawn']);
const passLoss: ReadonlySet<string> = new Set(['receipt', 'withdrawn', 'voided', 'verify']);
/** What the partner asked for. */
const REPLAYED = 2;

/** Deliveries as an operator lists them: with the reason where the instant of the next try alone would be untrue. */
export async function browseOutbox(
  exchange: Exchange,
  filter: { readonly state?: string | undefined; readonly partner?: string | undefined },
  request: PageRequest,
) {
  const stranger: Refusal | undefined = await checkKnown(exchange, filter.partner);
  if (stranger) return stranger;
  const { db } = exchange.store;
  const { partners } = await exchange.directory.within(db);
  const lost = new Set((await openRecoveries(db)).filter((one) => one.resumed_at === null).map((one) => one.partner));
  const now = exchange.clock();

  function heldBack({ partner, state, event, sent_at, next_at, priority }: ListedDelivery): HeldBack {
    if (state !== 'queued') return {};
    const entry = partners.get(partner);
    if (entry?.state === 'suspended' && !passSuspension.has(event)) return { heldBack: { by: 'suspended' } };
    if (lost.has(partner) && !passLoss.has(event) && sent_at === null && priority !== REPLAYED)
      return { heldBack: { by: 'state-lost' } };
    const until = entry && waitsToBeFetched(entry) ? undefined : exchange.transport.shutUntil(partner, now);
    if (until === undefined || next_at.getTime() >= until) return {};
    return { heldBack: { by: 'line-shut', until: isoInstant(until) } };
  }

  return browseDeliveries(exchange, filter, request, heldBack);
}
