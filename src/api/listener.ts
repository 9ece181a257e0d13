import fastify, { type FastifyInstance } from 'fastify';
import { batchRoutes } from './batch.ts';
import { demandScopes } from './bearer.ts';
import { BODY_LIMIT, readJsonBodies } from './body.ts';
import { caseRoutes } from './case.ts';
import { decisionRoutes } from './decisions.ts';
import { describeRoutes, descriptionRoute } from './description.ts';
import { eventRoutes } from './events.ts';
import { answerBadPath, answerFailures, answerUnknownPaths, guardHeaders } from './failures.ts';
import { findRoutes } from './find.ts';
import { healthRoute } from './health.ts';
import { partnerRoutes } from './partners.ts';
import type { ApiParts, RouteParts } from './parts.ts';
import { validateStrictly } from './query.ts';
import { recallRoutes } from './recall.ts';
import { showRoutes } from './show.ts';
import { writeRoutes } from './write.ts';

/**
 * The node API: what the hotline's own software calls, on the organisation's network. Ready to listen or to be injected
 * into; `close()` ends open event streams and the reading of batches, then waits for what is under way.
 */
export async function apiListener(given: ApiParts): Promise<FastifyInstance> {
  const closing = new AbortController();
  const parts: RouteParts = { ...given, closing: closing.signal };
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    // Silence for a minute ends a connection. There is no limit for a whole request: a batch of millions takes its time.
    connectionTimeout: 60_000,
    requestTimeout: 0,
    keepAliveTimeout: 10_000,
    http: { headersTimeout: 10_000 },
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    frameworkErrors: answerBadPath,
    // Issuers stand percent-encoded in paths.
    routerOptions: { maxParamLength: 1000 },
  });
  app.addHook('preClose', async () => closing.abort());
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(guardHeaders);
  });
  answerFailures(app, parts.exchange);
  answerUnknownPaths(app);
  demandScopes(app, parts.authenticate);
  readJsonBodies(app);
  validateStrictly(app);
  await describeRoutes(app);
  healthRoute(app, parts);
  descriptionRoute(app);
  writeRoutes(app, parts);
  recallRoutes(app, parts);
  caseRoutes(app, parts);
  decisionRoutes(app, parts);
  findRoutes(app, parts);
  showRoutes(app, parts);
  eventRoutes(app, parts);
  partnerRoutes(app, parts);
  await app.register(batchRoutes, parts);
  return app;
}
