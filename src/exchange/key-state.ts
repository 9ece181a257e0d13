import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { PublicKey } from '../keys/keystore.ts';
import type { Trx } from '../store/open.ts';
import type { Exchange } from './context.ts';
import { changeKeys, guardReason, type KeyChange, keyEvent, ownKey, secondsNow } from './key-change.ts';
import { HORIZON, PUBLIC_FOR, RETIRE_AFTER } from './key-times.ts';
import { type OwnKey, viewKey } from './own-keys.ts';
import { publishKeys, type Told, tellKeys } from './publish.ts';
import { publishedClaims } from './published.ts';

/** What a change of keys did, and what partners were told of it; `refused` says why they were told nothing. */
export interface Changed extends OwnKey {
  /** The key that it took the place of. */
  readonly replaces?: string;
  readonly publication?: Told | { readonly refused: Refusal };
}

/**
 * Activates a key by hand. Refused before its `nbf` and before partners can know of it, unless a reason is given: it then
 * begins now, and is published where the identity key is here.
 */
export async function activateKey(
  exchange: Exchange,
  { kid, reason }: { readonly kid: string; readonly reason?: string | undefined },
): Promise<Changed | Refusal> {
  const guarded = guardReason(reason);
  if (guarded) return guarded;
  const done = await changeKeys(exchange, (trx) => activateWithin(exchange, trx, kid, reason));
  if (isRefusal(done)) return done;
  exchange.wake.outbox();
  const { forced, ...activated } = done;
  if (!forced) return activated;
  const publication = await publishNow(exchange);
  return { ...activated, published: !('refused' in publication), publication };
}

/** Publishes and tells at once where that is possible; else why not, as a value: what was done before stays done. */
export async function publishNow(exchange: Exchange): Promise<Told | { readonly refused: Refusal }> {
  const told = await tellKeys(exchange, await publishKeys(exchange));
  return isRefusal(told) ? { refused: told } : told;
}

type Activated = OwnKey & { readonly replaces?: string; readonly forced: boolean };

/** Activates a key under the lock of the keys; `reason` forces what would be refused. */
export async function activateWithin(
  exchange: Exchange,
  trx: Trx,
  kid: string,
  reason?: string,
): Promise<KeyChange<Activated> | Refusal> {
  const key = ownKey(exchange, kid);
  if (isRefusal(key)) return key;
  const now = secondsNow(exchange);
  const published = await isPublished(trx, kid);
  const early = key.state === 'future' ? checkTime(key, published, now) : undefined;
  if (early && reason === undefined) return early;
  const replaced = exchange.keys.publicKeys().find(({ state, alg }) => state === 'active' && alg === key.alg);
  const nbf = beginOf(exchange, key, replaced, now);
  const activated = await exchange.keys.activate(kid, { nbf, retireReplacedAt: now + RETIRE_AFTER[key.use] });
  if (isRefusal(activated)) return activated;
  const about = { ...(replaced && { replaces: replaced.kid }), ...(reason !== undefined && { reason }) };
  return {
    answer: {
      ...viewKey(activated, published && activated.nbf === key.nbf),
      ...(replaced && { replaces: replaced.kid }),
      forced: early !== undefined,
    },
    events: [keyEvent(exchange, 'keys.activated', kid, about)],
  };
}

/**
 * When a key begins that takes over: when it was to, or now where it is forced. One that replaces the stand-in of a revoked key
 * begins when that did, since what the revoked one signed may still wait for a partner that is away, and is said with its old
 * time by whoever signs then. Partners are told by key-catch-up.ts, and until they are such a message waits.
 */
function beginOf(exchange: Exchange, { use, nbf }: PublicKey, replaced: PublicKey | undefined, now: number): number {
  const begin = Math.min(nbf, now);
  const owed = ({ use: of, state, exp }: PublicKey) => of === 'sig' && state === 'revoked' && exp > now;
  if (use !== 'sig' || replaced === undefined || !exchange.keys.publicKeys().some(owed)) return begin;
  return Math.min(begin, Math.max(replaced.nbf, now - HORIZON));
}

/** Whether the published key set names the key as one that can be used. */
async function isPublished(trx: Trx, kid: string): Promise<boolean> {
  const claims = await publishedClaims(trx);
  return claims?.keys.some((key) => key.kid === kid && key.revoked === undefined) ?? false;
}

function checkTime(key: PublicKey, published: boolean, now: number): Refusal | undefined {
  if (!published) {
    const next = 'Publish it first: caseref keys publish. In an emergency: --reason TEXT.';
    return refuse('state-conflict', '/kid', 'No published key set names this key: no partner would know it.', next);
  }
  if (key.nbf <= now) return undefined;
  const message = `The key begins at ${viewKey(key, true).notBefore}: partners refuse what it signs before.`;
  return refuse('state-conflict', '/kid', message, 'Wait until then. In an emergency: --reason TEXT.');
}

/**
 * Destroys the private part of a key. An active one goes only where another stands in its place, or one that was published
 * and has begun takes it.
 */
export async function retireKey(
  exchange: Exchange,
  { kid, reason }: { readonly kid: string; readonly reason?: string | undefined },
): Promise<Changed | Refusal> {
  const guarded = guardReason(reason);
  if (guarded) return guarded;
  return changeKeys<Changed>(exchange, async (trx) => {
    const key = ownKey(exchange, kid);
    if (isRefusal(key)) return key;
    if (key.state !== 'active') return retireWithin(exchange, trx, kid, reason);
    const successor = await readySuccessor(exchange, trx, key);
    if (!successor && !hasNeighbour(exchange, key)) return noSuccessor(key);
    const activated = successor && (await activateWithin(exchange, trx, successor.kid));
    if (isRefusal(activated)) return activated;
    const retired = await retireWithin(exchange, trx, kid, reason);
    if (isRefusal(retired)) return retired;
    return { answer: retired.answer, events: [...(activated?.events ?? []), ...retired.events] };
  });
}

/** A published future key of the same algorithm whose time has come. */
export async function readySuccessor(exchange: Exchange, trx: Trx, key: PublicKey): Promise<PublicKey | undefined> {
  const told = new Set((await publishedClaims(trx))?.keys.map(({ kid }) => kid));
  const now = secondsNow(exchange);
  return exchange.keys
    .publicKeys()
    .find(({ kid, state, alg, nbf }) => state === 'future' && alg === key.alg && nbf <= now && told.has(kid));
}

/** Another active key for the same use: of another algorithm, since there is one of each at most. */
function hasNeighbour(exchange: Exchange, key: PublicKey): boolean {
  return exchange.keys
    .publicKeys()
    .some(
      ({ kid, use, alg, state }) => kid !== key.kid && use === key.use && state === 'active' && alg !== 'ML-DSA-65',
    );
}

function noSuccessor({ use, alg }: PublicKey): Refusal {
  const work = use === 'sig' ? 'signs messages' : 'opens what partners encrypt';
  const next = `Make another and let it take over: caseref keys rotate ${use === 'enc' ? '--use enc' : `--alg ${alg}`}`;
  return refuse('state-conflict', '/kid', `This is the key that ${work}, and none is ready to take over.`, next);
}

/** Destroys the private part under the lock of the keys; the public one stays for what is still on its way. */
export async function retireWithin(
  exchange: Exchange,
  trx: Trx,
  kid: string,
  reason?: string,
): Promise<KeyChange<OwnKey> | Refusal> {
  const key = ownKey(exchange, kid);
  if (isRefusal(key)) return key;
  const exp = Math.max(secondsNow(exchange) + PUBLIC_FOR, key.nbf + 1);
  const retired = await exchange.keys.retire(kid, { exp });
  if (isRefusal(retired)) return retired;
  return {
    answer: viewKey(retired, await isPublished(trx, kid)),
    events: [keyEvent(exchange, 'keys.retired', kid, reason === undefined ? {} : { reason })],
  };
}
