import type { FastifyInstance } from 'fastify';
import { refuse } from '../domain/refusal.ts';
import { showReference } from '../exchange/browse.ts';
import { sightOf } from './bearer.ts';
import { bodyOf } from './body.ts';
import { idempotencyHeader, idempotencyOf } from './idempotent.ts';
import type { RouteParts } from './parts.ts';
import { agreed, RefusedCall } from './problem.ts';
import type { Schema } from './published.ts';
import { idParams } from './query.ts';
import { component, json, route } from './route.ts';
import { eTag, sharedBody } from './shared-body.ts';

const sharedSchema: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['reference', 'decisions', 'duplicates', 'normalised'],
  properties: {
    reference: component('Reference'),
    decisions: { type: 'array', items: component('Decision') },
    duplicates: { type: 'array', items: component('Duplicate') },
    duplicateAnswer: component('DuplicateAnswer'),
    normalised: { type: 'array', items: component('Normalised') },
    calls: {
      type: 'array',
      items: component('Call'),
      description: 'Of an emergency alone: whom to call now, whatever was decided.',
    },
  },
};

const gates = [
  ...([
    'json-invalid',
    'too-large',
    'media-type-unsupported',
    'schema-invalid',
    'media-refused',
    'fingerprint-refused',
  ] as const),
  ...(['url-invalid', 'url-scheme-refused', 'url-quarantined', 'handle-invalid', 'jurisdiction-invalid'] as const),
  ...(['category-unknown', 'code-unknown', 'marking-invalid'] as const),
] as const;

const ifMatchHeader: Schema = {
  type: 'object',
  required: ['if-match'],
  properties: { 'if-match': { type: 'string', description: 'ETag of the revision that was read, such as "1".' } },
};

const tag: Schema = { type: 'string', description: 'The revision, in quotes.' };

/** POST and PUT of one case reference. */
export function writeRoutes(app: FastifyInstance, parts: RouteParts): void {
  const { exchange, share, revise } = parts;
  const submit = route({
    operationId: 'submitReference',
    summary: 'Submit one case reference',
    scope: 'references:write',
    headers: idempotencyHeader,
    body: component('Submission'),
    answers: {
      201: json('Shared; who gets it is in decisions.', sharedSchema, { Location: { type: 'string' }, ETag: tag }),
    },
    refuses: [...gates, 'query-invalid', 'reference-exists', 'idempotency-mismatch'],
  });
  app.post('/v1/references', submit, async (request, reply) => {
    const body = bodyOf(request);
    const shared = agreed(await share(body.value, { idempotency: idempotencyOf(request, body.text) }));
    reply.code(201).header('location', `/v1/references/${shared.id}`).header('etag', eTag(shared.reference.revision));
    if (shared.replayed) reply.header('idempotent-replayed', 'true');
    const { createdAt } = shared;
    return sharedBody(exchange, shared, { state: 'open', createdAt, updatedAt: createdAt }, sightOf(request));
  });

  const replace = route({
    operationId: 'reviseReference',
    summary: 'Revise an own case reference',
    scope: 'references:write',
    params: idParams,
    headers: ifMatchHeader,
    body: component('Submission'),
    answers: { 200: json('Revised; whoever holds it is told.', sharedSchema, { ETag: tag }) },
    refuses: [
      ...gates,
      ...([
        'not-found',
        'precondition-required',
        'precondition-failed',
        'url-immutable',
        'reference-withdrawn',
      ] as const),
    ],
  });
  app.put<{ Params: { id: string } }>('/v1/references/:id', replace, async (request, reply) => {
    const { id } = request.params;
    const expected = revisionWanted(request.headers['if-match']);
    const revised = agreed(await revise(id, expected, bodyOf(request).value));
    const now = agreed(await showReference(exchange, exchange.self, id, 'masked'));
    reply.header('etag', eTag(revised.reference.revision));
    const standing = { state: now.state, createdAt: now.createdAt, updatedAt: revised.createdAt };
    return sharedBody(exchange, revised, standing, sightOf(request));
  });
}

/** The revision in `If-Match`. `*` and lists would say "whatever it is now", which is how a change of somebody else gets lost. */
function revisionWanted(header: string | undefined): number {
  if (header === undefined || header === '*' || header.includes(',')) {
    throw new RefusedCall(refuse('precondition-required', '', 'If-Match must name the one revision that was read.'));
  }
  const revision = /^"([1-9]\d{0,14})"$/.exec(header)?.[1];
  if (revision === undefined) throw new RefusedCall(refuse('precondition-failed'));
  return Number(revision);
}
