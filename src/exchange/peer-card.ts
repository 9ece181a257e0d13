import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { raise, recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { issuersByIdentity, issuersByKey, wasReplaced } from '../store/replacements.ts';
import { lockName } from '../store/transaction.ts';
import { type OpenedCard, openCard } from '../wire/card.ts';
import { messageDigest, signingInputOf } from '../wire/digest.ts';
import type { Exchange } from './context.ts';

/** Opens a card that an operator gives; our own card is one for the other side. */
export async function readCard(exchange: Exchange, compact: string): Promise<OpenedCard | Refusal> {
  const now = Math.floor(exchange.clock() / 1000);
  const opened = await openCard(compact, { now, loopback: exchange.profile.loopback });
  if (isRefusal(opened) || opened.card.iss !== exchange.self) return opened;
  return refuse('card-invalid', '/iss', 'The card is our own.', 'Give this card to the partner and add the partner’s.');
}

/**
 * Refuses an identity key that cannot be this issuer's alone: our own, one that another issuer has or once had, one that
 * signs messages, or one that this issuer has replaced. Who has it already is told to the operator by an alert.
 */
export async function refuseIdentity(exchange: Exchange, trx: Trx, opened: OpenedCard): Promise<Refusal | undefined> {
  const { kid, card } = opened;
  const at = new Date(exchange.clock());
  // Two cards with one key at the same moment: the second must see the first.
  await lockName(trx, `identity ${kid}`);
  if (exchange.keys.identity?.kid === kid) {
    const next = 'Who signed it has our private key: treat it as lost, and call your partners.';
    return refuse(
      'card-invalid',
      '/identity_key',
      'The card of another issuer is signed by our own identity key.',
      next,
    );
  }
  const [twin] = (await issuersByIdentity(trx, kid)).filter((issuer) => issuer !== card.iss);
  if (twin !== undefined) {
    await raise(trx, [{ code: 'identity-shared', partner: twin }], at);
    const next = 'Trust neither before you have called both: one of them has the other’s key.';
    return refuse('card-invalid', '/identity_key', `Another partner (${twin}) has the same identity key.`, next);
  }
  const [signs] = await issuersByKey(trx, kid);
  if (signs !== undefined) {
    const said = `The identity key of the card is an operational key of ${signs}: one key is never both.`;
    return refuse('card-invalid', '/identity_key', said);
  }
  if (!(await wasReplaced(trx, card.iss, kid))) return undefined;
  await raise(trx, [{ code: 'identity-changed', partner: card.iss }], at);
  const said = 'This partner has replaced the identity key of the card: whoever sends it may have stolen that key.';
  const next = `Call the partner on a number that you had before: caseref partner show ${card.iss}`;
  return refuse('card-invalid', '/identity_key', said, next);
}

/** Whether the key set in the card and the one that we have carry one number and say different things. */
export function isFork(
  row: { readonly key_set: string; readonly key_set_seq: number },
  { keySet }: OpenedCard,
): boolean {
  return keySet.claims.seq === row.key_set_seq && keySet.digest !== messageDigest(signingInputOf(row.key_set));
}

/** Refuses a card whose key set forks the known one, and alerts as if it had been pushed. */
export async function refuseFork(trx: Trx, { card }: OpenedCard, at: Date): Promise<Refusal> {
  await recordEvents(trx, [{ type: 'key-set.refused', at, partner: card.iss, code: 'key-set-fork' }]);
  const said = 'Its identity key signed another key set with the same number: somebody else may have that key.';
  const next = `Call the partner on a number that you had before: caseref partner show ${card.iss}`;
  return refuse('card-invalid', '/key_set', said, next);
}
