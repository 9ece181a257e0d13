import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';

export interface PortalParts {
  /** Whether the node can do its work now: what GET /health says. */
  readonly healthy: () => Promise<boolean>;
}

/** Nothing may be loaded, framed, sniffed, remembered, indexed or told to another site. */
const headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex, nofollow',
};

/** The listener that liaisons read. */
export async function portalListener({ healthy }: PortalParts): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: 16 * 1024,
    requestTimeout: 15_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 5000,
    http: { headersTimeout: 5000, connectionsCheckingInterval: 1000 },
    frameworkErrors: (_failure, _request, reply) => void nothingHere(reply),
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(headers);
  });
  app.removeAllContentTypeParsers();
  app.setNotFoundHandler((_request, reply) => nothingHere(reply));
  app.setErrorHandler((_failure, _request, reply) => nothingHere(reply));
  app.get('/health', async (_request, reply) => {
    const well = await healthy();
    return reply.code(well ? 200 : 503).send({ status: well ? 'ok' : 'unavailable' });
  });
  return app;
}

function nothingHere(reply: FastifyReply): FastifyReply {
  // A path that the framework itself cannot read comes here without any hook.
  return reply.headers(headers).code(404).type('text/plain').send('Not found.\n');
}
