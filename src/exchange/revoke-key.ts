import { codes } from '../domain/codes.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { KEY_LIFE, type PublicKey } from '../keys/keystore.ts';
import type { NewEvent } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import type { Exchange } from './context.ts';
import { changeKeys, guardReason, type KeyChange, keyEvent, ownKey, secondsNow } from './key-change.ts';
import { publishNow, readySuccessor } from './key-state.ts';
import { HORIZON, RETIRE_AFTER } from './key-times.ts';
import { type OwnKey, viewKey } from './own-keys.ts';
import { destroyUnoffered, type Told } from './publish.ts';

export interface RevocationWish {
  readonly kid: string;
  /** Code of key-revocation-reason.json, which partners read; other words are for our own feed, and partners read `compromised`. */
  readonly reason: string;
  /** From when others may have had the key, in ISO; now where absent. */
  readonly since?: string | undefined;
}

/** A key that is revoked here, whether or not anybody was told yet. */
export interface RevokedHere extends OwnKey {
  /** The key that took its place at once, and whether it was made for that. */
  readonly successor?: { readonly kid: string; readonly made: boolean };
  /** The instant that was given lies before the begin of the key, which counts in its place. */
  readonly sinceBegin?: true;
}

export interface RevokedKey extends RevokedHere {
  /** Its private part still opens what partners send: they encrypt to it until a key set without it is published. */
  readonly opens?: true;
  readonly publication: Told | { readonly refused: Refusal };
}

interface Successor {
  readonly kid: string;
  readonly made: boolean;
  readonly events: readonly NewEvent[];
}

/**
 * Revokes a key: its private part is destroyed (publish.ts says when, for encryption), another takes its place at once, and partners are told where the identity
 * key is here. With the publication, what it really signed since is said again under the new key (publish.ts).
 */
export async function revokeKey(exchange: Exchange, wish: RevocationWish): Promise<RevokedKey | Refusal> {
  const guarded = guardReason(wish.reason);
  if (guarded) return guarded;
  const done = await changeKeys(exchange, (trx) => revokeWithin(exchange, trx, wish));
  if (isRefusal(done)) return done;
  const publication = await publishNow(exchange);
  // One that no published key set offered needs no publication for its end.
  await destroyUnoffered(exchange);
  exchange.wake.outbox();
  const opens = exchange.keys.decrypter(wish.kid) !== undefined && { opens: true as const };
  return { ...done, ...opens, published: !('refused' in publication), publication };
}

/** Revokes several keys under the lock of the keys, in this order; the first refusal ends it. */
export async function revokeAll(
  exchange: Exchange,
  trx: Trx,
  wishes: readonly RevocationWish[],
): Promise<KeyChange<readonly RevokedHere[]> | Refusal> {
  const answer: RevokedHere[] = [];
  const events: NewEvent[] = [];
  for (const wish of wishes) {
    const revoked = await revokeWithin(exchange, trx, wish);
    if (isRefusal(revoked)) return revoked;
    answer.push(revoked.answer);
    events.push(...revoked.events);
  }
  return { answer, events };
}

async function revokeWithin(
  exchange: Exchange,
  trx: Trx,
  wish: RevocationWish,
): Promise<KeyChange<RevokedHere> | Refusal> {
  const { kid, reason } = wish;
  const key = ownKey(exchange, kid);
  if (isRefusal(key)) return key;
  const revokedAt = instantOf(wish, key, secondsNow(exchange));
  if (isRefusal(revokedAt)) return revokedAt;
  // The successor comes first: between the two steps a node must not be left without a key to sign with.
  const successor = await succeed(exchange, trx, key);
  if (isRefusal(successor)) return successor;
  const isCode = codes.keyRevocationReason.some((code) => code === reason);
  const revoked = await exchange.keys.revoke(kid, { revokedAt, reason: isCode ? reason : 'compromised' });
  if (isRefusal(revoked)) return revoked;
  const next = successor && { kid: successor.kid, made: successor.made };
  const early = wish.since !== undefined && Math.floor(Date.parse(wish.since) / 1000) < key.nbf;
  return {
    answer: {
      ...viewKey(revoked, false),
      ...(next && { successor: next }),
      ...(early && { sinceBegin: true as const }),
    },
    events: [
      ...(successor?.events ?? []),
      keyEvent(exchange, 'keys.revoked', kid, { reason, since: viewKey(revoked, false).revokedAt }),
    ],
  };
}

/** Nobody can have used a key before it began: an earlier instant counts as its begin. */
function instantOf({ since }: RevocationWish, key: PublicKey, now: number): number | Refusal {
  const { nbf, revoked } = key;
  const given = since === undefined ? now : Math.floor(Date.parse(since) / 1000);
  const revokedAt = Math.max(given, nbf);
  if (revoked && revokedAt >= revoked.revoked_at) {
    const message = `This key is revoked since ${viewKey(key, true).revokedAt} already.`;
    return refuse('state-conflict', '/kid', message, 'Only an earlier instant can still be given: --since INSTANT.');
  }
  if (given <= now) return revokedAt;
  return refuse('usage-invalid', '/since', 'The instant lies in the future.', 'To revoke from now on: --since now.');
}

/**
 * The key that takes over. For signatures it must have begun when the lost one did: what that one signed is said again with
 * its old time, and partners refuse a signature from before the begin of its key.
 */
async function succeed(exchange: Exchange, trx: Trx, lost: PublicKey): Promise<Successor | undefined | Refusal> {
  if (!needsSuccessor(exchange, lost)) return undefined;
  const now = secondsNow(exchange);
  const nbf = lost.use === 'sig' ? Math.min(lost.nbf, now) : now;
  const ready = lost.state === 'active' ? await readySuccessor(exchange, trx, lost) : undefined;
  const key = ready ?? (await exchange.keys.generate({ alg: lost.alg, nbf, exp: now + KEY_LIFE }));
  const activated = await exchange.keys.activate(key.kid, { nbf, retireReplacedAt: now + RETIRE_AFTER[lost.use] });
  if (isRefusal(activated)) return activated;
  const events = [
    ...(ready ? [] : [keyEvent(exchange, 'keys.generated', key.kid, { alg: key.alg })]),
    keyEvent(exchange, 'keys.activated', key.kid, { replaces: lost.kid }),
  ];
  return { kid: key.kid, made: ready === undefined, events };
}

/** An active key leaves a gap. One that signed and was replaced leaves one where the keys of now began later than it did. */
function needsSuccessor(exchange: Exchange, lost: PublicKey): boolean {
  if (lost.state === 'active') return true;
  if (lost.use === 'enc' || lost.state === 'future' || lost.state === 'revoked') return false;
  // What is older than the horizon is not said again: a key that began before that can stand in for any.
  const now = secondsNow(exchange);
  const early = Math.max(lost.nbf, now - HORIZON);
  const signs = ({ use, state, nbf, exp }: PublicKey) =>
    use === 'sig' && state === 'active' && nbf <= early && exp > now;
  return !exchange.keys.publicKeys().some(signs);
}
