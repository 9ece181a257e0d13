import type { Log } from '../log.ts';
import type { Trx } from '../store/open.ts';
import { holdPartners } from '../store/partners.ts';
import { inTransaction } from '../store/transaction.ts';
import { openSet, type VerifiedSet } from '../wire/open.ts';
import { isTokenRefusal, type TokenRefusal } from '../wire/token-refusal.ts';
import { type Admission, admit } from './admit.ts';
import type { Arrival } from './arrival.ts';
import type { Exchange } from './context.ts';
import type { Snapshot } from './directory.ts';
import { gather } from './gather.ts';
import { type Judged, judge } from './judge.ts';
import { createQuota } from './quota.ts';
import { wantRefresh } from './refresh.ts';

export type Reception =
  | { readonly status: 'taken' }
  | { readonly status: 'refused'; readonly refusal: TokenRefusal }
  | { readonly status: 'limited'; readonly retryAfter: number };

/** The very answer for a message that was here before: nothing new was stored. */
export const TAKEN_BEFORE: Reception = { status: 'taken' };

export type Receive = (token: Uint8Array) => Promise<Reception>;

/** Answers of `openSet` that a change of the directory in another process may have made untrue. */
const directoryReasons = new Set<string>(['invalid_issuer', 'invalid_key', 'access_denied', 'temporarily_unavailable']);

/**
 * Takes one pushed token through the verification order of the protocol. Steps 2 to 7 are `openSet`; step 8 is `judge`;
 * step 9 is one transaction for all that arrived at the same time, after which the answer is 202 and nothing is lost.
 * What fails before the signature is proven costs no write.
 */
export function createReceive(exchange: Exchange): Receive {
  const quota = createQuota();
  const repeats = createRepeats();
  const commit = gather<Dated, Admission>(
    async (batch) => {
      const admissions = await inTransaction(exchange.store.db, (trx) => admitAsOfNow(exchange, trx, batch));
      exchange.metrics.grouped('receive', batch.length);
      exchange.wake.outbox();
      return admissions;
    },
    { most: 100 },
  );

  return async (token) => {
    const { opened, snapshot, issuer } = await open(exchange, token);
    if (isTokenRefusal(opened)) {
      // Asked for by a worker and at most once a minute: nothing is fetched and nothing waits while a message is looked at.
      if (opened.reason === 'kid-unknown' && issuer !== undefined) void wantRefresh(exchange, issuer);
      return refused(exchange.log, opened);
    }
    const partner = snapshot.partners.get(opened.claims.iss);
    const { iss, jti } = opened.claims;
    const known = `${iss} ${jti} ${opened.digest}`;
    const wait =
      repeats.wait(iss, known, exchange.clock()) ||
      quota(iss, partner?.policy?.receive.perMinute ?? PER_MINUTE, exchange.clock());
    if (wait > 0) return { status: 'limited', retryAfter: wait };
    const judged = judgeFor(exchange, opened, snapshot);
    const admission = await commit({ verified: opened, judged, version: snapshot.version });
    if (isTokenRefusal(admission)) return refused(exchange.log, admission);
    if (admission.status === 'limited') return admission;
    if (admission.repeated) {
      // What was taken before is no new message: whoever recorded it must not use up its sender's quota with it.
      repeats.note(known);
      quota.giveBack(iss);
      return TAKEN_BEFORE;
    }
    return { status: 'taken' };
  };
}

/** Repeated messages a minute from one partner, and how many of them are remembered. */
const REPEATS = 600;
const REMEMBERED = 10_000;

/** A bucket of their own for messages that came before. */
function createRepeats() {
  const quota = createQuota();
  const seen = new Set<string>();
  return {
    /** Seconds to wait for what is known to be a repeat; 0 for everything else. */
    wait: (partner: string, name: string, now: number): number => (seen.has(name) ? quota(partner, REPEATS, now) : 0),
    note(name: string): void {
      if (seen.size >= REMEMBERED) seen.clear();
      seen.add(name);
    },
  };
}

/** An arrival with the version of the directory that it was verified by. */
interface Dated extends Arrival {
  readonly version: number;
}

/**
 * What was verified by a directory that has moved since is verified again by the one that this transaction sees: a
 * suspension, a revoked key or a narrower policy counts from the moment that it is committed.
 */
async function admitAsOfNow(exchange: Exchange, trx: Trx, batch: readonly Dated[]): Promise<Admission[]> {
  // Held before the version is read: a revocation either sees these messages and marks them, or they see it.
  await holdPartners(
    trx,
    batch.map(({ verified }) => verified.claims.iss),
  );
  const snapshot = await exchange.directory.within(trx);
  const checked = await Promise.all(
    batch.map(async (one): Promise<Arrival | TokenRefusal> => {
      if (one.version === snapshot.version) return one;
      const again = await openWith(exchange, one.verified.compact, snapshot);
      if (isTokenRefusal(again)) return again;
      // What is verified again is the inner token: how it travelled is known from the first time.
      const verified = { ...again, encrypted: one.verified.encrypted };
      return { verified, judged: judgeFor(exchange, verified, snapshot) };
    }),
  );
  const arrivals = checked.flatMap((one) => (isTokenRefusal(one) ? [] : [one]));
  const admissions = (await admit(exchange, trx, arrivals)).values();
  return checked.map((one) => (isTokenRefusal(one) ? one : (admissions.next().value as Admission)));
}

/** Verified messages a minute from one partner whose policy names no number. */
const PER_MINUTE = 60_000;

async function open(exchange: Exchange, token: Uint8Array) {
  const first = await exchange.directory.current();
  let issuer: string | undefined;
  const note = (asked: string) => {
    issuer = asked;
  };
  const opened = await openWith(exchange, token, first, note);
  if (!isTokenRefusal(opened) || !directoryReasons.has(opened.err)) return { opened, snapshot: first, issuer };
  const second = await exchange.directory.within(exchange.store.db);
  if (second.version === first.version) return { opened, snapshot: first, issuer };
  return { opened: await openWith(exchange, token, second, note), snapshot: second, issuer };
}

/** A partner that verified is in the snapshot that it verified by. */
function judgeFor(exchange: Exchange, verified: VerifiedSet, snapshot: Snapshot): Judged {
  const partner = snapshot.partners.get(verified.claims.iss);
  if (!partner) throw new Error('a message was verified for nobody');
  const own = { loopback: exchange.profile.loopback, ownType: exchange.settings.type, terms: partner.encryption };
  return judge(verified, own);
}

/** `note` is told whose keys were looked for, where it came to that. */
function openWith(
  exchange: Exchange,
  token: Uint8Array | string,
  snapshot: Snapshot,
  note: (issuer: string) => void = () => {},
) {
  return openSet(token, {
    self: exchange.self,
    lookup: (issuer) => {
      note(issuer);
      return snapshot.partners.get(issuer)?.keys;
    },
    decrypter: (kid) => exchange.keys.decrypter(kid),
    now: Math.floor(exchange.clock() / 1000),
  });
}

function refused(log: Log, refusal: TokenRefusal): Reception {
  log.info({ event: 'push.refused', code: refusal.reason }, 'a pushed token was refused');
  return { status: 'refused', refusal };
}
