import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isRefusal, refuse } from '../domain/refusal.ts';
import { readJson } from '../wire/strict.ts';
import { RefusedCall } from './problem.ts';

/** The longest body of a single call, and the longest line of a batch, in bytes. */
export const BODY_LIMIT = 64 * 1024;

/** A JSON body with the bytes that it was read from: an idempotency key belongs to bytes. */
export interface JsonBody {
  readonly value: unknown;
  readonly text: string;
}

/** Reads JSON by wire's strict gate; the framework's own parser takes duplicate members. */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, bytes: Buffer) => {
      const read = readJson(bytes, { bytes: BODY_LIMIT });
      if (isRefusal(read)) throw new RefusedCall(read);
      return { value: read.value, text: bytes.toString() } satisfies JsonBody;
    },
  );
}

/** The body of a call that needs one. */
export function bodyOf(request: FastifyRequest): JsonBody {
  const body = request.body as JsonBody | null | undefined;
  if (!body) throw new RefusedCall(refuse('json-invalid', '', 'The body is missing.'));
  return body;
}
