import { setTimeout as sleep } from 'node:timers/promises';
import { PARTNER_AWAY } from '../domain/attempt.ts';
import { nextAttemptDelay } from '../domain/backoff.ts';
import { type PollAnswer, type PollRequest, pollLimits, readPollAnswer } from '../domain/poll.ts';
import { endLease, forgetLeases, noteAsked, takeLease } from '../store/poll.ts';
import type { PollOutcome } from '../transport/post-poll.ts';
import { isJsonFault, parseStrict } from '../wire/strict.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry } from './directory.ts';
import { type Answers, takeSets } from './poll-take.ts';
import { createReceive, type Receive } from './receive.ts';
import { askByItsClock, signFor } from './sign-request.ts';

const TICK_MS = 1000;
/** What a killed process held is another one's turn after this. */
const TURN_MS = 15_000;
const RENEW_MS = 4000;
/** How often it is looked whether the process whose turn it is still lives. */
const OTHERS_TURN_MS = 5000;
/** A partner that was away for a night is noticed within so long. */
const LONGEST_PAUSE_MS = 5 * 60_000;
/** What has been made durable is acknowledged at the end of a process, if the partner answers within this. */
const LAST_MS = 2000;
const NOTE_MS = 30_000;
/** Between the beginnings of two polls: as many a minute as a partner's poll endpoint takes. */
const LEAST_MS = 50;
const ANSWER_BYTES = 1280 * 1024;

/** One partner that this process asks. */
export interface Line {
  readonly issuer: string;
  readonly answers: Answers;
  /** How far the partner's clock is ahead of ours, in milliseconds, where it refused ours. */
  aheadMs: number;
  failures: number;
  /** Answers in a row that came at once and brought nothing new. */
  hollow: number;
  notedAt: number;
}

/**
 * Asks partners for what waits there for us: the worker of a node that publishes no address to push to. One long poll a
 * partner at a time, by one process; the partner is acknowledged what is durable here, with the next poll.
 */
export function startPolling(exchange: Exchange): { stop(): Promise<void> } {
  if (!exchange.settings.pollOnly) return { stop: async () => undefined };
  const receive = createReceive(exchange);
  const ending = new AbortController();
  const lines = new Map<string, Promise<void>>();
  let looking: Promise<void> | undefined;

  // The embedded store has one process: whoever held a turn in it is gone.
  let inherited = exchange.store.kind === 'embedded';

  async function look(): Promise<void> {
    if (inherited) await forgetLeases(exchange.store.db, 'turn');
    inherited = false;
    const { partners } = await exchange.directory.current();
    for (const partner of partners.values()) {
      const { issuer } = partner.facts;
      if (lines.has(issuer) || !isAsked(partner) || ending.signal.aborted) continue;
      const line = runLine(exchange, receive, issuer, ending.signal)
        .catch((failure: unknown) => exchange.log.failure('poll.failed', failure, { partner: issuer }))
        .finally(() => lines.delete(issuer));
      lines.set(issuer, line);
    }
  }

  function tick(): void {
    looking ??= look()
      .catch((failure: unknown) => exchange.log.failure('poll.failed', failure))
      .finally(() => {
        looking = undefined;
      });
  }

  const timer = setInterval(tick, TICK_MS);
  tick();
  return {
    async stop() {
      clearInterval(timer);
      ending.abort();
      await looking;
      await Promise.all(lines.values());
    },
  };
}

export function newLine(issuer: string): Line {
  return {
    issuer,
    answers: { acks: new Set(), errors: new Map() },
    aheadMs: 0,
    failures: 0,
    hollow: 0,
    notedAt: 0,
  };
}

/** Partners whose messages are looked at, a suspended one's withdrawals included, and that can be asked. */
function isAsked({ state, endpoints }: PartnerEntry): boolean {
  return state !== 'pending' && endpoints.poll !== undefined;
}

/** Asks one partner again and again while it is this process's turn, the partner can be asked, and nobody ends it. */
async function runLine(exchange: Exchange, receive: Receive, issuer: string, ended: AbortSignal): Promise<void> {
  const turn = { kind: 'turn', partner: issuer, lease: exchange.chance.uuid4() } as const;
  const mine = () => {
    const now = exchange.clock();
    return takeLease(exchange.store.db, turn, new Date(now), new Date(now + TURN_MS));
  };
  if (!(await mine())) return pause(OTHERS_TURN_MS, ended);
  const lost = new AbortController();
  const renewal = setInterval(() => {
    mine()
      .then((still) => still || lost.abort())
      .catch(() => lost.abort());
  }, RENEW_MS);
  const line = newLine(issuer);
  const over = AbortSignal.any([ended, lost.signal]);
  try {
    for (;;) {
      const rest = over.aborted ? undefined : await askOnce(exchange, receive, line, over);
      if (rest === undefined) break;
      if (rest > 0) await pause(rest, over);
    }
    await sayLast(exchange, line);
  } finally {
    clearInterval(renewal);
    await endLease(exchange.store.db, turn);
  }
}

function pause(ms: number, ended: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal: ended }).catch(() => undefined);
}

/** One poll and what came of it: the milliseconds to rest before the next, or undefined where the partner is not asked any more. */
export async function askOnce(
  exchange: Exchange,
  receive: Receive,
  line: Line,
  over: AbortSignal,
): Promise<number | undefined> {
  const partner = (await exchange.directory.current()).partners.get(line.issuer);
  if (!partner || !isAsked(partner)) return undefined;
  const allowed = exchange.transport.allowance(line.issuer, exchange.clock());
  if (allowed === 0) return TICK_MS;
  const began = performance.now();
  // A probe decides for everything else that waits for this partner, so it is not one that waits.
  const outcome = await askSigned(exchange, partner, line, allowed === 1 ? { returnImmediately: true } : {}, over);
  if (over.aborted && outcome.status !== 'answered') return undefined;
  if (outcome.status === 'unreachable' && outcome.code === PARTNER_AWAY) return TICK_MS;
  const answer = outcome.status === 'answered' ? readAnswer(outcome.body) : undefined;
  if (!answer) return fail(exchange, line, outcome);
  await note(exchange, line, null);
  line.failures = 0;
  const { fresh, wait } = await takeSets(exchange, receive, answer, { from: line.issuer, answers: line.answers });
  return Math.max(wait * 1000, restAfter(line, { fresh, tookMs: performance.now() - began }));
}

/**
 * Only what is new is progress: a partner that answers at once and brings nothing new, whatever it says of more to come, is
 * asked less and less often. What is to be acknowledged or refused is told at once after the first such answer.
 */
function restAfter(line: Line, { fresh, tookMs }: { readonly fresh: number; readonly tookMs: number }): number {
  const hollow = fresh === 0 && tookMs < TICK_MS;
  line.hollow = hollow ? line.hollow + 1 : 0;
  const least = Math.max(0, LEAST_MS - tookMs);
  const pending = line.answers.acks.size + line.answers.errors.size > 0;
  if (!hollow || (pending && line.hollow === 1)) return least;
  // Messages that were here before have a quota of their own, and a replay may bring many.
  const longest = line.answers.acks.size > 0 ? TICK_MS : pollLimits.waitMs;
  return Math.min(TICK_MS * 2 ** Math.min(line.hollow - 1, 10), longest);
}

function readAnswer(body: Uint8Array): PollAnswer | undefined {
  const read = parseStrict(body, { bytes: ANSWER_BYTES });
  return isJsonFault(read) ? undefined : readPollAnswer(read.value);
}

/** Asks, and once more by the partner's clock where it did not take ours. What was said is forgotten once it was heard. */
async function askSigned(
  exchange: Exchange,
  partner: PartnerEntry,
  line: Line,
  request: PollRequest,
  over: AbortSignal,
): Promise<PollOutcome> {
  const { outcome, aheadMs } = await askByItsClock(exchange, line.aheadMs, (ahead) => {
    line.aheadMs = ahead;
    return ask(exchange, partner, line, request, over);
  });
  line.aheadMs = aheadMs;
  return outcome;
}

async function ask(
  exchange: Exchange,
  partner: PartnerEntry,
  { issuer, answers, aheadMs }: Line,
  request: PollRequest,
  over: AbortSignal,
): Promise<PollOutcome> {
  const target = partner.endpoints.poll ?? '';
  const ack = [...answers.acks].slice(0, pollLimits.acks);
  const errors = [...answers.errors].slice(0, pollLimits.acks - ack.length);
  const said = { ...(ack.length > 0 && { ack }), ...(errors.length > 0 && { setErrs: Object.fromEntries(errors) }) };
  const signed = await signFor(exchange, partner, { target, body: { ...request, ...said }, aheadMs });
  if (typeof signed === 'string') return { status: 'unreachable', code: signed };
  const to = { partner: issuer, local: partner.local, signal: over };
  const outcome = await exchange.transport.postPoll(target, signed, to);
  if (outcome.status === 'answered') {
    for (const jti of ack) answers.acks.delete(jti);
    for (const [jti] of errors) answers.errors.delete(jti);
  }
  return outcome;
}

async function fail(exchange: Exchange, line: Line, outcome: PollOutcome): Promise<number> {
  const code = failureOf(outcome);
  line.failures += 1;
  exchange.log.info({ event: 'poll.unanswered', partner: line.issuer, code }, 'a partner could not be asked');
  await note(exchange, line, code);
  const asked = outcome.status === 'refused' ? (outcome.retryAfterMs ?? 0) : 0;
  const delay = Math.max(asked, nextAttemptDelay(line.failures, exchange.chance.fraction()));
  return Math.min(delay, LONGEST_PAUSE_MS);
}

function failureOf(outcome: PollOutcome): string {
  if (outcome.status === 'answered') return 'answer-invalid';
  return outcome.status === 'unreachable' ? outcome.code : `http-${outcome.http}`;
}

/** For the operator who asks why nothing comes; a success that follows another is not worth a write. */
async function note(exchange: Exchange, line: Line, code: string | null): Promise<void> {
  const now = exchange.clock();
  if (code === null && line.failures === 0 && now - line.notedAt < NOTE_MS) return;
  line.notedAt = now;
  await noteAsked(exchange.store.db, line.issuer, new Date(now), code);
}

/** Acknowledges what is durable before this process ends: else the partner would offer it once more. */
async function sayLast(exchange: Exchange, line: Line): Promise<void> {
  const { acks, errors } = line.answers;
  const partner = (await exchange.directory.current()).partners.get(line.issuer);
  if (acks.size + errors.size === 0 || !partner || !isAsked(partner)) return;
  const request = { maxEvents: 0, returnImmediately: true };
  await askSigned(exchange, partner, line, request, AbortSignal.timeout(LAST_MS));
}
