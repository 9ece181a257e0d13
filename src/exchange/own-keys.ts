import { isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { SigningAlgorithm } from '../domain/secrets.ts';
import { KEY_LIFE, type PublicKey } from '../keys/keystore.ts';
import { recordEvents } from '../store/feed.ts';
import { inTransaction } from '../store/transaction.ts';
import { keySetToken, readCompact } from '../wire/compact.ts';
import { spokenFingerprint } from '../wire/fingerprint.ts';
import { isTokenRefusal } from '../wire/token-refusal.ts';
import type { Exchange } from './context.ts';
import { publishedKeySet, REFRESH_SECONDS } from './publish.ts';

/** An own operational key as it is shown to the operator. */
export interface OwnKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly use: 'sig';
  readonly state: PublicKey['state'];
  readonly notBefore: string;
  readonly expiresAt: string;
}

/** The identity key's fingerprint, written and spoken; `present` tells whether its private part is on this machine. */
export interface OwnIdentity {
  readonly kid: string;
  readonly spoken: string;
  readonly present: boolean;
}

function view({ kid, alg, use, state, nbf, exp }: PublicKey): OwnKey {
  return { kid, alg, use, state, notBefore: isoInstant(nbf * 1000), expiresAt: isoInstant(exp * 1000) };
}

/** The identity that partners pin: of the key file, or, where that is kept offline, of the published key set it signed. */
export async function ownIdentity(exchange: Exchange): Promise<OwnIdentity | Refusal> {
  const { identity } = exchange.keys;
  if (identity) return { kid: identity.kid, spoken: spokenFingerprint(identity.kid), present: true };
  const published = await publishedKeySet(exchange);
  const jws = published && readCompact(published.keySet, keySetToken);
  if (!jws || isTokenRefusal(jws)) {
    const next = 'Bring keys/identity.key back and publish: caseref keys publish.';
    return refuse('state-conflict', '', 'The identity key is not here and signed no key set yet.', next);
  }
  return { kid: jws.kid, spoken: spokenFingerprint(jws.kid), present: false };
}

/** Own operational keys, the private parts left out. */
export function ownKeys(exchange: Exchange): OwnKey[] {
  return exchange.keys.publicKeys().map(view);
}

/**
 * Makes an operational key that partners learn of with the next publication. It begins three refresh periods from now,
 * so that every partner has it before it signs; until it is activated it signs nothing.
 */
export async function generateKey(exchange: Exchange, alg: Exclude<SigningAlgorithm, 'ML-DSA-65'>): Promise<OwnKey> {
  const nbf = Math.floor(exchange.clock() / 1000) + 3 * REFRESH_SECONDS;
  const key = await exchange.keys.generate({ alg, nbf, exp: nbf + KEY_LIFE });
  const at = new Date(exchange.clock());
  await inTransaction(exchange.store.db, (trx) =>
    recordEvents(trx, [{ type: 'keys.generated', at, body: { kid: key.kid, alg } }]),
  );
  return view(key);
}
