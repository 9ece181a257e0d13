import type { Signer } from '../domain/secrets.ts';
import type { PublicKey } from '../keys/keystore.ts';
import { CLOCK_SKEW } from '../wire/claims.ts';
import type { Exchange } from './context.ts';
import { secondsNow } from './key-change.ts';
import { publishedClaims } from './published.ts';

/** Why nothing can be signed now: it waits, and a person is told. */
export type NoSigner = 'algorithm-not-shared' | 'key-unpublished' | 'key-ended';

/** What partners were told of our keys: kid and begin, in seconds since 1970, and which of them they take. */
interface Told {
  readonly seq: number;
  readonly begins: ReadonlyMap<string, number>;
  readonly good: ReadonlySet<string>;
}

/** What the published key set says, by the exchange that read it: one small query tells whether it is still that one. */
const told = new WeakMap<Exchange, Told>();

async function toldKeys(exchange: Exchange): Promise<Told> {
  const { db } = exchange.store;
  const { key_set_seq: seq } = await db.selectFrom('node').select('key_set_seq').executeTakeFirstOrThrow();
  const known = told.get(exchange);
  if (known?.seq === seq) return known;
  const claims = await publishedClaims(db);
  const keys = claims?.keys ?? [];
  const begins = new Map(keys.map(({ kid, nbf }) => [kid, nbf]));
  const good = new Set(keys.flatMap(({ kid, revoked }) => (revoked ? [] : [kid])));
  // Another publication may have come between the two: what was read is kept under its own number.
  const read = { seq: claims?.seq ?? seq, begins, good };
  told.set(exchange, read);
  return read;
}

/**
 * The key that signs what says that it was issued at `iat` (seconds since 1970), for a partner that verifies `algs`: the active
 * one, newest first, that has not ended and that partners know to have begun by then. What is published counts: a begin that
 * was moved back here only is refused there for good, while a key that nobody was told of is asked for (503) and waits: it
 * signs only where no other one can.
 */
export async function signerFor(exchange: Exchange, algs: readonly string[], iat: number): Promise<Signer | NoSigner> {
  const { begins, good } = await toldKeys(exchange);
  const now = secondsNow(exchange);
  const fits = ({ kid, nbf, exp }: PublicKey) => exp > now && (begins.get(kid) ?? nbf) <= iat + CLOCK_SKEW;
  const signer =
    exchange.keys.signer(algs, (key) => good.has(key.kid) && fits(key)) ?? exchange.keys.signer(algs, fits);
  if (signer) return signer;
  const fitting = exchange.keys
    .publicKeys()
    .filter(({ use, state, alg }) => use === 'sig' && state === 'active' && algs.includes(alg));
  if (fitting.length === 0) return 'algorithm-not-shared';
  return fitting.every(({ exp }) => exp <= now) ? 'key-ended' : 'key-unpublished';
}

/** When a signed message of ours says that it was issued; its payload is our own. */
export function issuedAt(compact: string): number {
  const { iat } = JSON.parse(Buffer.from(compact.split('.')[1] ?? '', 'base64url').toString()) as { iat: number };
  return iat;
}
