import type { FastifyInstance, FastifyReply } from 'fastify';
import type { KeySet } from '../domain/contract.types.ts';
import type { Exchange } from '../exchange/context.ts';
import { offeredKeySet, publishedClaims } from '../exchange/published.ts';
import { KEY_SET } from './content-type.ts';
import { sendProblem } from './problem.ts';

/** Well below the refresh of a key set: a cache in front must not hide a revocation for long. */
const CACHE = 'public, max-age=300';
const PROTOCOL_VERSION = 1;

/** The documents that say who this node is: the signed key set, and two plain ones for people and foreign clients. */
export function wellKnownRoutes(app: FastifyInstance, exchange: Exchange): void {
  app.get('/.well-known/caseref-keys', async (request, reply) => {
    const published = await offeredKeySet(exchange);
    if (!published) return sendProblem(reply, 'unavailable', 60);
    const etag = `"${published.seq}"`;
    reply.header('etag', etag).header('cache-control', CACHE);
    if (isSame(request.headers['if-none-match'], etag)) return reply.code(304).send();
    return reply.header('content-type', KEY_SET).send(Buffer.from(published.keySet));
  });

  app.get('/.well-known/caseref-node', async (_request, reply) => {
    const claims = await publishedClaims(exchange.store.db);
    if (!claims) return sendProblem(reply, 'unavailable', 60);
    return sendDocument(reply, 'application/json', nodeDocument(exchange.self, claims));
  });

  app.get('/jwks.json', async (_request, reply) => {
    const claims = await publishedClaims(exchange.store.db);
    if (!claims) return sendProblem(reply, 'unavailable', 60);
    const now = Math.floor(exchange.clock() / 1000);
    return sendDocument(reply, 'application/jwk-set+json', { keys: signingKeys(claims, revokedHere(exchange), now) });
  });
}

/** RFC 9110, section 13.1.2: weak comparison with each of the tags named, or any. */
function isSame(ifNoneMatch: string | undefined, etag: string): boolean {
  const named = ifNoneMatch?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return named.includes(etag) || named.includes('*');
}

function nodeDocument(issuer: string, { endpoints, algs, encryption, max_set_bytes }: KeySet) {
  return {
    issuer,
    protocol: 'caseref',
    version: PROTOCOL_VERSION,
    endpoints,
    keySet: `${issuer}/.well-known/caseref-keys`,
    jwks: `${issuer}/jwks.json`,
    algorithms: algs,
    encryption,
    maxSetBytes: max_set_bytes,
  };
}

/** Public keys that sign now or soon, or signed what may still be on its way, as RFC 7517 has them; none for encryption, none revoked. */
function signingKeys({ keys }: KeySet, lost: ReadonlySet<string>, now: number) {
  return keys
    .filter(({ kid, use, exp, revoked }) => use === 'sig' && exp > now && revoked === undefined && !lost.has(kid))
    .map(({ nbf: _nbf, exp: _exp, revoked: _revoked, ...jwk }) => jwk);
}

/** Also those of which no published key set says so yet. */
function revokedHere({ keys }: Exchange): ReadonlySet<string> {
  return new Set(keys.publicKeys().flatMap(({ kid, revoked }) => (revoked ? [kid] : [])));
}

function sendDocument(reply: FastifyReply, type: string, document: unknown): FastifyReply {
  return reply
    .header('content-type', type)
    .header('cache-control', CACHE)
    .send(Buffer.from(JSON.stringify(document)));
}
