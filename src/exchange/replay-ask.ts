import { nextAttemptDelay } from '../domain/backoff.ts';
import { type ReplayRefusal, readReplayGrant, readReplayRefusal, replayLimits } from '../domain/replay.ts';
import { raise } from '../store/feed.ts';
import { highestNumber, isWhole, loseGaps } from '../store/gaps.ts';
import type { Trx } from '../store/open.ts';
import { claimRequest, moveRequest, partnersToAsk, putWanted } from '../store/replay-requests.ts';
import type { ReplayRequestTable } from '../store/replay-tables.ts';
import { inTransaction, lockName } from '../store/transaction.ts';
import type { PollOutcome } from '../transport/post-poll.ts';
import { isJsonFault, parseStrict } from '../wire/strict.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry } from './directory.ts';
import { followReplays, PATIENCE_MS } from './replay-follow.ts';
import { askByItsClock, signFor } from './sign-request.ts';
import { every, type Ticking } from './ticking.ts';

const TICK_MS = 1000;
const ANSWER_BYTES = 16 * 1024;
/** Longer than a request takes; what a killed process held is asked anew after this. */
const LEASE_MS = 60_000;
/** Nobody answers for what is older, so that nothing of it could come. */
const { everyMs: EVERY_MS, horizonMs: HORIZON_MS } = replayLimits;
const DAY = 86_400_000;

/** Asks partners for what is missing of their streams, now and every second; `stop` waits for what is under way. */
export function startAsking(exchange: Exchange): Ticking {
  return every(exchange, { ms: TICK_MS, event: 'replay.failed' }, async () => {
    await followReplays(exchange);
    await askForReplays(exchange);
  });
}

/** One round of it, in any process at any time: at most one request to each partner that takes any. */
export async function askForReplays(exchange: Exchange): Promise<void> {
  const due = await partnersToAsk(exchange.store.db, new Date(exchange.clock()));
  if (due.length === 0) return;
  const { partners } = await exchange.directory.current();
  await Promise.all(
    due.map(async (issuer) => {
      const partner = partners.get(issuer);
      if (partner && isAsked(exchange, partner)) await askPartner(exchange, partner);
    }),
  );
}

function isAsked(exchange: Exchange, { state, endpoints, facts }: PartnerEntry): boolean {
  if (state !== 'active' || endpoints.replay === undefined) return false;
  return exchange.transport.allowance(facts.issuer, exchange.clock()) > 0;
}

async function askPartner(exchange: Exchange, partner: PartnerEntry): Promise<void> {
  const { issuer } = partner.facts;
  const lease = exchange.chance.uuid4();
  const request = await inTransaction(exchange.store.db, async (trx) => {
    // The pause holds between processes too: the second one waits here, and then sees that it was asked.
    await lockName(trx, `ask-replay ${issuer}`);
    const now = exchange.clock();
    const at = (ago: number) => new Date(now - ago);
    const claim = { now: at(0), notSince: at(EVERY_MS), quietSince: at(PATIENCE_MS), lease, leaseUntil: at(-LEASE_MS) };
    return claimRequest(trx, issuer, claim);
  });
  if (!request) return;
  try {
    const outcome = await post(exchange, partner, request);
    await inTransaction(exchange.store.db, (trx) => settle(exchange, trx, request, outcome));
  } catch (failure) {
    // Else it would be asked again every ten minutes without end.
    exchange.log.failure('replay.failed', failure, { partner: issuer });
    await inTransaction(exchange.store.db, (trx) => putOff(exchange, trx, request, 'internal', 0));
  }
}

async function post(exchange: Exchange, partner: PartnerEntry, { epoch, from_n }: ReplayRequestTable) {
  const target = partner.endpoints.replay ?? '';
  const { outcome } = await askByItsClock(exchange, 0, async (aheadMs): Promise<PollOutcome> => {
    const signed = await signFor(exchange, partner, { target, body: { epoch, from: from_n }, aheadMs });
    if (typeof signed === 'string') return { status: 'unreachable', code: signed };
    return exchange.transport.postReplay(target, signed, { partner: partner.facts.issuer, local: partner.local });
  });
  return outcome;
}

function read(body: Uint8Array | undefined): unknown {
  const parsed = body && parseStrict(body, { bytes: ANSWER_BYTES });
  return parsed === undefined || isJsonFault(parsed) ? undefined : parsed.value;
}

async function settle(exchange: Exchange, trx: Trx, request: ReplayRequestTable, outcome: PollOutcome): Promise<void> {
  const asked = { epoch: request.epoch, from: request.from_n };
  const at = new Date(exchange.clock());
  if (outcome.status === 'answered') {
    const grant = readReplayGrant(read(outcome.body), asked);
    if (grant) return moveRequest(trx, request.id, { state: 'granted', code: null, at, to: grant.to });
    return putOff(exchange, trx, request, 'answer-invalid', 0);
  }
  if (outcome.status === 'unreachable') return putOff(exchange, trx, request, outcome.code, 0);
  const refusal = outcome.http === 400 ? readReplayRefusal(read(outcome.body), asked) : undefined;
  if (refusal?.err === 'cursor_in_future') return giveUp(trx, request, at);
  if (refusal) return startLater(trx, request, refusal, at);
  return putOff(exchange, trx, request, `http-${outcome.http}`, outcome.retryAfterMs ?? 0);
}

/** Tries again later: after a pause of ours, or the one that the partner asked for; nobody waits for what is past the horizon. */
async function putOff(
  exchange: Exchange,
  trx: Trx,
  request: ReplayRequestTable,
  code: string,
  retryAfterMs: number,
): Promise<void> {
  const at = new Date(exchange.clock());
  const pause = nextAttemptDelay(request.attempts, exchange.chance.fraction());
  // An answer is an answer: its partner is not asked again for ten minutes. Silence is not.
  const asked = code.startsWith('http-') || code === 'answer-invalid' || code === 'internal';
  const least = asked ? EVERY_MS + pause / 10 : pause;
  const nextAt = new Date(at.getTime() + Math.min(Math.max(least, retryAfterMs), DAY));
  const state = at.getTime() - request.created_at.getTime() > HORIZON_MS ? 'refused' : 'wanted';
  await moveRequest(trx, request.id, { state, code, at, nextAt, asked });
}

/**
 * What is older than the partner keeps is lost, and a person is told; the rest is asked for. Where all of that came here before,
 * as in an epoch that has been quiet for long, nothing is lost.
 */
async function startLater(
  trx: Trx,
  request: ReplayRequestTable,
  { err, oldest }: Extract<ReplayRefusal, { err: 'cursor_too_old' }>,
  at: Date,
): Promise<void> {
  const { partner, epoch, id, cause, attempts } = request;
  const isHere = await isWhole(trx, request, { from: request.from_n, below: oldest });
  await moveRequest(trx, id, { state: isHere ? 'done' : 'refused', code: err, at });
  if (!isHere) {
    await loseGaps(trx, request, oldest, at);
    await raise(trx, [{ code: 'replay-too-old', partner, subject: epoch }], at);
  }
  // Above what came there is nothing to ask for: a partner would take that for a loss of its own.
  if (oldest > (await highestNumber(trx, request))) return;
  await putWanted(trx, { partner, epoch, from: oldest, cause, at, attempts });
}

/**
 * The partner has given no such number. Above the highest that came this only says that nothing more is there, and the request
 * is through where all below it came; below it, the partner has lost what it knew, and cannot send it again.
 */
async function giveUp(trx: Trx, request: ReplayRequestTable, at: Date): Promise<void> {
  const { partner, epoch, id, from_n: from } = request;
  const highest = await highestNumber(trx, request);
  const isThrough = from > highest && (await isWhole(trx, request, { from, below: from }));
  await moveRequest(trx, id, { state: isThrough ? 'done' : 'refused', code: 'cursor_in_future', at });
  if (from > highest) return;
  await loseGaps(trx, request, highest + 1, at);
  await raise(trx, [{ code: 'partner-state-lost', partner, subject: epoch }], at);
}
