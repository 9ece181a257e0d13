import type { FastifyInstance } from 'fastify';
import { refuse } from '../domain/refusal.ts';
import { normaliseUrl } from '../domain/url.ts';
import { browseReferences, searchMacs } from '../exchange/browse.ts';
import type { Exchange } from '../exchange/context.ts';
import { matchKeys } from '../wire/match.ts';
import { sightOf } from './bearer.ts';
import { bodyOf } from './body.ts';
import type { RouteParts } from './parts.ts';
import { agreed, RefusedCall } from './problem.ts';
import * as query from './query.ts';
import { json, pageOf, route } from './route.ts';

/** Lists case references and finds them by address or host. */
export function findRoutes(app: FastifyInstance, { exchange }: RouteParts): void {
  const list = route({
    operationId: 'listReferences',
    summary: 'List case references, newest first',
    scope: 'references:read',
    querystring: query.referenceQuery,
    answers: { 200: json('One page.', pageOf('Reference')) },
    refuses: ['query-invalid', 'cursor-invalid'],
  });
  app.get<{ Querystring: query.FilterQuery }>('/v1/references', list, async (request) => {
    const filter = query.filterOf(request.query);
    return agreed(await browseReferences(exchange, filter, query.pageRequest(request.query), sightOf(request)));
  });

  const search = route({
    operationId: 'searchReferences',
    summary: 'Find case references by address or host',
    scope: 'references:read',
    description: 'The address stands in the body, so that no log on the way keeps it.',
    body: query.searchBody,
    answers: { 200: json('One page.', pageOf('Reference')) },
    refuses: [
      ...(['json-invalid', 'too-large', 'media-type-unsupported', 'cursor-invalid', 'schema-invalid'] as const),
      'query-invalid',
      ...(['url-invalid', 'url-scheme-refused', 'url-quarantined'] as const),
    ],
  });
  app.post('/v1/references::search', search, async (request) => {
    const { wanted, macs } = readSearch(exchange, bodyOf(request).value);
    const filter = { ...query.filterOf(wanted), macs };
    return agreed(await browseReferences(exchange, filter, query.pageRequest(wanted), sightOf(request)));
  });
}

/** What to look for: an address or host in the form that the blind indexes are made of. */
function readSearch(exchange: Exchange, body: unknown): { wanted: query.FilterQuery; macs: Uint8Array[] } {
  const refusals = query.checkSearch(body);
  if (refusals.length > 0) throw new RefusedCall(...refusals);
  const wanted = body as query.FilterQuery & { url?: string; host?: string };
  const { url, host } = wanted;
  const at = url === undefined ? '/host' : '/url';
  if (host !== undefined && /[/?#@\\]/.test(host))
    throw new RefusedCall(refuse('url-invalid', at, 'The host is not a host name.'));
  const canonical = agreed(normaliseUrl(url ?? `https://${host}/`, exchange.profile, at)).url;
  const sought = url === undefined ? { host: matchKeys(canonical).K3 } : { url: canonical };
  return { wanted, macs: searchMacs(exchange, sought) };
}
