import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { JSON_TYPE } from '../wire/http-signature.ts';
import { sendProblem } from './problem.ts';

/** The tokens that this listener takes. */
export const SET = 'application/secevent+jwt';
export const KEY_SET = 'application/jwk-set+jwt';

/** Takes bodies as the bytes they are: what is signed must not pass through a decoder first. */
export function readTokens(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    [SET, KEY_SET, JSON_TYPE],
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, bytes: Buffer) => bytes,
  );
}

/** Lets one media type pass, without parameters and without a coding, before a byte of the body is read. */
export function onlyType(expected: typeof SET | typeof KEY_SET) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const { 'content-type': type, 'content-encoding': coding } = request.headers;
    if (type?.trim().toLowerCase() === expected && coding === undefined) return undefined;
    return sendProblem(reply, 'media-type-unsupported');
  };
}

/** The bytes of the body, none where there was no body. */
export function tokenOf(request: FastifyRequest): Buffer {
  return request.body instanceof Buffer ? request.body : Buffer.alloc(0);
}
