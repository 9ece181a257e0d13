import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { PublicKey } from '../keys/keystore.ts';
import { partnerRows } from '../store/partners.ts';
import { identityStanding, noteIdentity } from '../store/told.ts';
import { spokenFingerprint } from '../wire/fingerprint.ts';
import { announceKeys, type ToldPartner } from './announce.ts';
import type { Exchange } from './context.ts';
import { changeKeys, guardReason, keyEvent, secondsNow } from './key-change.ts';
import { PUBLIC_FOR } from './key-times.ts';
import { publishKeys, tellKeys } from './publish.ts';
import { type RevokedHere, revokeAll } from './revoke-key.ts';

/** What happened: exactly one of `since` and `keepKeys` says what became of the operational keys. */
export interface IdentityWish {
  readonly reason: string;
  /** The operational keys were in other hands too, from this instant on, in ISO. */
  readonly since?: string | undefined;
  /** The operational keys were in nobody else's hands. */
  readonly keepKeys?: boolean | undefined;
  /** Once more, though no partner has taken the one of the last 24 hours. */
  readonly again?: boolean | undefined;
}

/** A partner that must be given the new card, and where its people are reached. */
export interface ToBeTold {
  readonly issuer: string;
  readonly name: string;
  readonly phone?: string;
  readonly emergencyPhone?: string;
}

/** What partners were told of the revocation while they still trust the old identity; `refused` says why nothing. */
export type Forewarned = { readonly told: readonly ToldPartner[] } | { readonly refused: Refusal };

export interface NewIdentity {
  readonly fingerprint: string;
  readonly spoken: string;
  readonly former?: string;
  /** Where the old identity file was put, below the node's directory; absent where it was not here. */
  readonly formerFile?: string;
  readonly seq: number;
  /** The operational keys that were revoked as stolen. */
  readonly revoked: readonly RevokedHere[];
  /** Absent where the old identity key was not here, or nothing was stolen. */
  readonly forewarned?: Forewarned;
  readonly partners: readonly ToBeTold[];
}

const DAY_MS = 86_400_000;

/**
 * Makes a new identity key for one that is lost or taken, and signs key set and card with it. Operational keys that were
 * stolen are revoked first, under the old identity where its file is still here, since partners learn of that at once. What
 * the new identity signs they refuse until each has confirmed its fingerprint by telephone. Signing keys are always
 * replaced: what they signed can then be said again to a partner that doubts the old identity from some instant on.
 */
export async function replaceIdentity(exchange: Exchange, wish: IdentityWish): Promise<NewIdentity | Refusal> {
  const wrong = guardReason(wish.reason) ?? wrongWish(exchange, wish) ?? (await tooSoon(exchange, wish));
  if (wrong) return wrong;
  const { reason } = wish;
  const former = exchange.keys.identity?.kid;
  const old = await exchange.keys.openIdentity();
  const revoked = wish.since === undefined ? [] : await revokeStolen(exchange, wish.since, reason);
  if (isRefusal(revoked)) return revoked;
  const forewarned = wish.since === undefined || old === undefined ? undefined : await forewarn(exchange);
  const identity = await exchange.keys.replaceIdentity();
  if (isRefusal(identity)) return identity;
  const about = { reason, ...(former !== undefined && { former }) };
  const renewed = await changeKeys(exchange, async (trx) => {
    const superseded = await revokeAll(exchange, trx, signingKeys(exchange));
    if (isRefusal(superseded)) return superseded;
    return {
      answer: true,
      events: [keyEvent(exchange, 'keys.identity-replaced', identity.kid, about), ...superseded.events],
      write: (again) => noteIdentity(again, new Date(exchange.clock())),
    };
  });
  if (isRefusal(renewed)) return renewed;
  const published = await tellKeys(exchange, await publishKeys(exchange));
  exchange.wake.outbox();
  if (isRefusal(published)) return published;
  return {
    fingerprint: identity.kid,
    spoken: spokenFingerprint(identity.kid),
    ...(former !== undefined && { former }),
    ...(old !== undefined && former !== undefined && { formerFile: `keys/identity-${former}.old` }),
    seq: published.seq,
    revoked,
    ...(forewarned && { forewarned }),
    partners: await toBeTold(exchange),
  };
}

function wrongWish(exchange: Exchange, { since, keepKeys = false }: IdentityWish): Refusal | undefined {
  if ((since === undefined) !== keepKeys) {
    const message =
      'What became of the keys that sign and open messages is not said, and who has them goes on using them.';
    const next =
      'If they may be in other hands too: --since INSTANT, from then on they are revoked. If they are safe: --keep-keys.';
    return refuse('usage-invalid', '', message, next);
  }
  if (since === undefined || Math.floor(Date.parse(since) / 1000) <= secondsNow(exchange)) return undefined;
  return refuse('usage-invalid', '/since', 'The instant lies in the future.', 'To revoke from now on: --since now.');
}

/** Each new identity means another round of telephone calls: a command that was typed twice must not begin one. */
async function tooSoon(exchange: Exchange, { again = false }: IdentityWish): Promise<Refusal | undefined> {
  const { at, taken } = await identityStanding(exchange.store.db);
  if (again || at === null || taken > 0 || exchange.clock() - at.getTime() > DAY_MS) return undefined;
  const message = 'A new identity was made within the last day, and no partner has taken it yet.';
  const next = 'Give partners that one: caseref card. If it is lost as well: --again.';
  return refuse('state-conflict', '', message, next);
}

/** Revokes every key whose private part was on this machine at the instant, those that are planned included. */
async function revokeStolen(
  exchange: Exchange,
  since: string,
  reason: string,
): Promise<readonly RevokedHere[] | Refusal> {
  const from = Math.floor(Date.parse(since) / 1000);
  return changeKeys(exchange, async (trx) => {
    const stolen = exchange.keys
      .publicKeys()
      .filter(
        (key) => wasHere(key, from) && (key.revoked?.revoked_at ?? Number.POSITIVE_INFINITY) > Math.max(from, key.nbf),
      );
    return revokeAll(
      exchange,
      trx,
      inOrder(stolen).map(({ kid }) => ({ kid, reason, since })),
    );
  });
}

function wasHere({ state, exp }: PublicKey, from: number): boolean {
  return state !== 'retired' || exp - PUBLIC_FOR >= from;
}

/** Planned keys first, so that none of them takes over; then the oldest, whose successor can stand in for all. */
function inOrder(keys: readonly PublicKey[]): PublicKey[] {
  const rank = ({ state, nbf }: PublicKey) => (state === 'future' ? 0 : nbf);
  return keys.toSorted((one, other) => rank(one) - rank(other));
}

/** Under the old identity, which partners still trust. What the lost keys signed is said again under the new one only. */
async function forewarn(exchange: Exchange): Promise<Forewarned> {
  const published = await publishKeys(exchange);
  return isRefusal(published) ? { refused: published } : { told: (await announceKeys(exchange, published)).told };
}

/** Signing keys that partners know, or knew: none of them may be the one that attests. */
function signingKeys(exchange: Exchange) {
  const now = secondsNow(exchange);
  const known = exchange.keys
    .publicKeys()
    .filter(({ use, state, exp }) => use === 'sig' && state !== 'future' && state !== 'revoked' && exp > now);
  return inOrder(known).map(({ kid }) => ({ kid, reason: 'superseded' }));
}

async function toBeTold(exchange: Exchange): Promise<ToBeTold[]> {
  const rows = (await partnerRows(exchange.store.db)).filter(({ state }) => state !== 'removed');
  return rows.map(({ issuer, name, contact }) => ({
    issuer,
    name,
    ...(contact?.phone !== undefined && { phone: contact.phone }),
    ...(contact?.emergencyPhone !== undefined && { emergencyPhone: contact.emergencyPhone }),
  }));
}

/** Encrypts the key files anew under another passphrase. */
export async function changePassphrase(
  exchange: Exchange,
  { current, next }: { readonly current: string; readonly next: string },
): Promise<{ readonly identity: 'changed' | 'absent' | 'own-passphrase' } | Refusal> {
  if (current === next)
    return refuse('usage-invalid', '/next', 'This is the passphrase that it has.', 'Choose another one.');
  return exchange.keys.changePassphrase(current, next);
}
