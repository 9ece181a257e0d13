import { setTimeout as sleep } from 'node:timers/promises';
import { askAboutUs, unwillingMeaning } from '../../domain/attempt.ts';
import type { Finding } from '../../domain/finding.ts';
import { waitsToBeFetched } from '../../domain/poll.ts';
import { heardSince, hurryDelivery, pendingVerify, type Standing, standings } from '../../store/checkup.ts';
import { reservePositions } from '../../store/feed.ts';
import { deliveryInsert } from '../../store/outbox.ts';
import { insertAll } from '../../store/rows.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { Exchange } from '../context.ts';
import type { PartnerEntry } from '../directory.ts';

const PATIENCE_MS = 10_000;
const LOOK_MS = 100;
const HOUR = 3_600_000;
const MINUTE = 60_000;

/**
 * Sends each partner a `verify`, which it receipts like any other message: address, TLS, keys, clock, policy and the way
 * back are tried in one. The partner's receipt within ten seconds is the only good end.
 */
export async function tryRoundTrips(exchange: Exchange, partners: readonly PartnerEntry[]): Promise<Finding[]> {
  const reachable = partners.filter((partner) => !waitsToBeFetched(partner));
  const polling = partners.filter(waitsToBeFetched);
  const started = performance.now();
  const trips: Trip[] = [];
  for (const { facts } of reachable) trips.push(await queueVerify(exchange, facts.issuer));
  exchange.wake.outbox();
  const ended = await awaitReceipts(exchange, trips, started);
  const issuers = trips.filter(({ id }) => isTaken(ended.get(id)?.standing)).map(({ partner }) => partner);
  const heard = await heardSince(exchange.store.db, issuers, new Date(exchange.clock() - MINUTE));
  const tried = trips.map(({ id, partner }) => {
    const end = ended.get(id);
    return end === undefined
      ? silent(exchange.self, partner, undefined)
      : judgeTrip(exchange.self, partner, end, heard.has(partner));
  });
  return [...tried, ...polling.map(({ facts }) => untried(facts.issuer))];
}

/** A `verify` that is under way. */
export interface Trip {
  readonly id: string;
  readonly partner: string;
  /** Attempts before this examination. */
  readonly before: number;
}

/** What became of one, and after how long. */
export interface End {
  readonly standing: Standing;
  readonly tookMs: number;
}

async function queueVerify(exchange: Exchange, partner: string): Promise<Trip> {
  return inTransaction(exchange.store.db, async (trx) => {
    const now = exchange.clock();
    const at = new Date(now);
    const pending = await pendingVerify(trx, partner, new Date(now - HOUR));
    if (pending) {
      await hurryDelivery(trx, pending.id, at);
      return { id: pending.id, partner, before: pending.attempts };
    }
    const id = exchange.chance.uuid();
    const position = await reservePositions(trx, 1);
    const nobody = { originator: null, reference_id: null, revision: null };
    // Before what waits: the question is whether the way is open, not how long the queue is.
    const message = { id, position, partner, jti: exchange.chance.jti(), event: 'verify', ...nobody, priority: 0 };
    await insertAll(trx, [deliveryInsert([{ ...message, payload: {}, at }])]);
    return { id, partner, before: 0 };
  });
}

/** Looks until every trip has come to an end or the patience has: a receipt, a failed attempt, or a line that is shut. */
export async function awaitReceipts(
  exchange: Exchange,
  trips: readonly Trip[],
  started: number,
): Promise<Map<string, End>> {
  const ids = trips.map(({ id }) => id);
  const ended = new Map<string, End>();
  for (;;) {
    const tookMs = performance.now() - started;
    for (const [id, standing] of await standings(exchange.store.db, ids)) {
      const before = ended.get(id);
      if (before?.standing.state !== 'receipted') ended.set(id, { standing, tookMs });
    }
    const open = trips.some((trip) => isOpen(exchange, trip, ended.get(trip.id)?.standing));
    if (!open || tookMs > PATIENCE_MS) return ended;
    await sleep(LOOK_MS);
  }
}

function isOpen(exchange: Exchange, { partner, before }: Trip, standing: Standing | undefined): boolean {
  if (standing?.state !== 'queued') return isTaken(standing);
  const failed = standing.attempts > before && standing.last_code !== null;
  return !failed && exchange.transport.allowance(partner, exchange.clock()) > 0;
}

function isTaken(standing: Standing | undefined): boolean {
  return standing?.state === 'sent' || standing?.state === 'overdue';
}

/** What the end of a round trip says of a partner. `isHeard`: messages of it came within the last minute. */
export function judgeTrip(self: string, issuer: string, { standing, tookMs }: End, isHeard: boolean): Finding {
  const { state, outcome, last_code: code } = standing;
  if (state === 'receipted' && outcome === 'accepted') {
    const message = `${issuer} answered a round trip in ${(tookMs / 1000).toFixed(1)} s with a signed receipt.`;
    return { level: 'ok', code: 'round-trip', partner: issuer, message };
  }
  if (state === 'receipted') {
    const message = `${issuer} answered a round trip, and its receipt says ${outcome}.`;
    const next = `Ask its operator why: caseref partner show ${issuer}`;
    return { level: 'warn', code: 'round-trip-refused', partner: issuer, message, next };
  }
  return isTaken(standing) ? unreceipted(issuer, isHeard) : silent(self, issuer, code ?? undefined);
}

function untried(issuer: string): Finding {
  const message = `${issuer} fetches its messages itself: no round trip was made.`;
  return { level: 'note', code: 'round-trip-skipped', partner: issuer, message };
}

/** A partner whose messages come is there and can reach us: it answers late, since it works through many. */
function unreceipted(issuer: string, isHeard: boolean): Finding {
  if (isHeard) {
    const message = `${issuer} took a message and signed no receipt for it within ten seconds, while messages of it arrive: it is busy, or behind.`;
    const next = `Look again in a minute: caseref partner check ${issuer}`;
    return { level: 'warn', code: 'round-trip-unanswered', partner: issuer, message, next };
  }
  const message = `${issuer} took a message and signed no receipt within ten seconds: it may not reach us back, or is busy.`;
  const next = 'Look again in a minute; if it stays, ask its operator to run: caseref doctor';
  return { level: 'bad', code: 'round-trip-unanswered', partner: issuer, message, next };
}

function silent(self: string, issuer: string, code: string | undefined): Finding {
  const meaning = unwillingMeaning(code);
  if (meaning !== undefined) {
    const message = `${issuer} refuses what we send (${code}): ${meaning}.`;
    return { level: 'bad', code: 'partner-refuses', partner: issuer, message, next: askAboutUs(self) };
  }
  const why = code === undefined ? '' : ` (${code})`;
  const message = `${issuer} did not take a message${why}.`;
  const next = `It is tried again by itself; if this stays, call its operator. What waits, and until when: caseref delivery list --state queued --partner ${issuer}`;
  return { level: 'bad', code: 'partner-unreachable', partner: issuer, message, next };
}
