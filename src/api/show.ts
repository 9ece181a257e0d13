import type { FastifyInstance } from 'fastify';
import { refuse } from '../domain/refusal.ts';
import { browseDeliveries, showDecisions } from '../exchange/browse.ts';
import { showWithCase } from '../exchange/case/show.ts';
import { findReference } from '../store/lists.ts';
import { sightOf } from './bearer.ts';
import type { RouteParts } from './parts.ts';
import { agreed, RefusedCall } from './problem.ts';
import * as query from './query.ts';
import { component, json, pageOf, route } from './route.ts';
import { eTag } from './shared-body.ts';

interface OfReference {
  Params: { id: string };
  Querystring: { originator?: string } & query.PageQuery;
}

/** Shows one case reference, why it went to each partner or did not, and what became of it there. */
export function showRoutes(app: FastifyInstance, { exchange }: RouteParts): void {
  const reads = { scope: 'references:read', params: query.idParams } as const;

  const show = route({
    ...reads,
    operationId: 'showReference',
    summary: 'Show one case reference with its history and where its case stands',
    querystring: query.originatorQuery,
    answers: { 200: json('The reference.', component('Reference'), { ETag: { type: 'string' } }) },
    refuses: ['query-invalid', 'not-found'],
  });
  app.get<OfReference>('/v1/references/:id', show, async (request, reply) => {
    const originator = request.query.originator ?? exchange.self;
    const { id } = request.params;
    const reference = agreed(await showWithCase(exchange, { originator, id }, sightOf(request)));
    reply.header('etag', eTag(reference.revision));
    return reference;
  });

  const decisions = route({
    ...reads,
    operationId: 'listDecisions',
    summary: 'Why a case reference was sent to each partner, or not',
    querystring: query.originatorQuery,
    answers: { 200: json('Every decision.', pageOf('StoredDecision')) },
    refuses: ['query-invalid', 'not-found'],
  });
  app.get<OfReference>('/v1/references/:id/decisions', decisions, async (request) =>
    agreed(await showDecisions(exchange, request.query.originator ?? exchange.self, request.params.id)),
  );

  const deliveries = route({
    ...reads,
    operationId: 'listDeliveries',
    summary: 'Messages about a case reference: state, attempts, receipt',
    querystring: query.originatorPageQuery,
    answers: { 200: json('One page, newest first.', pageOf('Delivery')) },
    refuses: ['query-invalid', 'cursor-invalid', 'not-found'],
  });
  app.get<OfReference>('/v1/references/:id/deliveries', deliveries, async (request) => {
    const originator = request.query.originator ?? exchange.self;
    const { id } = request.params;
    if (!(await findReference(exchange.store.db, originator, id))) throw new RefusedCall(refuse('not-found'));
    return agreed(await browseDeliveries(exchange, { originator, reference: id }, query.pageRequest(request.query)));
  });
}
