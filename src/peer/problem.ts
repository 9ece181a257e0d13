import type { FastifyReply } from 'fastify';
import { refusals } from '../domain/refusal.ts';
import { descriptions, type TokenRefusal } from '../wire/token-refusal.ts';

/** What this listener says "no" with outside the token answers of RFC 8935. */
const statuses = {
  'json-invalid': 400,
  unauthenticated: 401,
  'partner-pending': 403,
  'partner-suspended': 403,
  'not-found': 404,
  'too-large': 413,
  'media-type-unsupported': 415,
  'rate-exceeded': 429,
  unavailable: 503,
} as const;

/** What a face of ours says of a client token is not true of a signature. */
const titles = { unauthenticated: 'The request is not signed as it must be' } as const;

/** Answers with a problem body (RFC 9457) that says nothing but its code; `retryAfter` in seconds. */
export function sendProblem(reply: FastifyReply, code: keyof typeof statuses, retryAfter?: number): FastifyReply {
  const status = statuses[code];
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  const body = {
    type: `urn:caseref:problem:${code}`,
    title: code in titles ? titles.unauthenticated : refusals[code][0],
    status,
    code,
  };
  return reply
    .code(status)
    .header('content-type', 'application/problem+json')
    .send(Buffer.from(JSON.stringify(body)));
}

/**
 * The answer to a token that failed verification steps 2 to 7 (RFC 8935, section 2.4): a code and one constant sentence.
 * Sent as bytes, so that the framework adds no charset to the content type.
 */
export function sendTokenRefusal(reply: FastifyReply, { status, err, retryAfter }: TokenRefusal): FastifyReply {
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  return reply
    .code(status)
    .header('content-type', 'application/json')
    .header('content-language', 'en')
    .send(Buffer.from(JSON.stringify({ err, description: descriptions[err] })));
}
