import { isRefusal, refuse } from '../domain/refusal.ts';
import type { Exchange } from '../exchange/context.ts';
import { activateKey, retireKey } from '../exchange/key-state.ts';
import { changePassphrase, replaceIdentity } from '../exchange/new-identity.ts';
import { writeCard } from '../exchange/own-card.ts';
import { generateKey, ownIdentity, ownKeys } from '../exchange/own-keys.ts';
import { draftKeySet, installKeySet, publishKeys, tellKeys } from '../exchange/publish.ts';
import { revokeKey } from '../exchange/revoke-key.ts';
import { planRotation, rotateKeys } from '../exchange/rotate.ts';
import { operation } from './answer.ts';
import { instant, oneOf, optional, type Reader, text, yesOrNo } from './members.ts';

const alg = oneOf(['Ed25519', 'EdDSA', 'ES256', 'ML-DSA-65']);
const use = oneOf(['sig', 'enc']);
/** A key by its kid, which is always written in full. */
const kid: Reader<string> = (value, pointer) =>
  typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value)
    ? { read: value }
    : refuse('usage-invalid', pointer, 'This is no kid.', 'Give all of its 43 characters: caseref keys list.');
const reason = text(200);
const words = text(1024);
/** A key set and a card as compact tokens; wire has its own, smaller limits. */
const token = text(128 * 1024);

/** Operations on the node's own keys and its card. */
export function keyOperations(exchange: Exchange) {
  return {
    card: operation({}, async () => {
      const card = await writeCard(exchange);
      return isRefusal(card) ? card : { card };
    }),
    'keys.list': operation({}, async () => {
      const identity = await ownIdentity(exchange);
      return isRefusal(identity) ? identity : { identity, keys: await ownKeys(exchange) };
    }),
    'keys.fingerprint': operation({}, async () => {
      const identity = await ownIdentity(exchange);
      return isRefusal(identity) ? identity : { fingerprint: identity.kid, spoken: identity.spoken };
    }),
    ...lifeOperations(exchange),
    ...publicationOperations(exchange),
  };
}

function lifeOperations(exchange: Exchange) {
  const wish = { alg: optional(alg), use: optional(use) };
  return {
    'keys.generate': operation({ ...wish, from: optional(instant), reason: optional(reason) }, (given) =>
      generateKey(exchange, given),
    ),
    'keys.activate': operation({ kid, reason: optional(reason) }, (given) => activateKey(exchange, given)),
    'keys.rotation': operation(wish, (given) => planRotation(exchange, given)),
    'keys.rotate': operation(wish, (given) => rotateKeys(exchange, given)),
    'keys.retire': operation({ kid, reason: optional(reason) }, (given) => retireKey(exchange, given)),
    'keys.revoke': operation({ kid, reason, since: optional(instant) }, (given) => revokeKey(exchange, given)),
  };
}

function publicationOperations(exchange: Exchange) {
  return {
    'keys.publish': operation({}, async () => tellKeys(exchange, await publishKeys(exchange))),
    'keys.draft': operation({}, () => draftKeySet(exchange)),
    'keys.install': operation({ keySet: token, card: token }, async (signed) =>
      tellKeys(exchange, await installKeySet(exchange, signed)),
    ),
    'keys.new-identity': operation(
      { reason, since: optional(instant), keepKeys: optional(yesOrNo), again: optional(yesOrNo) },
      (given) => replaceIdentity(exchange, given),
    ),
    'keys.passphrase': operation({ current: words, next: words }, (given) => changePassphrase(exchange, given)),
  };
}
