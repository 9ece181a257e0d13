import { type AlertCause, type AlertCode, alertsOf } from '../domain/alert.ts';
import { raise, recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { bumpDirectory, lockPartner, partnerKeyRows, partnerRow } from '../store/partners.ts';
import { isAlertOpen, settleRefreshed } from '../store/refresh.ts';
import { inTransaction } from '../store/transaction.ts';
import { keySetToken, readCompact } from '../wire/compact.ts';
import { messageDigest, signingInputOf } from '../wire/digest.ts';
import { endpointsElsewhere, type OpenedKeySet, openKeySet } from '../wire/keyset.ts';
import { isTokenRefusal, refuseToken, type TokenRefusal } from '../wire/token-refusal.ts';
import type { Exchange } from './context.ts';
import { endAlert } from './end-alert.ts';
import { keySetColumns, storeKeys } from './pin-keys.ts';
import { markSuspect } from './suspect.ts';

/** Whom we asked for a key set and when, and the tag that it came with (RFC 9110, section 8.8.3). */
export interface AskedFor {
  readonly issuer: string;
  readonly askedAt: Date;
  readonly etag?: string | undefined;
  /** What we had when we asked: a newer one that was pushed meanwhile makes the answer old, and nobody rolled anything back. */
  readonly since?: Floor | undefined;
}

/** The key set that we have: a lower `seq` is a roll-back, the same with another digest a fork. */
export interface Floor {
  readonly seq: number;
  readonly digest: string;
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
  const known = asked?.since ?? floorOf(row);
  const opened = await openKeySet(token, { issuer, identityKey: row.identity_jwk, floor: known, now });
  if (isTokenRefusal(opened)) return refused(exchange, issuer, opened, asked !== undefined);
  // The set in its card counts until somebody has confirmed whose identity key this is. Only who has it reads this answer.
  if (row.state === 'pending') return refuseToken('partner-pending');
  if (asked === undefined && opened.claims.seq === row.key_set_seq) return { seq: row.key_set_seq, isNew: false };
  const taken = await inTransaction(exchange.store.db, async (trx) => {
    const locked = await lockPartner(trx, issuer);
    if (!locked || locked.state === 'removed') return refuseToken('issuer-unknown');
    if (locked.identity_kid !== row.identity_kid) return MOVED;
    const floor = floorOf(locked);
    const { seq } = opened.claims;
    if (asked?.since && seq < floor.seq) return { seq: floor.seq, isNew: false };
    // Of two key sets at the same time the lower one must see the other as its floor.
    if (seq < floor.seq) return refuseToken('seq-below-floor');
    const isNew = seq > floor.seq;
    if (!isNew && opened.digest !== floor.digest) return refuseToken('key-set-fork');
    if (isNew && asked === undefined && !(await mayAdopt(exchange, trx, opened))) {
      return refuseToken('key-sets-exceeded', MINUTE_MS / 1000);
    }
    if (isNew) await adoptKeySet(exchange, trx, opened);
    // The same set pushed once more proves nothing about today: replayed, it would keep us from asking for a newer one.
    if (isNew || asked !== undefined) {
      const { etag = null, askedAt = null } = asked ?? {};
      await noteRefreshed(exchange, trx, issuer, { refresh: opened.claims.refresh, etag, askedAt });
    }
    return { seq, isNew };
  });
  return isTokenRefusal(taken) ? refused(exchange, issuer, taken, asked !== undefined) : taken;
}

/** The floor that a stored key set is for the next. */
export function floorOf(row: { key_set: string; key_set_seq: number }): Floor {
  return { seq: row.key_set_seq, digest: messageDigest(signingInputOf(row.key_set)) };
}

/** Pushed key sets that are taken at once, and then one a minute: each makes every process read the directory anew. */
const AT_ONCE = 10;
const MINUTE_MS = 60_000;

/** When the allowance of each partner would be whole again, by the exchange that took its sets: kept as long as that lives. */
const allowances = new WeakMap<Exchange, Map<string, number>>();

/** Whether one more pushed key set of this partner is taken now; one that revokes a key always is. */
async function mayAdopt(
  exchange: Exchange,
  trx: Trx,
  { claims: { iss: issuer }, keys }: OpenedKeySet,
): Promise<boolean> {
  const now = exchange.clock();
  const allowance = allowances.get(exchange) ?? new Map<string, number>();
  allowances.set(exchange, allowance);
  const whole = Math.max(now, allowance.get(issuer) ?? now) + MINUTE_MS;
  if (whole <= now + AT_ONCE * MINUTE_MS) {
    allowance.set(issuer, whole);
    return true;
  }
  const good = new Set(
    (await partnerKeyRows(trx, issuer)).flatMap((key) => (key.revoked_at === null ? [key.kid] : [])),
  );
  return keys.some(({ kid, revoked_at }) => revoked_at != null && good.has(kid));
}

/**
 * Makes a verified key set, newer than the last, the partner's own: its keys are pinned, and what revoked keys signed after
 * their instant is in doubt. The partner's row must be locked by this transaction, and the directory not read after it.
 */
export async function adoptKeySet(exchange: Exchange, trx: Trx, opened: OpenedKeySet): Promise<void> {
  const at = new Date(exchange.clock());
  const { iss: issuer, seq } = opened.claims;
  const columns = keySetColumns(opened, opened.compact, at);
  const before = await partnerRow(trx, issuer);
  await trx
    .updateTable('partner')
    .set({ ...columns, endpoints: JSON.stringify(columns.endpoints) })
    .where('issuer', '=', issuer)
    .execute();
  const revocations = await storeKeys(trx, issuer, opened, at);
  for (const { kid, since } of revocations) await markSuspect(exchange, trx, { issuer, kids: [kid], since, at });
  await recordEvents(trx, [{ type: 'key-set.accepted', at, partner: issuer, body: { seq } }]);
  if (before) await raise(trx, movedElsewhere(issuer, before.endpoints, columns.endpoints), at);
  await bumpDirectory(trx);
}

type Endpoints = OpenedKeySet['claims']['endpoints'];

/** Told once: when an endpoint moves to a host that is not the partner's own and that we did not know. */
function movedElsewhere(iss: string, before: Endpoints, after: Endpoints): AlertCause[] {
  const known = new Set(endpointsElsewhere({ iss, endpoints: before }));
  const isNews = endpointsElsewhere({ iss, endpoints: after }).some((origin) => !known.has(origin));
  return isNews ? [{ code: 'endpoint-elsewhere', partner: iss }] : [];
}

/** The partner's `refresh` is the longest pause; a little earlier, so that partners of one day are not asked at one time. */
function nextTurn(exchange: Exchange, refreshSeconds: number): Date {
  const share = 0.8 + 0.2 * exchange.chance.fraction();
  return new Date(exchange.clock() + Math.round(refreshSeconds * 1000 * share));
}

/**
 * Our copy of a partner's key set is the newest: the next turn is counted from now, and a warning that it is old is over.
 * What was wished for since `askedAt` is not answered by it.
 */
export async function noteRefreshed(
  exchange: Exchange,
  trx: Trx,
  issuer: string,
  { refresh, ...asked }: { readonly refresh: number; readonly etag: string | null; readonly askedAt: Date | null },
): Promise<void> {
  const at = new Date(exchange.clock());
  await settleRefreshed(trx, issuer, { at, dueAt: nextTurn(exchange, refresh), ...asked });
  for (const code of ['key-set-stale', 'identity-unknown'] as const) await endAlert(trx, code, issuer, at);
}

/**
 * Tells a person of a key set that the pinned identity key really signed and that must not be taken; anybody can post
 * noise. Once while the alert is open: a replayed old set must not fill the feed.
 */
async function refused(
  exchange: Exchange,
  issuer: string,
  refusal: TokenRefusal,
  fetched: boolean,
): Promise<TokenRefusal> {
  const { reason } = refusal;
  if (reason === 'not-identity-key') return otherIdentity(exchange, issuer, refusal, fetched);
  const event = { type: 'key-set.refused', partner: issuer, code: reason } as const;
  const code = alertsOf(event)[0]?.code;
  if (code !== undefined) await once(exchange, issuer, code, (trx, at) => recordEvents(trx, [{ ...event, at }]));
  return refusal;
}

/**
 * Anybody can post a key set in a partner's name, and that is worth a line in the log. What its own host gives out over TLS
 * is the partner's word, or that of whoever has its host: a person must call.
 */
async function otherIdentity(
  exchange: Exchange,
  partner: string,
  refusal: TokenRefusal,
  fetched: boolean,
): Promise<TokenRefusal> {
  const code = 'identity-unknown';
  if (fetched) await once(exchange, partner, code, (trx, at) => raise(trx, [{ code, partner }], at));
  else exchange.log.info({ event: 'key-set.refused', partner, code: refusal.reason }, 'a key set was refused');
  return refusal;
}

/** Tells once while the alert is open; asked again under the lock, since two replays at the same time are one entry. */
async function once(
  exchange: Exchange,
  issuer: string,
  code: AlertCode,
  tell: (trx: Trx, at: Date) => Promise<void>,
): Promise<void> {
  const { db } = exchange.store;
  if (await isAlertOpen(db, code, issuer)) return;
  await inTransaction(db, async (trx) => {
    await lockPartner(trx, issuer);
    if (!(await isAlertOpen(trx, code, issuer))) await tell(trx, new Date(exchange.clock()));
  });
}
