import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import manifest from '../../package.json' with { type: 'json' };
import { scopes } from '../exchange/clients.ts';
import { components } from './components.ts';
import { route } from './route.ts';

/** Describes every route that is registered after it (OpenAPI 3.1). */
export async function describeRoutes(app: FastifyInstance): Promise<void> {
  for (const [$id, schema] of Object.entries(components)) app.addSchema({ ...schema, $id });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'caseref node API',
        version: manifest.version,
        description:
          'What the hotline’s own software calls. Addresses are masked for clients without the scope references:locate. No body carries media or fingerprints of media.',
        license: { name: manifest.license, identifier: manifest.license },
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: `Client token. Scopes: ${scopes.join(', ')}.` },
        },
      },
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `part-${index}`) },
  });
}

/** GET /openapi.json. */
export function descriptionRoute(app: FastifyInstance): void {
  const description = route({
    operationId: 'describe',
    summary: 'This description',
    scope: 'open',
    answers: { 200: { description: 'OpenAPI 3.1 document.', type: 'object', additionalProperties: true } },
  });
  app.get('/openapi.json', description, async () => app.swagger());
}
