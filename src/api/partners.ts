import type { FastifyInstance } from 'fastify';
import { listPartners, showPartner } from '../exchange/partner-directory.ts';
import type { RouteParts } from './parts.ts';
import { agreed } from './problem.ts';
import { issuerParams, type PageQuery, pageQuery, pageRequest } from './query.ts';
import { component, json, pageOf, route } from './route.ts';

/** The directory of partners with state and key status; policy rules are not shown. */
export function partnerRoutes(app: FastifyInstance, { exchange }: RouteParts): void {
  const list = route({
    operationId: 'listPartners',
    summary: 'List partners',
    scope: 'partners:read',
    querystring: pageQuery,
    answers: { 200: json('One page, in the order of issuers.', pageOf('Partner')) },
    refuses: ['query-invalid', 'cursor-invalid'],
  });
  app.get<{ Querystring: PageQuery }>('/v1/partners', list, async (request) => {
    return agreed(await listPartners(exchange, pageRequest(request.query)));
  });

  const show = route({
    operationId: 'showPartner',
    summary: 'Show one partner with its keys',
    scope: 'partners:read',
    params: issuerParams,
    answers: { 200: json('The partner.', component('PartnerDetail')) },
    refuses: ['not-found'],
  });
  app.get<{ Params: { issuer: string } }>('/v1/partners/:issuer', show, async (request) => {
    return agreed(await showPartner(exchange, request.params.issuer));
  });
}
