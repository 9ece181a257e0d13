import type { FastifyInstance } from 'fastify';
import type { RouteParts } from './parts.ts';
import { json, route } from './route.ts';

const standing = {
  type: 'object',
  additionalProperties: false,
  required: ['status'],
  properties: {
    status: { type: 'string', enum: ['ok', 'unavailable'], description: 'Whether the node can do its work.' },
  },
};

/** GET /health: whether the node can do its work, and nothing else. */
export function healthRoute(app: FastifyInstance, { healthy }: RouteParts): void {
  const health = route({
    operationId: 'health',
    summary: 'Whether the node can do its work',
    scope: 'open',
    answers: { 200: json('It can.', standing), 503: json('It cannot.', standing) },
  });
  app.get('/health', health, async (_request, reply) => {
    const well = await healthy().catch(() => false);
    return reply.code(well ? 200 : 503).send({ status: well ? 'ok' : 'unavailable' });
  });
}
