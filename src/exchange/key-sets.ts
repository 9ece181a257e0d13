import { alertsOf } from '../domain/alert.ts';
import { type NewEvent, recordEvents, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { bumpDirectory, lockPartner, partnerRow } from '../store/partners.ts';
import { closeAlertOf, isAlertOpen, settleRefreshed } from '../store/refresh.ts';
import { inTransaction } from '../store/transaction.ts';
import { keySetToken, readCompact } from '../wire/compact.ts';
import { messageDigest, signingInputOf } from '../wire/digest.ts';
import { type OpenedKeySet, openKeySet } from '../wire/keyset.ts';
import { isTokenRefusal, refuseToken, type TokenRefusal } from '../wire/token-refusal.ts';
import type { Exchange } from './context.ts';
import { keySetColumns, storeKeys } from './pin-keys.ts';
import { markSuspect } from './suspect.ts';

/** Whom we asked for a key set, and the tag that it came with (RFC 9110, section 8.8.3). */
export interface AskedFor {
  readonly issuer: string;
  readonly etag?: string | undefined;
}

/** A key set's `seq`; `isNew` where it was not the one that we had. */
export interface TakenKeySet {
  readonly seq: number;
  readonly isNew: boolean;
}

/** The identity key that was verified with is not the pinned one any more. */
const MOVED = Symbol('moved');

/**
 * Takes a partner's key set, pushed or fetched: it authenticates itself by the identity key pinned at the introduction.
 * A lower `seq`, or the same with other content, is refused and told in the feed; the same once more is nothing.
 */
export async function takeKeySet(
  exchange: Exchange,
  token: string,
  asked?: AskedFor,
): Promise<TakenKeySet | TokenRefusal> {
  const claimed = readCompact(token, keySetToken);
  if (isTokenRefusal(claimed)) return claimed;
  const issuer = claimed.payload.iss;
  if (typeof issuer !== 'string') return refuseToken('iss-invalid');
  if (asked !== undefined && asked.issuer !== issuer) return refuseToken('issuer-mismatch');
  for (;;) {
    const taken = await takeOnce(exchange, issuer, token, asked);
    if (taken !== MOVED) return taken;
  }
}

/** Verified before the partner's row is locked: what anybody can post must not make the partner's own messages wait. */
async function takeOnce(
  exchange: Exchange,
  issuer: string,
  token: string,
  asked: AskedFor | undefined,
): Promise<TakenKeySet | TokenRefusal | typeof MOVED> {
  const row = await partnerRow(exchange.store.db, issuer);
  if (!row || row.state === 'removed') return refuseToken('issuer-unknown');
  const now = Math.floor(exchange.clock() / 1000);
  const opened = await openKeySet(token, { issuer, identityKey: row.identity_jwk, floor: floorOf(row), now });
  if (isTokenRefusal(opened)) return refused(exchange, issuer, opened);
  if (asked === undefined && opened.claims.seq === row.key_set_seq) return { seq: row.key_set_seq, isNew: false };
  const taken = await inTransaction(exchange.store.db, async (trx) => {
    const locked = await lockPartner(trx, issuer);
    if (!locked || locked.state === 'removed') return refuseToken('issuer-unknown');
    if (locked.identity_kid !== row.identity_kid) return MOVED;
    const floor = floorOf(locked);
    const { seq } = opened.claims;
    // Of two key sets at the same time the lower one must see the other as its floor.
    if (seq < floor.seq) return refuseToken('seq-below-floor');
    const isNew = seq > floor.seq;
    if (!isNew && opened.digest !== floor.digest) return refuseToken('key-set-fork');
    if (isNew) await adoptKeySet(exchange, trx, opened);
    // The same set pushed once more proves nothing about today: replayed, it would keep us from asking for a newer one.
    if (isNew || asked !== undefined) {
      await noteRefreshed(exchange, trx, issuer, { refresh: opened.claims.refresh, etag: asked?.etag ?? null });
    }
    return { seq, isNew };
  });
  return isTokenRefusal(taken) ? refused(exchange, issuer, taken) : taken;
}

function floorOf(row: { key_set: string; key_set_seq: number }): { seq: number; digest: string } {
  return { seq: row.key_set_seq, digest: messageDigest(signingInputOf(row.key_set)) };
}

/**
 * Makes a verified key set, newer than the last, the partner's own: its keys are pinned, and what revoked keys signed after
 * their instant is in doubt. The partner's row must be locked by this transaction, and the directory not read after it.
 */
export async function adoptKeySet(exchange: Exchange, trx: Trx, opened: OpenedKeySet): Promise<void> {
  const at = new Date(exchange.clock());
  const { iss: issuer, seq } = opened.claims;
  const columns = keySetColumns(opened, opened.compact, at);
  await trx
    .updateTable('partner')
    .set({ ...columns, endpoints: JSON.stringify(columns.endpoints) })
    .where('issuer', '=', issuer)
    .execute();
  const revocations = await storeKeys(trx, issuer, opened, at);
  for (const { kid, since } of revocations) await markSuspect(trx, { issuer, kids: [kid], since, at });
  await recordEvents(trx, [{ type: 'key-set.accepted', at, partner: issuer, body: { seq } }]);
  await bumpDirectory(trx);
}

/** The partner's `refresh` is the longest pause; a little earlier, so that partners of one day are not asked at one time. */
function nextTurn(exchange: Exchange, refreshSeconds: number): Date {
  const share = 0.8 + 0.2 * exchange.chance.fraction();
  return new Date(exchange.clock() + Math.round(refreshSeconds * 1000 * share));
}

/** Our copy of a partner's key set is the newest: the next turn is counted from now, and a warning that it is old is over. */
export async function noteRefreshed(
  exchange: Exchange,
  trx: Trx,
  issuer: string,
  { refresh, etag }: { readonly refresh: number; readonly etag: string | null },
): Promise<void> {
  const at = new Date(exchange.clock());
  await settleRefreshed(trx, issuer, { at, dueAt: nextTurn(exchange, refresh), etag });
  if (!(await isAlertOpen(trx, 'key-set-stale', issuer))) return;
  await reservePositions(trx, 0);
  const alert = await closeAlertOf(trx, 'key-set-stale', issuer, at);
  if (alert === undefined) return;
  await recordEvents(trx, [{ type: 'alert.closed', at, code: 'key-set-stale', partner: issuer, body: { alert } }]);
}

/**
 * Tells a person of a key set that the pinned identity key really signed and that must not be taken; anybody can post
 * noise. Once while the alert is open: a replayed old set must not fill the feed.
 */
async function refused(exchange: Exchange, issuer: string, refusal: TokenRefusal): Promise<TokenRefusal> {
  const event = { type: 'key-set.refused', partner: issuer, code: refusal.reason } as const;
  const code = alertsOf(event)[0]?.code;
  const { db } = exchange.store;
  if (code === undefined || (await isAlertOpen(db, code, issuer))) return refusal;
  await inTransaction(db, async (trx) => {
    const entry: NewEvent = { ...event, at: new Date(exchange.clock()) };
    // Asked again under the lock: two replays at the same time are one entry.
    await lockPartner(trx, issuer);
    if (!(await isAlertOpen(trx, code, issuer))) await recordEvents(trx, [entry]);
  });
  return refusal;
}
