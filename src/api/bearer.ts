import type { FastifyInstance, FastifyRequest } from 'fastify';
import { refuse } from '../domain/refusal.ts';
import type { Authenticate, Client, Scope } from '../exchange/clients.ts';
import type { Sight } from '../exchange/view.ts';
import { RefusedCall } from './problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that a call of this route needs; `open` for the few that anybody may call. */
    scope?: Scope | 'open';
  }
  interface FastifyRequest {
    /** The client whose token came with the request; undefined on open routes. */
    client: Client | undefined;
  }
}

const bearer = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** The token of a request (RFC 6750, section 2.1); the two ways that would put it into a body or a query are not taken. */
export function tokenOf(request: FastifyRequest): string | undefined {
  return bearer.exec(request.headers.authorization ?? '')?.[1];
}

/**
 * Asks every route for its scope before the body of a call is read. A route that names none cannot be registered, so
 * that no route is open by forgetfulness.
 */
export function demandScopes(app: FastifyInstance, authenticate: Authenticate): void {
  app.decorateRequest('client', undefined);
  app.addHook('onRoute', ({ url, config }) => {
    if (!config?.scope) throw new Error(`${url} names no scope`);
  });
  app.addHook('onRequest', async (request, reply) => {
    const scope = request.routeOptions.config.scope;
    if (request.is404 || scope === 'open') return;
    const token = tokenOf(request);
    const client = token === undefined ? undefined : await authenticate(token);
    if (!client) {
      const reason = token === undefined ? '' : ', error="invalid_token"';
      reply.header('www-authenticate', `Bearer realm="caseref"${reason}`);
      throw new RefusedCall(refuse('unauthenticated'));
    }
    if (scope === undefined || !client.scopes.includes(scope)) {
      reply.header('www-authenticate', `Bearer realm="caseref", error="insufficient_scope", scope="${scope}"`);
      throw new RefusedCall(refuse('scope-missing', '', `This call needs the scope ${scope}.`));
    }
    request.client = client;
  });
}

/** Addresses are whole for clients that may locate, masked for all others. */
export function sightOf(request: FastifyRequest): Sight {
  return request.client?.scopes.includes('references:locate') ? 'whole' : 'masked';
}
