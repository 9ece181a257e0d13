import type { FastifyReply, FastifyRequest } from 'fastify';
import { refuse } from '../../domain/refusal.ts';
import type { Exchange } from '../../exchange/context.ts';
import { recordRefused } from '../../exchange/liaison/refused.ts';

const reads = new Set(['GET', 'HEAD']);

/**
 * Whether a request that changes something comes from a page of our own. A browser says so itself (`Sec-Fetch-Site`, which no
 * script can set); one that is too old for that says from where (`Origin`), and one that says neither is not let in.
 */
export function isOwnRequest(
  { method, headers }: Pick<FastifyRequest, 'method' | 'headers'>,
  origin: string | undefined,
): boolean {
  if (reads.has(method)) return true;
  const { origin: from, 'sec-fetch-site': site } = headers;
  if (site === undefined) return from !== undefined && from === origin;
  // A page that tells nobody where its visitor comes from sends the origin as `null` (Fetch, section 3.2.1).
  return site === 'same-origin' && (from === undefined || from === 'null' || from === origin);
}

/**
 * A hook for everything that the portal answers, whatever the path: what another site sends is refused and recorded before it is read. Where it
 * is not known how the portal is reached, the browser's own word alone counts.
 */
export function refuseCrossSite(exchange: Exchange, origin: string | undefined) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (isOwnRequest(request, origin)) return undefined;
    const { code, message } = refuse('cross-site-refused');
    await recordRefused(exchange, code);
    return reply.code(403).type('text/plain').send(`${message}\n`);
  };
}
