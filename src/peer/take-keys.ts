import type { FastifyInstance } from 'fastify';
import type { Exchange } from '../exchange/context.ts';
import { takeKeySet } from '../exchange/key-sets.ts';
import { isTokenRefusal } from '../wire/token-refusal.ts';
import { KEY_SET, onlyType, tokenOf } from './content-type.ts';
import { sendTokenRefusal } from './problem.ts';

/** Takes a partner's key set, which authenticates itself; 204 when it is pinned, or was before. */
export function takeKeysRoute(app: FastifyInstance, exchange: Exchange): void {
  app.post('/exchange/keys', { preParsing: onlyType(KEY_SET) }, async (request, reply) => {
    // One character a byte: what is no ASCII stays different from every base64url character and is refused as such.
    const taken = await takeKeySet(exchange, tokenOf(request).toString('latin1'));
    return isTokenRefusal(taken) ? sendTokenRefusal(reply, taken) : reply.code(204).send();
  });
}
