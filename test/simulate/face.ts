import type { PostOutcome } from '../../src/domain/attempt.ts';
import { pollLimits, readPollRequest } from '../../src/domain/poll.ts';
import { readReplayRequest, replayDescriptions } from '../../src/domain/replay.ts';
import type { Admission, Caller } from '../../src/exchange/admit-request.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { takeKeySet } from '../../src/exchange/key-sets.ts';
import type { PollServer } from '../../src/exchange/poll-server.ts';
import { offeredKeySet } from '../../src/exchange/published.ts';
import type { Receive } from '../../src/exchange/receive.ts';
import type { ReplayServer } from '../../src/exchange/replay-server.ts';
import type { PollOutcome, SignedPoll } from '../../src/transport/post-poll.ts';
import { readSignature } from '../../src/wire/http-signature.ts';
import { isJsonFault, parseStrict } from '../../src/wire/strict.ts';
import { isTokenRefusal, type TokenRefusal } from '../../src/wire/token-refusal.ts';
import { Killed } from './database.ts';
import type { Face } from './network.ts';

// What the peer listener answers, without its HTTP: the statuses of peer/push.ts, poll.ts, replay.ts, take-keys.ts and problem.ts.

export function faceOf(exchange: Exchange, receive: Receive, polls: PollServer, replays: ReplayServer): Face {
  return {
    push: (token) => served(exchange, async () => answerPush(receive, token)),
    takeKeys: (keySet) =>
      served(exchange, async () => {
        const taken = await takeKeySet(exchange, keySet);
        return isTokenRefusal(taken) ? refusedAs(taken) : { status: 'accepted' };
      }),
    async keySet(etag) {
      const published = await offeredKeySet(exchange);
      if (!published) return { status: 'unreachable', code: 'http-503' };
      const tag = `"${published.seq}"`;
      return tag === etag ? { status: 'same' } : { status: 'fresh', compact: published.keySet, etag: tag };
    },
    poll: (poll) =>
      served(exchange, () => signed(exchange, polls, poll, readPollRequest, (...asked) => offer(polls, ...asked))),
    replay: (asked) =>
      served(exchange, () => signed(exchange, replays, asked, readReplayRequest, (...it) => grant(replays, ...it))),
  };
}

/** What the framework of the listener does with a failure: 500, where the process lives on. */
async function served<Answer>(exchange: Exchange, work: () => Promise<Answer>) {
  try {
    return await work();
  } catch (failure) {
    if (failure instanceof Killed) throw failure;
    exchange.log.failure('peer.failed', failure);
    return { status: 'refused', http: 500 } as const;
  }
}

async function answerPush(receive: Receive, token: string): Promise<PostOutcome> {
  const reception = await receive(Buffer.from(token, 'latin1'));
  if (reception.status === 'taken') return { status: 'accepted' };
  if (reception.status === 'refused') return refusedAs(reception.refusal);
  return { status: 'refused', http: 429, retryAfterMs: reception.retryAfter * 1000 };
}

function refusedAs({ status, err, retryAfter }: TokenRefusal): PostOutcome {
  return { status: 'refused', http: status, err, ...(retryAfter !== undefined && { retryAfterMs: retryAfter * 1000 }) };
}

/** A request under an HTTP message signature: who asks is proven before what is asked is read. */
async function signed<Asked>(
  exchange: Exchange,
  { admit }: Admission,
  { body, fields }: SignedPoll,
  read: (value: unknown) => Asked | undefined,
  answer: (caller: Caller, asked: Asked) => Promise<PollOutcome>,
): Promise<PollOutcome> {
  const refused = (http: number): PollOutcome => ({ status: 'refused', http, date: exchange.clock() });
  const signature = readSignature({
    contentType: fields['content-type'],
    contentDigest: fields['content-digest'],
    signature: fields.signature,
    signatureInput: fields['signature-input'],
  });
  if (!signature) return refused(401);
  const admittance = await admit(signature, body);
  if (admittance.status === 'unproven') return refused(401);
  if (admittance.status === 'pending') return refused(403);
  if (admittance.status === 'limited') return refused(429);
  const value = parseStrict(body, { bytes: pollLimits.bytes });
  const asked = isJsonFault(value) ? undefined : read(value.value);
  return asked === undefined ? refused(400) : answer(admittance.caller, asked);
}

const jsonOf = (value: object) => Buffer.from(JSON.stringify(value));

/** But for the wait: a long poll that brings nothing in its 25 s is here one that answers at once. */
async function offer(
  polls: PollServer,
  caller: Caller,
  asked: Parameters<PollServer['poll']>[1],
): Promise<PollOutcome> {
  const gone = new AbortController().signal;
  const { answer, written } = await polls.poll(caller, { ...asked, returnImmediately: true }, gone);
  void written();
  return { status: 'answered', body: jsonOf(answer) };
}

async function grant(
  replays: ReplayServer,
  caller: Caller,
  asked: Parameters<ReplayServer['grant']>[1],
): Promise<PollOutcome> {
  const answer = await replays.grant(caller, asked);
  if (answer.status === 'granted') return { status: 'answered', body: jsonOf(answer.grant) };
  if (answer.status === 'suspended') return { status: 'refused', http: 403 };
  if (answer.status === 'busy') return { status: 'refused', http: 429, retryAfterMs: answer.retryAfter * 1000 };
  const { err, ...more } = answer.refusal;
  return { status: 'refused', http: 400, body: jsonOf({ err, description: replayDescriptions[err], ...more }) };
}
