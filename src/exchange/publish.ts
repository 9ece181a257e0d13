import type { KeySet } from '../domain/contract.types.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { Signer } from '../domain/secrets.ts';
import type { NamedPublicKey } from '../keys/keystore.ts';
import type { Database, Trx } from '../store/open.ts';
import { keySetToken, readCompact } from '../wire/compact.ts';
import { isTokenRefusal } from '../wire/token-refusal.ts';
import { attestOwn } from './attest.ts';
import type { Exchange } from './context.ts';
import { changeKeys, type KeyChange, secondsNow } from './key-change.ts';
import {
  checkCurrent,
  draftPublication,
  openPublication,
  type Publication,
  type PublicationRequest,
  signPublication,
} from './publication.ts';

/** A key set that was made the published one. */
export interface Published {
  readonly seq: number;
  readonly keySet: string;
  /** Signing keys that it is the first to call revoked, or revoked since then. */
  readonly revoked: readonly string[];
}

/** What came of telling it: who has it, and how many messages are said again under a good key. */
export interface Told {
  readonly seq: number;
  readonly told: readonly { readonly partner: string; readonly told: boolean }[];
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
  return changeKeys(exchange, async (trx) => {
    const draft = draftPublication(exchange, here.identity, (await publishedRow(trx)).seq);
    return isRefusal(draft) ? draft : publishWithin(exchange, trx, await signPublication(draft, here.signer), draft);
  });
}

/** What the identity key is asked to sign where it is elsewhere: claims without secrets, in a stable order. */
export async function draftKeySet(exchange: Exchange): Promise<PublicationRequest | Refusal> {
  const identity = await identityOf(exchange);
  if (isRefusal(identity)) return identity;
  await exchange.keys.reload();
  return draftPublication(exchange, identity, (await publishedRow(exchange.store.db)).seq);
}

/** Makes what was signed elsewhere the published key set and card, where our identity key really signed it for the keys of now. */
export async function installKeySet(exchange: Exchange, signed: Publication): Promise<Published | Refusal> {
  const identity = await identityOf(exchange);
  if (isRefusal(identity)) return identity;
  return changeKeys(exchange, async (trx) => {
    const { seq: lastSeq } = await publishedRow(trx);
    const terms = { issuer: exchange.self, identity, now: secondsNow(exchange), lastSeq };
    const opened = await openPublication(signed, terms);
    if (isRefusal(opened)) return opened;
    const draft = draftPublication(exchange, identity, lastSeq);
    if (isRefusal(draft)) return draft;
    return checkCurrent(opened.claims, draft.keySet) ?? publishWithin(exchange, trx, signed, { keySet: opened.claims });
  });
}

async function publishWithin(
  exchange: Exchange,
  trx: Trx,
  { keySet, card }: Publication,
  { keySet: claims }: { readonly keySet: KeySet },
): Promise<KeyChange<Published>> {
  const { seq } = claims;
  const before = revocations(await publishedClaims(trx));
  const revoked = [...revocations(claims)].filter(([kid, instant]) => instant !== before.get(kid));
  await trx.updateTable('node').set({ key_set: keySet, key_set_seq: seq, card }).execute();
  return {
    answer: { seq, keySet, revoked: revoked.map(([kid]) => kid) },
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

async function publishedRow(db: Database) {
  const row = await db.selectFrom('node').select(['key_set', 'key_set_seq', 'card']).executeTakeFirstOrThrow();
  return { keySet: row.key_set, seq: row.key_set_seq, card: row.card };
}

/** The published key set as a compact token, with the ETag that its number makes; undefined before the first. */
export async function publishedKeySet(exchange: Exchange): Promise<{ keySet: string; seq: number } | undefined> {
  const { keySet, seq } = await publishedRow(exchange.store.db);
  return keySet === null ? undefined : { keySet, seq };
}

/** What the published key set says; undefined before the first. */
export async function publishedClaims(db: Database): Promise<KeySet | undefined> {
  const { keySet } = await publishedRow(db);
  if (keySet === null) return undefined;
  const jws = readCompact(keySet, keySetToken);
  // Our own, signed by us and kept by us: anything else is a bug or a broken store.
  if (isTokenRefusal(jws)) throw new Error(`the published key set cannot be read: ${jws.reason}`);
  return jws.payload as unknown as KeySet;
}

/** The newest stored card, whether or not it still lives; undefined before the first. */
export async function storedCard(exchange: Exchange): Promise<string | undefined> {
  return (await publishedRow(exchange.store.db)).card ?? undefined;
}

/** Pushes the published key set to every confirmed partner that has an address for it; one that is away asks later itself. */
async function announceKeys(exchange: Exchange): Promise<{ partner: string; told: boolean }[]> {
  const published = await publishedKeySet(exchange);
  const { partners } = await exchange.directory.within(exchange.store.db);
  if (!published) return [];
  const reachable = [...partners.values()].flatMap((partner) =>
    partner.endpoints.keys && partner.state !== 'pending' ? [{ partner, url: partner.endpoints.keys }] : [],
  );
  return Promise.all(
    reachable.map(async ({ partner, url }) => {
      const { issuer } = partner.facts;
      const answer = await exchange.transport.postKeySet(url, published.keySet, {
        partner: issuer,
        local: partner.local,
      });
      return { partner: issuer, told: answer.status === 'accepted' };
    }),
  );
}

/**
 * Tells partners what was published. Messages by a key that it revokes are said again only now: a partner that did not know
 * the new key, or still took the old one, would refuse them for good.
 */
export async function tellKeys(exchange: Exchange, published: Published | Refusal): Promise<Told | Refusal> {
  if (isRefusal(published)) return published;
  const told = await announceKeys(exchange);
  let attested = 0;
  for (const kid of published.revoked) attested += (await attestOwn(exchange, kid)).queued;
  return { seq: published.seq, told, attested };
}
