import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { Exchange } from '../exchange/context.ts';
import { RefusedCall, sendProblem } from './problem.ts';

/** What the framework itself refuses, by its code. */
const frameworkRefusals: Readonly<Record<string, Refusal>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: refuse('too-large'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: refuse('media-type-unsupported'),
  FST_ERR_CTP_EMPTY_TYPE: refuse('media-type-unsupported'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: refuse('json-invalid', '', 'The body is not as long as Content-Length says.'),
};

const NOWHERE = refuse('not-found', '', 'There is nothing at this path.', 'Compare the path with /openapi.json.');

/** Headers of every answer. */
export const guardHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** Answers a path that cannot be decoded or has an endless part: no hook runs before the router refuses it. */
export function answerBadPath(_failure: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  void sendProblem(reply.headers(guardHeaders), [refuse('not-found')]);
}

/** Gives every failure a problem body; what nobody expected is logged, and told to the caller as `internal` only. */
export function answerFailures(app: FastifyInstance, exchange: Exchange): void {
  app.setErrorHandler((failure: FastifyError | RefusedCall, request, reply) => {
    if (failure instanceof RefusedCall) return sendProblem(reply, failure.refusals);
    const known = frameworkRefusals[failure.code];
    if (known) return sendProblem(reply, [known]);
    const route = request.routeOptions.url ?? '';
    exchange.log.failure('api.failed', failure, { method: request.method, route });
    return sendProblem(reply, [refuse('internal')]);
  });
}

interface KnownRoute {
  readonly method: string;
  readonly path: RegExp;
}

function pathPattern(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part.startsWith(':') && !part.startsWith('::')) return '[^/]+';
    return part.replaceAll('::', ':').replaceAll('.', '\\.');
  });
  return new RegExp(`^${parts.join('/')}$`);
}

/** An unknown path is `not-found`; a known one that does not take the method is `method-not-allowed`, with `Allow`. */
export function answerUnknownPaths(app: FastifyInstance): void {
  const routes: KnownRoute[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, path: pathPattern(url) });
  });
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split('?')[0] ?? '';
    const allowed = routes.filter((route) => route.path.test(path)).map((route) => route.method);
    if (allowed.length === 0) return sendProblem(reply, [NOWHERE]);
    reply.header('allow', [...new Set(allowed)].join(', '));
    return sendProblem(reply, [refuse('method-not-allowed')]);
  });
}
