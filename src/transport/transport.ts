import { Agent, type Dispatcher } from 'undici';
import type { PostOutcome } from '../domain/attempt.ts';
import { checkedLookup } from './address.ts';
import { createBreaker } from './breaker.ts';
import { failureCode } from './failure-code.ts';
import { getKeySet, KEY_SET_BYTES, type KeySetAnswer } from './get-key-set.ts';
import { POLL_BYTES, type PollOutcome, postPoll, postReplay, type SignedPoll } from './post-poll.ts';
import { readBody } from './read-body.ts';
import { readRetryAfter } from './retry-after.ts';
import { type Reach, targetOf } from './target.ts';

/** Whom a request is for; `local` is the operator's word that this partner's node stands at a private address. */
export interface Destination {
  readonly partner: string;
  readonly local: boolean;
  /** Breaks the request off, whether it waits for a connection or for its answer; the breaker is not moved by that. */
  readonly signal?: AbortSignal;
}

/** The only way out of a node. Never follows a redirect, never throws for what the network does, never names an address. */
export interface Transport {
  /** Pushes one SET (RFC 8935, section 2.1). */
  postToken(url: string, compact: string, to: Destination): Promise<PostOutcome>;
  /** Pushes our own key set to a partner. */
  postKeySet(url: string, compact: string, to: Destination): Promise<PostOutcome>;
  /** Asks a partner's `/health` and gives what its `Date` says, in milliseconds since 1970. Moves no circuit breaker. */
  askClock(issuer: string, to: Destination): Promise<ClockAnswer>;
  /**
   * Asks for a key set, unless it is still the one of this tag (RFC 9110, section 13.1.2). Moves no circuit breaker: it has
   * pauses of its own in the store. What comes is as unproven as anything that is posted.
   */
  getKeySet(url: string, etag: string | undefined, to: Destination, signal?: AbortSignal): Promise<KeySetAnswer>;
  /** Asks a partner for what waits there for us; an answer may take 25 s to begin. */
  postPoll(url: string, poll: SignedPoll, to: Destination): Promise<PollOutcome>;
  /** Asks a partner to send a part of its stream once more. */
  postReplay(url: string, asked: SignedPoll, to: Destination): Promise<PollOutcome>;
  /** How many posts to a partner may be under way, by its circuit breaker: none while it is open, one while it is tried again. */
  allowance(partner: string, now: number): number;
  close(): Promise<void>;
}

/** What a partner's listener says of itself and of its time; `date` is absent where it says none. */
export type ClockAnswer =
  | { readonly status: 'answered'; readonly http: number; readonly date?: number }
  | { readonly status: 'unreachable'; readonly code: string };

const TIMEOUT_MS = 10_000;
/** A person waits for the answer. */
const CLOCK_TIMEOUT_MS = 5000;
/** A long poll waits 25 s, and its answer may be large. */
const POLL_TIMEOUT_MS = 60_000;
const CONNECTIONS = 32;
/** An answer to a push is empty or a short error; more is not read. */
const ANSWER_BYTES = 16 * 1024;
const HEADER_BYTES = 16 * 1024;

function agent(allowLocal: boolean, mostBytes = KEY_SET_BYTES): Agent {
  return new Agent({
    connections: CONNECTIONS,
    pipelining: 1,
    // The limits above and below are those of HTTP/1.1; undici would offer HTTP/2 by default.
    allowH2: false,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    keepAliveTimeout: 30_000,
    maxResponseSize: mostBytes,
    maxHeaderSize: HEADER_BYTES,
    // TLS is verified whatever the environment says, and no variable puts a proxy in between: this agent reads none.
    connect: { timeout: TIMEOUT_MS, rejectUnauthorized: true, lookup: checkedLookup(allowLocal) },
  });
}

export function createTransport(options: { readonly loopback: boolean; readonly clock: () => number }): Transport {
  const agents = { open: agent(true), checked: agent(false) };
  const pollAgents = { open: agent(true, POLL_BYTES), checked: agent(false, POLL_BYTES) };
  const breaker = createBreaker();
  const reachOf = (to: Destination): Reach => ({ local: options.loopback || to.local, clear: options.loopback });

  async function post(url: string, message: Message, to: Destination): Promise<PostOutcome> {
    const reach = reachOf(to);
    const outcome = await send(
      reach.local ? agents.open : agents.checked,
      url,
      message,
      reach,
      options.clock(),
      to.signal,
    );
    if (!to.signal?.aborted) note(to.partner, outcome);
    return outcome;
  }

  async function ask(
    { open, checked }: { readonly open: Agent; readonly checked: Agent },
    request: typeof postPoll,
    limitMs: number,
    url: string,
    asked: SignedPoll,
    to: Destination,
  ): Promise<PollOutcome> {
    const reach = reachOf(to);
    const limit = AbortSignal.timeout(limitMs);
    const outcome = await request(reach.local ? open : checked, url, asked, {
      reach,
      signal: to.signal ? AbortSignal.any([limit, to.signal]) : limit,
      now: options.clock(),
    });
    if (!to.signal?.aborted) note(to.partner, outcome);
    return outcome;
  }

  /** An answer of any kind proves that somebody is there; only silence and overload open the breaker. */
  function note(partner: string, outcome: PostOutcome | PollOutcome): void {
    const troubled = outcome.status === 'unreachable' || (outcome.status === 'refused' && outcome.http >= 500);
    if (troubled) breaker.failed(partner, options.clock());
    else breaker.succeeded(partner);
  }

  return {
    postToken: (url, compact, to) => post(url, { type: 'application/secevent+jwt', body: compact, taken: 202 }, to),
    postKeySet: (url, compact, to) => post(url, { type: 'application/jwk-set+jwt', body: compact, taken: 204 }, to),
    async askClock(issuer, to) {
      const reach = reachOf(to);
      return askClock(reach.local ? agents.open : agents.checked, `${issuer}/health`, reach);
    },
    async getKeySet(url, etag, to, signal) {
      const reach = reachOf(to);
      const limit = AbortSignal.timeout(2 * TIMEOUT_MS);
      return getKeySet(reach.local ? agents.open : agents.checked, url, etag, {
        reach,
        signal: signal ? AbortSignal.any([limit, signal]) : limit,
      });
    },
    postPoll: (url, poll, to) => ask(pollAgents, postPoll, POLL_TIMEOUT_MS, url, poll, to),
    postReplay: (url, asked, to) => ask(agents, postReplay, 2 * TIMEOUT_MS, url, asked, to),
    allowance: (partner, now) => breaker.allowance(partner, now),
    async close() {
      const all = [agents.open, agents.checked, pollAgents.open, pollAgents.checked];
      await Promise.all(all.map((one) => one.destroy()));
    },
  };
}

/** What is posted, and the one status that says it was taken. */
interface Message {
  readonly type: string;
  readonly body: string;
  readonly taken: 202 | 204;
}

async function askClock(dispatcher: Agent, url: string, reach: Reach): Promise<ClockAnswer> {
  const target = targetOf(url, reach);
  if (typeof target === 'string') return { status: 'unreachable', code: target };
  try {
    const { statusCode, headers, body } = await dispatcher.request({
      origin: target.origin,
      path: target.pathname,
      method: 'GET',
      signal: AbortSignal.timeout(CLOCK_TIMEOUT_MS),
    });
    // Nothing of the body is wanted; it is read to its limit so that the connection can serve again.
    await readBody(body, ANSWER_BYTES).catch(() => undefined);
    const date = typeof headers.date === 'string' ? Date.parse(headers.date) : Number.NaN;
    return { status: 'answered', http: statusCode, ...(!Number.isNaN(date) && { date }) };
  } catch (failure) {
    return { status: 'unreachable', code: failureCode(failure) };
  }
}

async function send(
  dispatcher: Agent,
  url: string,
  message: Message,
  reach: Reach,
  now: number,
  stopped: AbortSignal | undefined,
): Promise<PostOutcome> {
  const target = targetOf(url, reach);
  if (typeof target === 'string') return { status: 'unreachable', code: target };
  const limit = AbortSignal.timeout(2 * TIMEOUT_MS);
  try {
    const answer = await dispatcher.request({
      origin: target.origin,
      path: target.pathname + target.search,
      method: 'POST',
      headers: { 'content-type': message.type, accept: 'application/json' },
      body: message.body,
      signal: stopped ? AbortSignal.any([limit, stopped]) : limit,
    });
    return await readAnswer(answer, message.taken, now);
  } catch (failure) {
    return { status: 'unreachable', code: failureCode(failure) };
  }
}

async function readAnswer(answer: Dispatcher.ResponseData, taken: number, now: number): Promise<PostOutcome> {
  const { statusCode, headers, body } = answer;
  // The status is the answer. A body that is too long, too slow or cut off must not turn a token that was taken into one
  // that is sent again until it dies of age.
  const bytes = await readBody(body, ANSWER_BYTES).catch(() => undefined);
  if (statusCode === taken) return { status: 'accepted' };
  const retryAfterMs = readRetryAfter(headers['retry-after'], now);
  const err = readErr(bytes?.toString() ?? '');
  return {
    status: 'refused',
    http: statusCode,
    ...(err !== undefined && { err }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** The code of an RFC 8935 error answer; a word of the answer is repeated only when it has the form of a code. */
function readErr(text: string): string | undefined {
  try {
    const { err } = JSON.parse(text) as { err?: unknown };
    return typeof err === 'string' && /^[a-z_]{1,40}$/.test(err) ? err : undefined;
  } catch {
    return undefined;
  }
}
