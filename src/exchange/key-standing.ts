import type { KeySet } from '../domain/contract.types.ts';
import type { PublicKey } from '../keys/keystore.ts';
import type { Database } from '../store/open.ts';
import type { Exchange } from './context.ts';
import { secondsNow } from './key-change.ts';
import { isOfferedThough, publishedRow, readPublished } from './published.ts';

/** Where the key file and the published key set differ though both should say the same, by the kids of the keys. */
export interface KeyDifference {
  /** Revoked here, and partners do not know it, or know of a later instant. */
  readonly untold: readonly string[];
  /** Sign or open messages here, and partners do not know them, or not from when on. */
  readonly unknown: readonly string[];
  /** To be activated later, and not published: nothing waits for them yet. */
  readonly planned: readonly string[];
  /** Known to the key set only, or revoked there only: the key file is the older one. */
  readonly forgotten: readonly string[];
}

type Told = KeySet['keys'];

/** Compares our keys with what partners were told of them; `now` in seconds since 1970. */
export function compareKeys(keys: readonly PublicKey[], told: Told, now: number): KeyDifference {
  const known = new Map(told.filter(({ exp }) => exp > now).map((entry) => [entry.kid, entry]));
  const kids = (differs: (key: PublicKey, entry: Told[number] | undefined) => boolean) =>
    keys.filter((key) => differs(key, known.get(key.kid))).map(({ kid }) => kid);
  return {
    untold: kids((key, entry) => entry !== undefined && (isOfferedThough(key, told) || isEarlier(key, entry))),
    unknown: kids((key, entry) => isInUse(key) && key.exp > now && (entry === undefined || entry.nbf > key.nbf)),
    planned: kids(({ state, plan }, entry) => state === 'future' && plan !== undefined && entry === undefined),
    forgotten: [...known.values()].filter((entry) => isForgotten(entry, keys)).map(({ kid }) => kid),
  };
}

function isInUse({ state }: PublicKey): boolean {
  return state === 'active' || state === 'replaced';
}

function isEarlier({ revoked }: PublicKey, told: Told[number]): boolean {
  return revoked !== undefined && told.revoked !== undefined && revoked.revoked_at < told.revoked.revoked_at;
}

function isForgotten({ kid, revoked }: Told[number], keys: readonly PublicKey[]): boolean {
  const key = keys.find((one) => one.kid === kid);
  return key === undefined || (revoked !== undefined && key.revoked === undefined);
}

/** How our keys stand to the key set that is published now. */
export interface KeyStanding extends KeyDifference {
  /** Partners may have a newer key set than this store, which was put back. */
  readonly lost: boolean;
  /** The key set was signed by another identity key than ours of today. */
  readonly otherIdentity: boolean;
}

/** Reads it; undefined before the first publication. Through a transaction that has the lock of the keys, it is final. */
export async function readKeyStanding(exchange: Exchange, db: Database): Promise<KeyStanding | undefined> {
  // The key set first: another process changes the file before it publishes, so the file is never the older one by that.
  const { keySet, seq } = await publishedRow(db);
  if (keySet === null) return undefined;
  await exchange.keys.reload();
  const { claims, identity } = readPublished(keySet);
  const own = exchange.keys.identity;
  return {
    ...compareKeys(exchange.keys.publicKeys(), claims.keys, secondsNow(exchange)),
    lost: seq > claims.seq,
    otherIdentity: own !== undefined && own.kid !== identity,
  };
}

/** Whether something must be published that is not; never from a key file that is itself the older one. */
export function wantsPublication(standing: KeyStanding): boolean {
  return standing.forgotten.length === 0 && (isBehind(standing) || standing.planned.length > 0);
}

/** Whether partners trust or doubt the wrong keys, or may have a newer key set. */
export function isBehind({ untold, unknown, lost, otherIdentity }: KeyStanding): boolean {
  return untold.length > 0 || unknown.length > 0 || lost || otherIdentity;
}
