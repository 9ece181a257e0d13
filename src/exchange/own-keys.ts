import { isoInstant } from '../domain/instant.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { KEY_LIFE, type NewKey, type PublicKey } from '../keys/keystore.ts';
import { spokenFingerprint } from '../wire/fingerprint.ts';
import type { Exchange } from './context.ts';
import { changeKeys, guardReason, keyEvent, secondsNow } from './key-change.ts';
import { AHEAD_SECONDS } from './key-times.ts';
import { identityOf } from './publish.ts';
import { publishedClaims } from './published.ts';

/** An own operational key as it is shown to the operator. */
export interface OwnKey {
  readonly kid: string;
  readonly alg: PublicKey['alg'];
  readonly use: PublicKey['use'];
  readonly state: PublicKey['state'];
  readonly notBefore: string;
  readonly expiresAt: string;
  /** When the node activates it by itself. */
  readonly activateAt?: string;
  /** When the node destroys the private part of a key that was replaced. */
  readonly retireAt?: string;
  readonly revokedAt?: string;
  readonly revokedReason?: string;
  /** Whether partners have been told of it, as it is now, by the published key set. */
  readonly published: boolean;
}

/** The identity key's fingerprint, written and spoken; `present` tells whether its private part is on this machine. */
export interface OwnIdentity {
  readonly kid: string;
  readonly spoken: string;
  readonly present: boolean;
}

const at = (seconds: number) => isoInstant(seconds * 1000);

/** The key as it is shown; `published` tells whether the published key set names it so. */
export function viewKey(key: PublicKey, published: boolean): OwnKey {
  const { kid, alg, use, state, nbf, exp, plan, retireAt, revoked } = key;
  return {
    kid,
    alg,
    use,
    state,
    notBefore: at(nbf),
    expiresAt: at(exp),
    ...(plan && { activateAt: at(plan.activateAt) }),
    ...(retireAt !== undefined && { retireAt: at(retireAt) }),
    ...(revoked && { revokedAt: at(revoked.revoked_at), revokedReason: revoked.reason }),
    published,
  };
}

/** The identity that partners pin, and whether its file is here. */
export async function ownIdentity(exchange: Exchange): Promise<OwnIdentity | Refusal> {
  // A file that does not open with the node's passphrase is here all the same.
  const present = (await exchange.keys.openIdentity()) !== undefined;
  const identity = await identityOf(exchange);
  return isRefusal(identity) ? identity : { kid: identity.kid, spoken: spokenFingerprint(identity.kid), present };
}

/** Own operational keys in the order in which they were made, ended ones too; the private parts left out. */
export async function ownKeys(exchange: Exchange): Promise<OwnKey[]> {
  await exchange.keys.reload();
  const told = new Map((await publishedClaims(exchange.store.db))?.keys.map((key) => [key.kid, key]));
  return exchange.keys.publicKeys().map((key) => {
    const entry = told.get(key.kid);
    return viewKey(key, entry !== undefined && entry.revoked?.revoked_at === key.revoked?.revoked_at);
  });
}

/** A key to be made: `alg` goes with `use`, `from` in ISO, `reason` for a begin that partners cannot all know of in time. */
export interface KeyWish {
  readonly alg?: Exclude<PublicKey['alg'], 'ECDH-ES'> | undefined;
  readonly use?: PublicKey['use'] | undefined;
  readonly from?: string | undefined;
  readonly reason?: string | undefined;
}

/**
 * Makes an operational key that partners learn of with the next publication. It begins three refresh periods from now,
 * so that every partner has it before it signs; an earlier begin wants a reason. Until it is activated it signs nothing.
 */
export async function generateKey(exchange: Exchange, wish: KeyWish = {}): Promise<OwnKey | Refusal> {
  const guarded = guardReason(wish.reason);
  if (guarded) return guarded;
  const alg = algorithmOf(wish);
  if (isRefusal(alg)) return alg;
  const nbf = beginOf(wish, secondsNow(exchange));
  if (isRefusal(nbf)) return nbf;
  return changeKeys(exchange, async () => {
    const key = await exchange.keys.generate({ alg, nbf, exp: nbf + KEY_LIFE });
    const more = { alg, ...(wish.reason !== undefined && { reason: wish.reason }) };
    return { answer: viewKey(key, false), events: [keyEvent(exchange, 'keys.generated', key.kid, more)] };
  });
}

/** The algorithm that a wish comes to; encryption knows one. */
export function algorithmOf({ alg, use = 'sig' }: KeyWish): NewKey['alg'] | Refusal {
  if (use === 'sig') return alg ?? 'Ed25519';
  if (alg === undefined) return 'ECDH-ES';
  return refuse('usage-invalid', '/alg', 'An encryption key has no signature algorithm.', 'Leave --alg out.');
}

const LATEST = 366 * 24 * 60 * 60;

function beginOf({ from, reason }: KeyWish, now: number): number | Refusal {
  const soonest = now + AHEAD_SECONDS;
  if (from === undefined) return soonest;
  const nbf = Math.floor(Date.parse(from) / 1000);
  if (nbf < now) return refuse('usage-invalid', '/from', 'The key would begin in the past.', 'Give a later instant.');
  if (nbf > now + LATEST)
    return refuse('usage-invalid', '/from', 'The key would begin in more than a year.', 'Give an earlier instant.');
  if (nbf >= soonest || reason !== undefined) return nbf;
  const message = `Partners may not know of the key before ${at(soonest)}: what it signs until then they refuse.`;
  return refuse('state-conflict', '/from', message, 'Leave --from out, or say why it must be earlier: --reason TEXT.');
}
