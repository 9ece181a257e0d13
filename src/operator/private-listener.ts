import fastify, { type FastifyInstance } from 'fastify';
import type { Metrics } from '../metrics.ts';

export interface PrivateParts {
  readonly metrics: Metrics;
  /** Whether the node can do its work now: what GET /health says. */
  readonly healthy: () => Promise<boolean>;
}

/** The listener for the organisation's own monitoring: health and metrics, and nothing that names a partner or a reference. */
export async function privateListener({ metrics, healthy }: PrivateParts): Promise<FastifyInstance> {
  const app = fastify({
    requestTimeout: 15_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 5000,
    http: { headersTimeout: 5000, connectionsCheckingInterval: 1000 },
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).type('text/plain').send('Not found.\n'));
  app.get('/health', async (_request, reply) => {
    const well = await healthy();
    return reply.code(well ? 200 : 503).send({ status: well ? 'ok' : 'unavailable' });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics.text()),
  );
  return app;
}
