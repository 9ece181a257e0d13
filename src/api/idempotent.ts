import type { FastifyRequest } from 'fastify';
import { refuse } from '../domain/refusal.ts';
import type { Idempotency } from '../exchange/idempotency.ts';
import { RefusedCall } from './problem.ts';
import type { Schema } from './published.ts';

/** The header of calls that may be made again. */
export const idempotencyHeader: Schema = {
  type: 'object',
  properties: {
    'idempotency-key': {
      type: 'string',
      description:
        'Honoured for 24 h: the same key with the same body has the stored answer, with another body idempotency-mismatch.',
    },
  },
};

/** The key that a call came with; `body` is what the same call says again. */
export function idempotencyOf(request: FastifyRequest, body: string): Idempotency | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !/^[!-~]{1,255}$/.test(key)) {
    const message = 'The header Idempotency-Key must be 1 to 255 visible ASCII characters.';
    throw new RefusedCall(refuse('query-invalid', '', message, 'Send a new UUID for each new request.'));
  }
  return { client: request.client?.id ?? '', key, body };
}
