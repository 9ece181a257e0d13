import type { KeySet } from '../domain/contract.types.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { Signer } from '../domain/secrets.ts';
import type { NamedPublicKey } from '../keys/keystore.ts';
import { reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { noteFirstUnder } from '../store/told.ts';
import { announceKeys, type ToldPartner } from './announce.ts';
import { oweLost } from './attest.ts';
import type { Exchange } from './context.ts';
import { type KeyChange, secondsNow, withKeys } from './key-change.ts';
import {
  checkCurrent,
  draftPublication,
  openPublication,
  type Publication,
  type PublicationRequest,
  signPublication,
} from './publication.ts';
import { publishedClaims, publishedRow, readPublished } from './published.ts';

/** A key set that was made the published one. */
export interface Published {
  readonly seq: number;
  readonly keySet: string;
  /** Signing keys that it is the first to call revoked, or revoked since then. */
  readonly revoked: readonly string[];
  /** Messages by those that are said again under a good key. */
  readonly attested: number;
}

/** A request beside the published key set, signed, so that whoever is asked sees what is new. */
export interface DraftedRequest extends PublicationRequest {
  readonly published?: string;
}

/** What came of telling it: who has it, and how many messages are said again under a good key. */
export interface Told {
  readonly seq: number;
  readonly told: readonly ToldPartner[];
  readonly attested: number;
}

/** Refused where the identity key is elsewhere, with the three ways to go on. */
function identityElsewhere(): Refusal {
  const next =
    'Name its file: caseref keys publish --identity FILE. Or carry the request to it: caseref keys export-public FILE.';
  return refuse('state-conflict', '', 'The identity key is not on this machine.', next);
}

/** Our identity key, public part; the file is looked into only where node.key is of an earlier release. */
export async function identityOf(exchange: Exchange): Promise<NamedPublicKey | Refusal> {
  const { keys } = exchange;
  if (keys.identity === undefined) await keys.openIdentity();
  return keys.identity ?? identityElsewhere();
}

/** The identity key where its file is on this machine, to sign with now. */
export async function identityHere(
  exchange: Exchange,
): Promise<{ readonly signer: Signer; readonly identity: NamedPublicKey } | Refusal> {
  const signer = await exchange.keys.openIdentity();
  if (isRefusal(signer)) return signer;
  const { identity } = exchange.keys;
  return signer && identity ? { signer, identity } : identityElsewhere();
}

/**
 * Signs the node's current keys and card with the identity key of this machine and makes them the published ones. `seq` is
 * the signing time and always above the last. Partners are told by `tellKeys`.
 */
export async function publishKeys(exchange: Exchange): Promise<Published | Refusal> {
  // Opened before the lock is taken: half a second in which nothing else should wait.
  const here = await identityHere(exchange);
  if (isRefusal(here)) return here;
  const published = await withKeys(exchange, async (trx) => {
    return signWithin(exchange, trx, here);
  });
  await destroyUnoffered(exchange);
  return published;
}

/** The same, where `isWanted` still says so once nobody else can publish: of several processes one does. */
export async function publishWhere(
  exchange: Exchange,
  isWanted: (trx: Trx) => Promise<boolean>,
): Promise<Published | Refusal | undefined> {
  const here = await identityHere(exchange);
  if (isRefusal(here)) return here;
  const published = await withKeys<Published | undefined>(exchange, async (trx) =>
    (await isWanted(trx)) ? signWithin(exchange, trx, here) : { answer: undefined, events: [] },
  );
  await destroyUnoffered(exchange);
  return published;
}

type IdentityHere = Exclude<Awaited<ReturnType<typeof identityHere>>, Refusal>;

async function signWithin(
  exchange: Exchange,
  trx: Trx,
  { signer, identity }: IdentityHere,
): Promise<KeyChange<Published> | Refusal> {
  const draft = draftPublication(exchange, identity, (await publishedRow(trx)).seq);
  return isRefusal(draft) ? draft : publishWithin(exchange, trx, await signPublication(draft, signer), draft);
}

/** What the identity key is asked to sign where it is elsewhere: claims without secrets, in a stable order. */
export async function draftKeySet(exchange: Exchange): Promise<DraftedRequest | Refusal> {
  const identity = await identityOf(exchange);
  if (isRefusal(identity)) return identity;
  await exchange.keys.reload();
  const { seq, keySet } = await publishedRow(exchange.store.db);
  const draft = draftPublication(exchange, identity, seq);
  return isRefusal(draft) || keySet === null ? draft : { ...draft, published: keySet };
}

/** Makes what was signed elsewhere the published key set and card, where our identity key really signed it for the keys of now. */
export async function installKeySet(exchange: Exchange, signed: Publication): Promise<Published | Refusal> {
  const identity = await identityOf(exchange);
  if (isRefusal(identity)) return identity;
  const published = await withKeys(exchange, async (trx) => {
    const { seq: lastSeq } = await publishedRow(trx);
    const terms = { issuer: exchange.self, identity, now: secondsNow(exchange), lastSeq };
    const opened = await openPublication(signed, terms);
    if (isRefusal(opened)) return opened;
    const draft = draftPublication(exchange, identity, lastSeq);
    if (isRefusal(draft)) return draft;
    const { claims } = opened.keySet;
    return checkCurrent(opened, draft, terms) ?? publishWithin(exchange, trx, signed, { keySet: claims });
  });
  await destroyUnoffered(exchange);
  return published;
}

/**
 * Destroys what is left of revoked encryption keys that the published key set does not offer: until then partners go on to
 * encrypt to them, and nobody else could open what they send.
 */
export async function destroyUnoffered(exchange: Exchange): Promise<void> {
  const left = exchange.keys
    .publicKeys()
    .filter(({ kid, state }) => state === 'revoked' && exchange.keys.decrypter(kid) !== undefined);
  if (left.length === 0) return;
  // After the publication and never in its transaction: that can still be undone, and this cannot.
  const told = (await publishedClaims(exchange.store.db))?.keys ?? [];
  for (const { kid } of left) {
    if (!told.some((key) => key.kid === kid && key.revoked === undefined)) await exchange.keys.destroy(kid);
  }
}

async function publishWithin(
  exchange: Exchange,
  trx: Trx,
  { keySet, card }: Publication,
  { keySet: claims }: { readonly keySet: KeySet },
): Promise<KeyChange<Published>> {
  const { seq } = claims;
  // The feed is locked before the node's row: two orders would be a deadlock.
  await reservePositions(trx, 0);
  const last = await publishedRow(trx);
  const former = last.keySet === null ? undefined : readPublished(last.keySet);
  const before = revocations(former?.claims);
  const revoked = [...revocations(claims)].filter(([kid, instant]) => instant !== before.get(kid));
  await trx.updateTable('node').set({ key_set: keySet, key_set_seq: seq, card }).execute();
  // A store that was put back knows nothing of the new identity that its key file has.
  if (former && former.identity !== readPublished(keySet).identity) {
    await noteFirstUnder(trx, { seq, last: last.seq, at: new Date(exchange.clock()) });
  }
  // With the publication, or never: a process that dies after it must not forget what it owes.
  const attested = await oweLost(
    exchange,
    trx,
    revoked.map(([kid, since]) => ({ kid, since })),
  );
  return {
    answer: { seq, keySet, revoked: revoked.map(([kid]) => kid), attested },
    events: [{ type: 'keys.published', at: new Date(exchange.clock()), body: { seq } }],
  };
}

/** Revoked signing keys with the instant: one that was moved to an earlier instant is news again. */
function revocations(claims: KeySet | undefined): ReadonlyMap<string, number> {
  const keys = claims?.keys ?? [];
  return new Map(
    keys.flatMap(({ kid, use, revoked }) => (use === 'sig' && revoked ? [[kid, revoked.revoked_at]] : [])),
  );
}

/**
 * Tells partners what was published; one that does not know the new key yet answers `503` to what is said again under it.
 */
export async function tellKeys(exchange: Exchange, published: Published | Refusal): Promise<Told | Refusal> {
  if (isRefusal(published)) return published;
  const { told, attested } = await announceKeys(exchange, published);
  return { seq: published.seq, told, attested: published.attested + attested };
}
