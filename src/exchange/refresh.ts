import type { KeySet } from '../domain/contract.types.ts';
import { raise } from '../store/feed.ts';
import { partnerRow } from '../store/partners.ts';
import {
  type ClaimedRefresh,
  claimRefreshes,
  isAlertOpen,
  partnersUnrefreshed,
  settleFailed,
  settleInVain,
  wishRefresh,
} from '../store/refresh.ts';
import { partnersCleared } from '../store/suspect-left.ts';
import { inTransaction } from '../store/transaction.ts';
import { keySetToken, readCompact } from '../wire/compact.ts';
import { isTokenRefusal } from '../wire/token-refusal.ts';
import type { Exchange } from './context.ts';
import { endAlert } from './end-alert.ts';
import { type Floor, floorOf, noteRefreshed, takeKeySet } from './key-sets.ts';
import { every, type Ticking } from './ticking.ts';

const TICK_MS = 1000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** After so long without an answer a person is told: a revocation would not be noticed. */
const STALE_MS = 7 * DAY;
/** Partners asked at one time by one process; one that drips its answer keeps a place for 20 s and no other's. */
const AT_ONCE = 16;
const MOST_STALE = 500;

/** When a partner was last wished for, and whether it was again within the minute. */
interface Wish {
  readonly at: number;
  readonly again: boolean;
}

/** The last wish for each partner, by the exchange that wished: kept as long as that exchange lives. */
const wishes = new WeakMap<Exchange, Map<string, Wish>>();

/**
 * Asks, in the background and out of turn, for the key set of a partner: a key of ours is unknown to it, or one of its keys
 * to us. Costs one write a minute, partner and process at most, so that a flood of forged tokens costs nothing; what is wished
 * for again within the minute is written when that is over, since the question may have been asked by then. Never throws.
 */
export async function wantRefresh(exchange: Exchange, issuer: string): Promise<void> {
  const now = exchange.clock();
  const made = wishes.get(exchange) ?? new Map<string, Wish>();
  wishes.set(exchange, made);
  const last = made.get(issuer);
  if (last && now - last.at < MINUTE) {
    made.set(issuer, { ...last, again: true });
    return;
  }
  made.set(issuer, { at: now, again: false });
  try {
    await wishRefresh(exchange.store.db, issuer, new Date(now));
  } catch (failure) {
    made.delete(issuer);
    exchange.log.failure('refresh.failed', failure, { partner: issuer });
  }
}

/** Writes the wishes that a minute held back, and forgets those of which nothing is left. */
async function wishAgain(exchange: Exchange): Promise<void> {
  const made = wishes.get(exchange) ?? new Map<string, Wish>();
  const now = exchange.clock();
  for (const [issuer, { at, again }] of [...made]) {
    if (now - at < MINUTE) continue;
    if (again) await wantRefresh(exchange, issuer);
    else made.delete(issuer);
  }
}

/** The refreshes of one process: `look` begins those that are due, `end` breaks off those under way and waits for them. */
export interface Refreshes {
  look(): Promise<void>;
  end(): Promise<void>;
}

export function createRefreshes(exchange: Exchange): Refreshes {
  const underWay = new Set<Promise<void>>();
  const ending = new AbortController();
  let watchedAt = Number.NEGATIVE_INFINITY;
  return {
    async look() {
      const now = exchange.clock();
      await wishAgain(exchange);
      for (const claimed of await claimRefreshes(exchange.store.db, new Date(now), AT_ONCE - underWay.size)) {
        const one = refreshPartner(exchange, claimed, ending.signal)
          .catch((failure: unknown) => exchange.log.failure('refresh.failed', failure, { partner: claimed.issuer }))
          .finally(() => underWay.delete(one));
        underWay.add(one);
      }
      await endCleared(exchange);
      if (now - watchedAt < MINUTE) return;
      watchedAt = now;
      await findStale(exchange);
    },
    async end() {
      ending.abort();
      await Promise.all(underWay);
    },
  };
}

/**
 * Asks partners for their key sets, each in its turn and sooner where it was wished for, in every process that shares the
 * store: a claim decides who asks. Nothing that is received or sent waits for it.
 */
export function startRefresh(exchange: Exchange): Ticking {
  const refreshes = createRefreshes(exchange);
  const ticking = every(exchange, { ms: TICK_MS, event: 'refresh.failed', later: true }, refreshes.look);
  return {
    async stop() {
      const last = ticking.stop();
      await refreshes.end();
      await last;
      await refreshes.end();
    },
  };
}

/** Asks one partner that was claimed, and settles what came of it. */
export async function refreshPartner(exchange: Exchange, claimed: ClaimedRefresh, signal?: AbortSignal): Promise<void> {
  const { issuer, etag, is_local: local } = claimed;
  const to = { partner: issuer, local };
  const url = `${issuer}/.well-known/caseref-keys`;
  const before = await partnerRow(exchange.store.db, issuer);
  const answer = await exchange.transport.getKeySet(url, etag ?? undefined, to, signal);
  // Asked by a process that ends: neither a success nor a failure of the partner.
  if (signal?.aborted && answer.status === 'unreachable') return;
  const fault =
    answer.status === 'unreachable' ? answer.code : await take(exchange, claimed, answer, before && floorOf(before));
  if (fault !== undefined) await fail(exchange, claimed, fault);
}

type Answered = { readonly status: 'fresh'; readonly compact: string; readonly etag?: string } | { status: 'same' };

/** Gives why the answer cannot be used, as a code. */
async function take(
  exchange: Exchange,
  { issuer, tried_at: askedAt }: ClaimedRefresh,
  answer: Answered,
  since: Floor | undefined,
): Promise<string | undefined> {
  if (answer.status === 'fresh') {
    const taken = await takeKeySet(exchange, answer.compact, { issuer, askedAt, etag: answer.etag, since });
    return isTokenRefusal(taken) ? taken.reason : undefined;
  }
  await inTransaction(exchange.store.db, async (trx) => {
    const row = await partnerRow(trx, issuer);
    const jws = row && readCompact(row.key_set, keySetToken);
    if (!row || !jws || isTokenRefusal(jws)) return;
    const { refresh } = jws.payload as unknown as KeySet;
    await noteRefreshed(exchange, trx, issuer, { refresh, etag: row.key_set_etag, askedAt });
  });
  return undefined;
}

/** A first failure begins the pauses, and so does each turn that fails; a wish that failed in between moves no turn. */
async function fail(exchange: Exchange, claimed: ClaimedRefresh, code: string): Promise<void> {
  const { issuer, failures, in_turn } = claimed;
  exchange.log.info({ event: 'refresh.failed', partner: issuer, code }, 'a key set could not be refreshed');
  if (!in_turn && failures > 0) return await settleInVain(exchange.store.db, claimed);
  const pause = Math.min(HOUR, MINUTE * 2 ** Math.min(failures, 10));
  // Never sooner than the pause's half: partners that were away come back one after the other.
  const delay = Math.max(MINUTE, pause * (0.5 + 0.5 * exchange.chance.fraction()));
  await settleFailed(exchange.store.db, claimed, new Date(exchange.clock() + Math.round(delay)));
}

/** What was in doubt of a partner was said again by it, or is gone: the alert of it is over. */
export async function endCleared(exchange: Exchange): Promise<void> {
  const { db } = exchange.store;
  for (const partner of await partnersCleared(db)) {
    await inTransaction(db, (trx) => endAlert(trx, 'messages-suspect', partner, new Date(exchange.clock())));
  }
}

/** Tells of partners whose key set nobody could get for a week; once, while it lasts. */
export async function findStale(exchange: Exchange): Promise<void> {
  const { db } = exchange.store;
  const now = exchange.clock();
  for (const partner of await partnersUnrefreshed(db, new Date(now - STALE_MS), MOST_STALE)) {
    if (await isAlertOpen(db, 'key-set-stale', partner)) continue;
    const cause = { code: 'key-set-stale', partner } as const;
    await inTransaction(db, (trx) => raise(trx, [cause], new Date(now), { seenAgain: true }));
  }
}
