import type { KeySet, PeerCard } from '../domain/contract.types.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { recordEvents } from '../store/feed.ts';
import { inTransaction } from '../store/transaction.ts';
import { signCard } from '../wire/card.ts';
import { signKeySet } from '../wire/keyset.ts';
import type { Exchange } from './context.ts';

const DAY = 24 * 60 * 60;
/** How often partners look for a newer key set. */
export const REFRESH_SECONDS = 3600;
const KEY_SET_LIFE = 90 * DAY;
const CARD_LIFE = 30 * DAY;
const MAX_SET_BYTES = 16 * 1024;

const offline = () =>
  refuse(
    'state-conflict',
    '',
    'The identity key is not on this machine.',
    'Run this where keys/identity.key is, or bring the file back.',
  );

/** What this node tells partners of its keys and addresses; only what it really answers is named. */
function keySetClaims(exchange: Exchange, seq: number, now: number): KeySet {
  return {
    iss: exchange.self,
    seq,
    iat: now,
    exp: now + KEY_SET_LIFE,
    refresh: REFRESH_SECONDS,
    keys: exchange.keys
      .publicKeys()
      .map(({ kid, alg, use, nbf, exp, jwk }) => ({ ...jwk, kid, alg, use, nbf, exp }) as KeySet['keys'][number]),
    endpoints: { push: `${exchange.self}/exchange/push`, keys: `${exchange.self}/exchange/keys` },
    algs: ['Ed25519', 'EdDSA', 'ES256'],
    encryption: 'none',
    max_set_bytes: MAX_SET_BYTES,
  };
}

/**
 * Signs the node's current keys as a new key set and makes it the published one. `seq` is the signing time and always
 * above the last. Needs the identity key; partners are told by `announceKeys`.
 */
export async function publishKeys(exchange: Exchange): Promise<{ seq: number; keySet: string } | Refusal> {
  const { identity } = exchange.keys;
  if (!identity) return offline();
  const published = await inTransaction(exchange.store.db, async (trx) => {
    const row = await trx.selectFrom('node').select('key_set_seq').forUpdate().executeTakeFirstOrThrow();
    const now = Math.floor(exchange.clock() / 1000);
    const seq = Math.max(now, row.key_set_seq + 1);
    const { compact } = await signKeySet(keySetClaims(exchange, seq, now), identity);
    await trx.updateTable('node').set({ key_set: compact, key_set_seq: seq }).execute();
    await recordEvents(trx, [{ type: 'keys.published', at: new Date(exchange.clock()), body: { seq } }]);
    return { seq, keySet: compact };
  });
  return published;
}

/** The published key set as a compact token, with the ETag that its number makes; undefined before the first. */
export async function publishedKeySet(exchange: Exchange): Promise<{ keySet: string; seq: number } | undefined> {
  const row = await exchange.store.db.selectFrom('node').select(['key_set', 'key_set_seq']).executeTakeFirst();
  return row?.key_set ? { keySet: row.key_set, seq: row.key_set_seq } : undefined;
}

/** Pushes the published key set to every partner that has an address for it; a partner that is away asks later itself. */
export async function announceKeys(exchange: Exchange): Promise<{ partner: string; told: boolean }[]> {
  const published = await publishedKeySet(exchange);
  const { partners } = await exchange.directory.within(exchange.store.db);
  if (!published) return [];
  const reachable = [...partners.values()].flatMap((partner) =>
    partner.endpoints.keys ? [{ partner, url: partner.endpoints.keys }] : [],
  );
  return Promise.all(
    reachable.map(async ({ partner, url }) => {
      const { issuer } = partner.facts;
      const answer = await exchange.transport.postKeySet(url, published.keySet, {
        partner: issuer,
        local: partner.local,
      });
      return { partner: issuer, told: answer.status === 'accepted' };
    }),
  );
}

/** This node's peer card: who we are, the identity key, and the current key set inside, for 30 days. */
export async function writeCard(exchange: Exchange): Promise<string | Refusal> {
  const { identity } = exchange.keys;
  if (!identity) return offline();
  const published = await publishedKeySet(exchange);
  if (!published)
    return refuse('state-conflict', '', 'No key set is published yet.', 'Publish one: caseref keys publish.');
  const now = Math.floor(exchange.clock() / 1000);
  const { name, type, jurisdictions, contact } = exchange.settings;
  const card: PeerCard = {
    iss: exchange.self,
    iat: now,
    exp: now + CARD_LIFE,
    organisation: { name, type, jurisdictions: [...jurisdictions] },
    identity_key: { ...identity.jwk } as PeerCard['identity_key'],
    key_set: published.keySet,
    ...(contact && { contact }),
  };
  return (await signCard(card, identity)).compact;
}
