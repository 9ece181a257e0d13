import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { apiListener } from '../../src/api/listener.ts';
import type { ApiParts } from '../../src/api/parts.ts';
import { createAuthenticate, scopes } from '../../src/exchange/clients.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { createShare } from '../../src/exchange/share.ts';
import { clientToken, type TestExchange, testExchange } from './exchange.ts';

export interface Call {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another client's token; null for none at all. */
  readonly token?: string | null;
}

/** The node API over a real exchange, with a client that has every scope. */
export interface TestApi {
  readonly app: FastifyInstance;
  readonly exchange: Exchange;
  readonly node: TestExchange;
  /** Token of a client with every scope. */
  readonly token: string;
  /** One call; an object as `body` is sent as JSON, a string as it is. */
  call(method: string, url: string, call?: Call): Promise<LightMyRequestResponse>;
  close(): Promise<void>;
}

export async function testApi(
  parts: Partial<ApiParts> = {},
  issuer = 'https://node.hotline-b.example',
): Promise<TestApi> {
  const node = await testExchange({ issuer });
  const { exchange } = node;
  const share = createShare(exchange);
  const revise = createRevise(exchange);
  const app = await apiListener({
    exchange,
    authenticate: createAuthenticate(exchange),
    share,
    revise,
    healthy: async () => true,
    ...parts,
  });
  const token = await clientToken(exchange, scopes);
  await app.ready();
  return {
    app,
    exchange,
    node,
    token,
    call: (method, url, call = {}) => app.inject({ method: method as 'GET', url, ...request(call, token) }),
    async close() {
      await app.close();
      await node.close();
    },
  };
}

function request({ body, headers, token }: Call, own: string) {
  const authorization = token === null ? {} : { authorization: `Bearer ${token ?? own}` };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return { headers: { ...authorization, ...type, ...headers }, ...(payload !== undefined && { payload }) };
}

let made = 0;

/** A submission that every gate takes, at an address of its own. */
export function submission(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  made += 1;
  return {
    url: `https://images.host.example/album/${made}`,
    jurisdiction: { hosting: 'NL', reporting: 'DE' },
    category: 'csam',
    marking: { tlp: 'AMBER' },
    ...changes,
  };
}
