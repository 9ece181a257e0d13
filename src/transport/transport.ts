import type { Agent, Dispatcher } from 'undici';
import type { PostOutcome } from '../domain/attempt.ts';
import { failureCode } from './failure-code.ts';
import { getKeySet, type KeySetAnswer } from './get-key-set.ts';
import { createLines } from './line.ts';
import { createPools, type Purpose, TIMEOUT_MS } from './pools.ts';
import { type PollOutcome, postPoll, postReplay, type SignedPoll } from './post-poll.ts';
import { readBody } from './read-body.ts';
import { readRetryAfter } from './retry-after.ts';
import { type Reach, targetOf } from './target.ts';

/** Whom a request is for; `local` is the operator's word that this partner's node stands at a private address. */
export interface Destination {
  readonly partner: string;
  readonly local: boolean;
  /** Breaks the request off, whether it waits for a connection or for its answer; the breaker is not moved by that. */
  readonly signal?: AbortSignal;
  /** On connections of its own, beside those of the messages that the delivery worker sends. */
  readonly aside?: true;
}

/**
 * The only way out of a node. Never follows a redirect, never throws for what the network does, never names an address.
 * Where a partner's circuit breaker lets nothing through the answer is `partner-away`, and nothing was sent.
 */
export interface Transport {
  /** Pushes one SET (RFC 8935, section 2.1). */
  postToken(url: string, compact: string, to: Destination): Promise<PostOutcome>;
  /** Pushes our own key set to a partner, whatever its circuit breaker says: after its probe where one is under way. */
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
  /** How many posts to a partner may begin, by its circuit breaker: none while it is open or probed, one while it is tried again. */
  allowance(partner: string, now: number): number;
  /** Ends the pause of a partner's circuit breaker: the next post goes at once. */
  tryNow(partner: string): void;
  /** Until when the circuit breaker lets nothing through to a partner; undefined where it does. */
  shutUntil(partner: string, now: number): number | undefined;
  close(): Promise<void>;
}

/** What a partner's listener says of itself and of its time; `date` is absent where it says none. */
export type ClockAnswer =
  | { readonly status: 'answered'; readonly http: number; readonly date?: number }
  | { readonly status: 'unreachable'; readonly code: string };

/** A person waits for the answer. */
const CLOCK_TIMEOUT_MS = 5000;
/** A long poll waits 25 s, and its answer may be large. */
const POLL_TIMEOUT_MS = 60_000;
/** An answer to a push is empty or a short error; more is not read. */
const ANSWER_BYTES = 16 * 1024;

export function createTransport(options: { readonly loopback: boolean; readonly clock: () => number }): Transport {
  const pools = createPools();
  const lines = createLines(options.clock);

  /** Looks where a request may go, and lends it connections there. */
  async function reach<Answer>(
    url: string,
    to: Destination,
    purpose: Purpose,
    use: (dispatcher: Agent, reach: Reach) => Promise<Answer>,
  ): Promise<Answer | Unreachable> {
    const way = { local: options.loopback || to.local, clear: options.loopback };
    const target = targetOf(url, way);
    if (typeof target === 'string') return { status: 'unreachable', code: target };
    const { partner } = to;
    return pools.with({ partner, origin: target.origin, purpose, local: way.local }, (agent) => use(agent, way));
  }

  const post = (url: string, message: Message, to: Destination): Promise<PostOutcome> =>
    reach(url, to, to.aside || message.taken === 204 ? 'aside' : 'messages', (dispatcher, way) =>
      send(dispatcher, url, message, way, options.clock(), to.signal),
    );

  const ask = (
    request: typeof postPoll,
    { purpose, limitMs }: { readonly purpose: Purpose; readonly limitMs: number },
    url: string,
    asked: SignedPoll,
    to: Destination,
  ): Promise<PollOutcome> =>
    reach(url, to, purpose, (dispatcher, way) => {
      const limit = AbortSignal.timeout(limitMs);
      const signal = to.signal ? AbortSignal.any([limit, to.signal]) : limit;
      return request(dispatcher, url, asked, { reach: way, signal, now: options.clock() });
    });

  return {
    postToken(url, compact, to) {
      const message = { type: 'application/secevent+jwt', body: compact, taken: 202 } as const;
      return lines.through(to, () => post(url, message, to));
    },
    postKeySet(url, compact, to) {
      const message = { type: 'application/jwk-set+jwt', body: compact, taken: 204 } as const;
      return lines.through(to, () => post(url, message, to), { always: true });
    },
    askClock(issuer, to) {
      const url = `${issuer}/health`;
      return reach(url, to, 'aside', (dispatcher, way) => askClock(dispatcher, url, way));
    },
    getKeySet(url, etag, to, signal) {
      return reach(url, to, 'aside', (dispatcher, way) => {
        const limit = AbortSignal.timeout(2 * TIMEOUT_MS);
        const until = signal ? AbortSignal.any([limit, signal]) : limit;
        return getKeySet(dispatcher, url, etag, { reach: way, signal: until });
      });
    },
    postPoll(url, poll, to) {
      const terms = { purpose: 'poll', limitMs: POLL_TIMEOUT_MS } as const;
      return lines.through(to, () => ask(postPoll, terms, url, poll, to));
    },
    postReplay(url, asked, to) {
      const terms = { purpose: 'aside', limitMs: 2 * TIMEOUT_MS } as const;
      return lines.through(to, () => ask(postReplay, terms, url, asked, to), { ownQuota: true });
    },
    allowance: lines.allowance,
    tryNow: lines.tryNow,
    shutUntil: lines.shutUntil,
    close: () => pools.destroy(),
  };
}

interface Unreachable {
  readonly status: 'unreachable';
  readonly code: string;
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
