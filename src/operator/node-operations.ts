import { isRefusal } from '../domain/refusal.ts';
import { browseEvents } from '../exchange/browse.ts';
import type { Exchange } from '../exchange/context.ts';
import { generateKey, ownIdentity, ownKeys } from '../exchange/own-keys.ts';
import { announceKeys, publishKeys, writeCard } from '../exchange/publish.ts';
import { countDeliveries, countPartners } from '../store/counts.ts';
import { operation } from './answer.ts';
import { cursor, limit, PAGE } from './listing.ts';
import { oneOf, optional } from './members.ts';

/** Operations on the node itself: its card, its keys, its standing, its feed. `running` tells whether it serves. */
export function nodeOperations(exchange: Exchange, running: boolean) {
  return {
    card: operation({}, async () => {
      const card = await writeCard(exchange);
      return isRefusal(card) ? card : { card };
    }),
    'keys.list': operation({}, async () => {
      const identity = await ownIdentity(exchange);
      return isRefusal(identity) ? identity : { identity, keys: ownKeys(exchange) };
    }),
    'keys.generate': operation({ alg: optional(oneOf(['Ed25519', 'EdDSA', 'ES256'])) }, ({ alg }) =>
      generateKey(exchange, alg ?? 'Ed25519'),
    ),
    'keys.fingerprint': operation({}, async () => {
      const identity = await ownIdentity(exchange);
      return isRefusal(identity) ? identity : { fingerprint: identity.kid, spoken: identity.spoken };
    }),
    'keys.publish': operation({}, async () => {
      const published = await publishKeys(exchange);
      return isRefusal(published) ? published : { seq: published.seq, told: await announceKeys(exchange) };
    }),
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
