import type { Agent } from 'undici';
import { failureCode } from './failure-code.ts';
import { readBody } from './read-body.ts';
import { readRetryAfter } from './retry-after.ts';
import { type Reach, targetOf } from './target.ts';

/** A signed request: its body, and the fields that sign it. */
export interface SignedPoll {
  readonly body: Uint8Array;
  readonly fields: Readonly<Record<string, string>>;
}

/** What a partner answered to a signed request; `date` is its clock in milliseconds since 1970, where it says one. */
export type PollOutcome =
  | { readonly status: 'answered'; readonly body: Uint8Array }
  | {
      readonly status: 'refused';
      readonly http: number;
      readonly retryAfterMs?: number;
      readonly date?: number;
      /** What it said with a 400, where that is short and came whole. */
      readonly body?: Uint8Array;
    }
  | { readonly status: 'unreachable'; readonly code: string };

/** 1 MiB of SETs and what stands around them. */
export const POLL_BYTES = 1280 * 1024;
/** An answer may wait for 25 s before it begins. */
const WAIT_MS = 40_000;
const ERROR_BYTES = 16 * 1024;

interface Posting {
  readonly reach: Reach;
  readonly signal: AbortSignal;
  readonly now: number;
}

/** One poll (RFC 8936, section 2.2); never follows, never decompresses, never throws for what the network does. */
export function postPoll(dispatcher: Agent, url: string, poll: SignedPoll, posting: Posting): Promise<PollOutcome> {
  return postSigned(dispatcher, url, poll, { ...posting, taken: 200, bytes: POLL_BYTES });
}

/** One request for a replay (protocol, "Endpoints"), under the same signature and with the same care. */
export function postReplay(dispatcher: Agent, url: string, asked: SignedPoll, posting: Posting): Promise<PollOutcome> {
  return postSigned(dispatcher, url, asked, { ...posting, taken: 202, bytes: ERROR_BYTES });
}

async function postSigned(
  dispatcher: Agent,
  url: string,
  { body, fields }: SignedPoll,
  { reach, signal, now, taken, bytes }: Posting & { readonly taken: 200 | 202; readonly bytes: number },
): Promise<PollOutcome> {
  const target = targetOf(url, reach);
  if (typeof target === 'string') return { status: 'unreachable', code: target };
  try {
    const answer = await dispatcher.request({
      origin: target.origin,
      path: target.pathname + target.search,
      method: 'POST',
      headers: { ...fields, accept: 'application/json', 'accept-encoding': 'identity' },
      body,
      headersTimeout: WAIT_MS,
      bodyTimeout: WAIT_MS,
      signal,
    });
    const { statusCode: http, headers } = answer;
    if (http === taken) {
      const coding = headers['content-encoding'] ?? 'identity';
      if (coding === 'identity') return { status: 'answered', body: await readBody(answer.body, bytes) };
      await answer.body.dump();
      return { status: 'unreachable', code: 'coding-unexpected' };
    }
    const said = await readBody(answer.body, ERROR_BYTES).catch(() => undefined);
    const retryAfterMs = readRetryAfter(headers['retry-after'], now);
    const date = typeof headers.date === 'string' ? Date.parse(headers.date) : Number.NaN;
    return {
      status: 'refused',
      http,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(!Number.isNaN(date) && { date }),
      ...(http === 400 && said && { body: said }),
    };
  } catch (failure) {
    return { status: 'unreachable', code: failureCode(failure) };
  }
}
