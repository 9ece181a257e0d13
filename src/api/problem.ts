import type { FastifyReply } from 'fastify';
import { isRefusal, type Refusal, type RefusalCode, refusals, refuse } from '../domain/refusal.ts';

/** HTTP status of a refusal code; what is not listed is 422, "well-formed, and the domain refuses it". */
const statuses: Readonly<Partial<Record<RefusalCode, number>>> = {
  'json-invalid': 400,
  'cursor-invalid': 400,
  'query-invalid': 400,
  unauthenticated: 401,
  'scope-missing': 403,
  'not-found': 404,
  'reference-unknown': 404,
  'partner-unknown': 404,
  'delivery-unknown': 404,
  'method-not-allowed': 405,
  'reference-exists': 409,
  'revision-conflict': 409,
  'url-immutable': 409,
  'already-final': 409,
  'reference-withdrawn': 409,
  'hold-active': 409,
  'handover-pending': 409,
  'pen-conflict': 409,
  'state-conflict': 409,
  'partner-exists': 409,
  'partner-pending': 409,
  'partner-suspended': 409,
  'precondition-failed': 412,
  'too-large': 413,
  'media-type-unsupported': 415,
  'precondition-required': 428,
  'rate-exceeded': 429,
  'withdrawals-exceeded': 429,
  internal: 500,
  unavailable: 503,
  'store-unavailable': 503,
};

export function statusOf(code: RefusalCode): number {
  return statuses[code] ?? 422;
}

/** Problem details (RFC 9457) as this API writes them; the first refusal gives status and code. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: RefusalCode;
  readonly errors: readonly RefusalView[];
}

/** One refusal as bodies show it: where, what, and what to do about it. */
export type RefusalView = Pick<Refusal, 'pointer' | 'code' | 'message' | 'next'>;

export function viewRefusals(found: readonly Refusal[]): RefusalView[] {
  return found.slice(0, 100).map(({ pointer, code, message, next }) => ({ pointer, code, message, next }));
}

function problemOf(found: readonly Refusal[]): ProblemBody {
  const first = found[0] ?? refuse('internal');
  return {
    type: `urn:caseref:problem:${first.code}`,
    title: refusals[first.code][0],
    status: statusOf(first.code),
    detail: first.message,
    code: first.code,
    errors: viewRefusals(found),
  };
}

/** Carries refusals out of a hook, parser or validator, where fastify takes nothing but an error. */
export class RefusedCall extends Error {
  readonly refusals: readonly Refusal[];

  constructor(...found: Refusal[]) {
    super('refused');
    this.refusals = found;
  }
}

/** What a use case answered; its refusals become the problem body of the call. */
export function agreed<Answer>(answer: Answer): Exclude<Answer, Refusal | readonly Refusal[]> {
  const found: readonly unknown[] = Array.isArray(answer) ? answer : [answer];
  const refused = found.filter((one) => isRefusal(one));
  if (refused.length > 0) throw new RefusedCall(...refused);
  return answer as Exclude<Answer, Refusal | readonly Refusal[]>;
}

/** Answers with a problem body. */
export function sendProblem(reply: FastifyReply, found: readonly Refusal[]): FastifyReply {
  const body = problemOf(found);
  if (body.status === 401 && !reply.hasHeader('www-authenticate'))
    reply.header('www-authenticate', 'Bearer realm="caseref"');
  return reply.code(body.status).type('application/problem+json').send(body);
}
