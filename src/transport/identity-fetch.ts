import { Agent } from 'undici';
import { checkedLookup } from './address.ts';
import { TIMEOUT_MS } from './pools.ts';
import { readBody } from './read-body.ts';

/** A discovery document or a key set of an identity provider is a few kilobytes. */
const BYTES = 256 * 1024;
const CONNECTIONS = 4;

/** What is asked of an identity provider. */
export interface IdentityRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

export interface IdentityFetch {
  /** One request within limits of its own; no redirect is followed. Throws for what the network does. */
  fetch(url: string, request: IdentityRequest): Promise<Response>;
  close(): Promise<void>;
}

/**
 * The way to the identity provider that the operator configured, and to nothing else: what `allowed` does not allow
 * throws. It may stand in the organisation's own network, so private addresses are connected to, link-local ones not.
 */
export function createIdentityFetch(allowed: (url: URL) => boolean): IdentityFetch {
  const agent = new Agent({
    connections: CONNECTIONS,
    pipelining: 1,
    allowH2: false,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    maxResponseSize: BYTES,
    connect: { timeout: TIMEOUT_MS, rejectUnauthorized: true, lookup: checkedLookup(true) },
  });
  return {
    async fetch(url, { method = 'GET', headers = {}, body, signal }) {
      const target = new URL(url);
      if (!allowed(target)) throw new Error('the identity provider names an address that is not reached by TLS');
      const limit = AbortSignal.timeout(2 * TIMEOUT_MS);
      const answer = await agent.request({
        origin: target.origin,
        path: target.pathname + target.search,
        method: method === 'POST' ? 'POST' : 'GET',
        headers: { ...headers, 'accept-encoding': 'identity' },
        body: body === undefined || body === null ? null : String(body),
        signal: signal ? AbortSignal.any([limit, signal]) : limit,
      });
      const bytes = await readBody(answer.body, BYTES);
      const type = answer.headers['content-type'];
      const empty = answer.statusCode === 204 || answer.statusCode === 304;
      return new Response(empty ? null : new Uint8Array(bytes), {
        status: answer.statusCode,
        headers: typeof type === 'string' ? { 'content-type': type } : {},
      });
    },
    close: () => agent.destroy(),
  };
}
