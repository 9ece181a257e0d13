import { codes } from '../domain/codes.ts';
import { guard } from '../domain/guard.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { KEY_LIFE, type PublicKey } from '../keys/keystore.ts';
import type { NewEvent } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import type { Exchange } from './context.ts';
import { changeKeys, keyEvent, ownKey, secondsNow } from './key-change.ts';
import { publishNow, readySuccessor } from './key-state.ts';
import { type OwnKey, viewKey } from './own-keys.ts';
import type { Told } from './publish.ts';

export interface RevocationWish {
  readonly kid: string;
  /** Code of key-revocation-reason.json, which partners read; other words are for our own feed, and partners read `compromised`. */
  readonly reason: string;
  /** From when others may have had the key, in ISO; now where absent. */
  readonly since?: string | undefined;
}

export interface RevokedKey extends OwnKey {
  /** The key that took its place at once, and whether it was made for that. */
  readonly successor?: { readonly kid: string; readonly made: boolean };
  readonly publication: Told | { readonly refused: Refusal };
}

interface Successor {
  readonly kid: string;
  readonly made: boolean;
  readonly events: readonly NewEvent[];
}

/**
 * Revokes a key: its private part is destroyed, another takes its place at once, and partners are told where the identity
 * key is here. With the publication, what it really signed since is said again under the new key (publish.ts).
 */
export async function revokeKey(exchange: Exchange, wish: RevocationWish): Promise<RevokedKey | Refusal> {
  const { kid, reason } = wish;
  const guarded = guard({ reason }, { form: 'policy' });
  if (guarded) return guarded;
  const isCode = codes.keyRevocationReason.some((code) => code === reason);
  const done = await changeKeys(exchange, async (trx) => {
    const key = ownKey(exchange, kid);
    if (isRefusal(key)) return key;
    const revokedAt = instantOf(wish, key, secondsNow(exchange));
    if (isRefusal(revokedAt)) return revokedAt;
    // The successor comes first: between the two steps a node must not be left without a key to sign with.
    const successor = await succeed(exchange, trx, key);
    if (isRefusal(successor)) return successor;
    const revoked = await exchange.keys.revoke(kid, { revokedAt, reason: isCode ? reason : 'compromised' });
    if (isRefusal(revoked)) return revoked;
    const next = successor && { kid: successor.kid, made: successor.made };
    return {
      answer: { ...viewKey(revoked, false), ...(next && { successor: next }) },
      events: [
        ...(successor?.events ?? []),
        keyEvent(exchange, 'keys.revoked', kid, { reason, since: viewKey(revoked, false).revokedAt }),
      ],
    };
  });
  if (isRefusal(done)) return done;
  const publication = await publishNow(exchange);
  exchange.wake.outbox();
  return { ...done, published: !('refused' in publication), publication };
}

function instantOf({ since }: RevocationWish, key: PublicKey, now: number): number | Refusal {
  const { nbf, revoked } = key;
  const revokedAt = since === undefined ? Math.max(now, nbf) : Math.floor(Date.parse(since) / 1000);
  if (revoked && revokedAt >= revoked.revoked_at) {
    const message = `This key is revoked since ${viewKey(key, true).revokedAt} already.`;
    return refuse('state-conflict', '/kid', message, 'Only an earlier instant can still be given: --since INSTANT.');
  }
  if (revokedAt < nbf) {
    const message = `The key began at ${viewKey(key, true).notBefore}: nobody can have used it before.`;
    return refuse('usage-invalid', '/since', message, 'Give that instant or a later one.');
  }
  if (revokedAt > Math.max(now, nbf))
    return refuse(
      'usage-invalid',
      '/since',
      'The instant lies in the future.',
      'Leave --since out to revoke from now on.',
    );
  return revokedAt;
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
  const activated = await exchange.keys.activate(key.kid, { nbf });
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
  const signs = ({ use, state, nbf }: PublicKey) => use === 'sig' && state === 'active' && nbf <= lost.nbf;
  return !exchange.keys.publicKeys().some(signs);
}
