import { browseEvents } from '../exchange/browse.ts';
import type { Exchange } from '../exchange/context.ts';
import { countDeliveries, countPartners } from '../store/counts.ts';
import { operation } from './answer.ts';
import { cursor, limit, PAGE } from './listing.ts';
import { optional } from './members.ts';

/** Operations on the node itself: its standing and its feed. `running` tells whether it serves. */
export function nodeOperations(exchange: Exchange, running: boolean) {
  return {
    events: operation({ after: optional(cursor), limit: optional(limit) }, ({ after, limit: most = PAGE }) =>
      browseEvents(exchange, { after, limit: most }),
    ),
    status: operation({}, async () => {
      const partners = await countPartners(exchange.store.db);
      const outbox = await countDeliveries(exchange.store.db, ['queued', 'overdue', 'dead']);
      const { self: issuer, settings, store } = exchange;
      const of = <State>(counts: ReadonlyMap<State, number>, state: State) => counts.get(state) ?? 0;
      return {
        issuer,
        name: settings.name,
        store: store.kind,
        running,
        partners: {
          pending: of(partners, 'pending'),
          active: of(partners, 'active'),
          suspended: of(partners, 'suspended'),
        },
        outbox: { queued: of(outbox, 'queued'), overdue: of(outbox, 'overdue'), dead: of(outbox, 'dead') },
      };
    }),
  };
}
