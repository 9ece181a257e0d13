import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { recordEvents } from '../store/feed.ts';
import { partnerRows } from '../store/partners.ts';
import { inTransaction } from '../store/transaction.ts';
import { spokenFingerprint } from '../wire/fingerprint.ts';
import type { Exchange } from './context.ts';
import { guardReason, keyEvent } from './key-change.ts';
import { publishKeys } from './publish.ts';

/** A partner that must be given the new card, and where its people are reached. */
export interface ToBeTold {
  readonly issuer: string;
  readonly name: string;
  readonly phone?: string;
  readonly emergencyPhone?: string;
}

export interface NewIdentity {
  readonly fingerprint: string;
  readonly spoken: string;
  readonly former?: string;
  readonly seq: number;
  readonly partners: readonly ToBeTold[];
}

/**
 * Makes a new identity key for one that is lost or taken, and signs key set and card with it. Nobody is told by the wire:
 * partners refuse everything by a key that they did not pin, until each has confirmed the new fingerprint by telephone.
 */
export async function replaceIdentity(
  exchange: Exchange,
  { reason }: { readonly reason: string },
): Promise<NewIdentity | Refusal> {
  const guarded = guardReason(reason);
  if (guarded) return guarded;
  const former = exchange.keys.identity?.kid;
  const identity = await exchange.keys.replaceIdentity();
  if (isRefusal(identity)) return identity;
  const more = { reason, ...(former !== undefined && { former }) };
  await inTransaction(exchange.store.db, (trx) =>
    recordEvents(trx, [keyEvent(exchange, 'keys.identity-replaced', identity.kid, more)]),
  );
  const published = await publishKeys(exchange);
  if (isRefusal(published)) return published;
  return {
    fingerprint: identity.kid,
    spoken: spokenFingerprint(identity.kid),
    ...(former !== undefined && { former }),
    seq: published.seq,
    partners: await toBeTold(exchange),
  };
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
