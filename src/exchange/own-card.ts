import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { openCard, signCard } from '../wire/card.ts';
import type { Exchange } from './context.ts';
import { secondsNow } from './key-change.ts';
import { cardClaims } from './publication.ts';
import { identityHere } from './publish.ts';
import { offeredKeySet, publishedKeySet, storedCard } from './published.ts';

/**
 * This node's peer card: who we are, the identity key, and the current key set inside, for 30 days. Signed anew where the
 * identity key is on this machine, else the one that came with the last publication, while it lives.
 */
export async function writeCard(exchange: Exchange): Promise<string | Refusal> {
  const published = await publishedKeySet(exchange);
  if (!published)
    return refuse('state-conflict', '', 'No key set is published yet.', 'Publish one: caseref keys publish.');
  if ((await offeredKeySet(exchange)) === undefined) {
    const message = 'The published key set offers a key that is revoked here: no card may carry it.';
    const next = 'caseref keys publish, or from where the identity key is: caseref keys export-public FILE';
    return refuse('state-conflict', '', message, next);
  }
  const here = await identityHere(exchange);
  if (isRefusal(here)) return keptCard(exchange, here);
  const claims = cardClaims(exchange, here.identity, secondsNow(exchange));
  const { compact } = await signCard({ ...claims, key_set: published.keySet }, here.signer);
  await exchange.store.db.updateTable('node').set({ card: compact }).where('key_set_seq', '=', published.seq).execute();
  return compact;
}

async function keptCard(exchange: Exchange, elsewhere: Refusal): Promise<string | Refusal> {
  const card = await storedCard(exchange);
  if (card === undefined) return elsewhere;
  const opened = await openCard(card, { now: secondsNow(exchange), loopback: exchange.profile.loopback });
  if (!isRefusal(opened) && opened.kid === exchange.keys.identity?.kid) return card;
  const message = 'The card that was signed last counts no more, and the identity key is not on this machine.';
  return refuse('state-conflict', '', message, elsewhere.next);
}
