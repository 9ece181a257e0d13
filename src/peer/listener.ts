import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Exchange } from '../exchange/context.ts';
import { createPollServer } from '../exchange/poll-server.ts';
import type { Receive } from '../exchange/receive.ts';
import { createReplayServer } from '../exchange/replay-server.ts';
import { boundConnections, refuseBytes } from './connections.ts';
import { readTokens } from './content-type.ts';
import { pollRoute } from './poll.ts';
import { sendProblem } from './problem.ts';
import { pushRoute } from './push.ts';
import { replayRoute } from './replay.ts';
import { takeKeysRoute } from './take-keys.ts';
import { wellKnownRoutes } from './well-known.ts';

export interface PeerParts {
  readonly exchange: Exchange;
  readonly receive: Receive;
  /** Whether the node can do its work now: what GET /health says. */
  readonly healthy: () => Promise<boolean>;
  /** Whether a proxy of our own stands in front: the address that it saw is then the source, and no other in the header. */
  readonly trustProxy?: boolean;
  /** How long a whole request may take, in milliseconds; 15 s where absent. */
  readonly requestMs?: number;
}

/** Larger than any token, so that a token that is too long is told so by its own rule, and nothing is gathered beyond. */
const BODY_LIMIT = 64 * 1024;
/** A whole request, headers and body, from its first byte; a sender that drips is cut off. */
const REQUEST_MS = 15_000;
const HEADERS_MS = 5000;
const HEADER_BYTES = 16 * 1024;
/** How often requests are looked at for their time. */
const CHECK_MS = 1000;
const IDLE_MS = 30_000;
/** Longer than senders keep a connection open, so that it is theirs to close. */
const KEEP_ALIVE_MS = 65_000;
const REQUESTS_A_SECOND = 100;

const headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/**
 * The listener that partners' nodes call, the only one that faces the internet. Everything that costs nothing is
 * checked first: rate by source address, media type, size; then the token itself. It speaks of nothing but these routes.
 */
export async function peerListener(parts: PeerParts): Promise<FastifyInstance> {
  const { exchange, receive, healthy, trustProxy, requestMs = REQUEST_MS } = parts;
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: requestMs,
    connectionTimeout: IDLE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      headersTimeout: Math.min(HEADERS_MS, requestMs),
      connectionsCheckingInterval: CHECK_MS,
      maxHeaderSize: HEADER_BYTES,
    },
    clientErrorHandler: refuseBytes,
    trustProxy: trustProxy ? (_address, hop) => hop === 0 : false,
    // A path that the framework itself cannot read comes here without any hook.
    frameworkErrors: (_failure, _request, reply) => void sendProblem(reply.headers(headers), 'not-found'),
  });
  const { loopback } = exchange.profile;
  boundConnections(app.server, (address) => trustProxy === true || (loopback && isLocal(address)));
  app.addHook('onSend', async (_request, reply) => {
    for (const [name, value] of Object.entries(headers)) if (!reply.hasHeader(name)) reply.header(name, value);
  });
  answerFailures(app, exchange);
  readTokens(app);
  await limitSources(app, loopback);
  pushRoute(app, receive, exchange.metrics);
  takeKeysRoute(app, exchange);
  pollRoute(app, createPollServer(exchange));
  replayRoute(app, createReplayServer(exchange));
  wellKnownRoutes(app, exchange);
  app.get('/health', async (_request, reply) => {
    const well = await healthy();
    return reply.code(well ? 200 : 503).send({ status: well ? 'ok' : 'unavailable' });
  });
  return app;
}

/** A source address has its share; nodes on one machine, which only a loopback node has, are not each other's flood. */
async function limitSources(app: FastifyInstance, loopback: boolean): Promise<void> {
  const none = { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false };
  await app.register(rateLimit, {
    max: REQUESTS_A_SECOND,
    timeWindow: 1000,
    addHeaders: none,
    addHeadersOnExceeding: none,
    allowList: (request) => loopback && isLocal(request.ip) && isLocal(request.socket.remoteAddress),
  });
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (_request, reply) => sendProblem(reply, 'not-found'));
}

function isLocal(address: string | undefined): boolean {
  return address !== undefined && /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(address);
}

const known: Readonly<Record<number, Parameters<typeof sendProblem>[1]>> = {
  413: 'too-large',
  415: 'media-type-unsupported',
  429: 'rate-exceeded',
};

/** How long a sender is asked to wait after a failure of ours, in seconds. */
const RETRY_AFTER = 30;

function answerFailures(app: FastifyInstance, exchange: Exchange): void {
  app.setErrorHandler((failure: FastifyError, request: FastifyRequest, reply) => {
    const problem = known[failure.statusCode ?? 500];
    if (problem) return sendProblem(reply, problem);
    if (failure.statusCode === 400) return sendProblem(reply, 'not-found');
    // Whatever failed is ours: the sender keeps the message and comes again.
    exchange.log.failure('peer.failed', failure, { route: request.routeOptions.url ?? '' });
    return sendProblem(reply, 'unavailable', RETRY_AFTER);
  });
}
