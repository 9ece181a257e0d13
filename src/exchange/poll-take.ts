import type { PollAnswer, SetError } from '../domain/poll.ts';
import { type Peeked, peekSet } from '../wire/peek.ts';
import { descriptions, type TokenError } from '../wire/token-refusal.ts';
import type { Exchange } from './context.ts';
import { type Receive, TAKEN_BEFORE } from './receive.ts';

/** What a partner is to be told of the SETs that it gave: in the next poll, and again until a poll went well. */
export interface Answers {
  readonly acks: Set<string>;
  readonly errors: Map<string, SetError>;
}

/** What one answer brought: messages that were not here before, and the seconds to wait where the partner is above its quota. */
export interface Taken {
  readonly fresh: number;
  readonly wait: number;
}

interface Fetched {
  readonly jti: string;
  readonly token: string;
  readonly peeked: Peeked | undefined;
}

/**
 * Takes the SETs of one answer through the very pipeline that a push goes through, in the order of their numbers. One is
 * acknowledged when it is durable and never before; what cannot be judged yet is neither acknowledged nor refused, and is
 * offered again.
 */
export async function takeSets(
  exchange: Exchange,
  receive: Receive,
  { sets }: PollAnswer,
  { from, answers }: { readonly from: string; readonly answers: Answers },
): Promise<Taken> {
  const fetched = await Promise.all(
    Object.entries(sets).map(async ([jti, token]): Promise<Fetched> => {
      return { jti, token, peeked: await peekSet(token, (kid) => exchange.keys.decrypter(kid)) };
    }),
  );
  const genuine = fetched.filter((one) => {
    const wrong = mismatch(one, from);
    if (wrong !== undefined) answers.errors.set(one.jti, errorOf(wrong));
    return wrong === undefined;
  });
  let [fresh, wait] = [0, 0];
  for (const wave of wavesOf(genuine)) {
    const receptions = await Promise.all(wave.map((one) => takeOne(receive, one, answers)));
    fresh += receptions.filter(({ isFresh }) => isFresh).length;
    wait = Math.max(wait, ...receptions.map(({ retryAfter = 0 }) => retryAfter));
    if (wait > 0) break;
  }
  return { fresh, wait };
}

/** A partner gives its own messages, each under its own name: an acknowledgement names a message by that. */
function mismatch({ jti, peeked }: Fetched, from: string): TokenError | undefined {
  if (!peeked) return undefined;
  if (peeked.jti !== jti) return 'invalid_request';
  return peeked.issuer === from ? undefined : 'invalid_issuer';
}

/** By number, and in steps in which no two speak of the same: those of one step are stored together. */
function wavesOf(fetched: readonly Fetched[]): Fetched[][] {
  const waves: Fetched[][] = [];
  let subjects = new Set<string>();
  for (const one of fetched.toSorted((a, b) => (a.peeked?.n ?? 0) - (b.peeked?.n ?? 0))) {
    const subject = one.peeked?.subject ?? one.jti;
    const wave = waves.at(-1);
    if (wave && !subjects.has(subject)) wave.push(one);
    else {
      waves.push([one]);
      subjects = new Set();
    }
    subjects.add(subject);
  }
  return waves;
}

async function takeOne(receive: Receive, { jti, token }: Fetched, { acks, errors }: Answers) {
  const reception = await receive(Buffer.from(token, 'latin1'));
  if (reception.status === 'taken') acks.add(jti);
  else if (reception.status === 'refused' && reception.refusal.status === 400)
    errors.set(jti, errorOf(reception.refusal.err));
  return { retryAfter: 0, ...reception, isFresh: reception.status === 'taken' && reception !== TAKEN_BEFORE };
}

function errorOf(err: TokenError): SetError {
  return { err, description: descriptions[err] };
}
