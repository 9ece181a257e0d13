import type { FastifyInstance } from 'fastify';
import type { Receive } from '../exchange/receive.ts';
import type { Metrics } from '../metrics.ts';
import { onlyType, SET, tokenOf } from './content-type.ts';
import { sendProblem, sendTokenRefusal } from './problem.ts';

/** Push-based delivery (RFC 8935, section 2): 202 with nothing in it once the message is durable. */
export function pushRoute(app: FastifyInstance, receive: Receive, metrics: Metrics): void {
  app.post('/exchange/push', { preParsing: onlyType(SET) }, async (request, reply) => {
    const reception = await receive(tokenOf(request));
    metrics.received(reception.status);
    if (reception.status === 'limited') return sendProblem(reply, 'rate-exceeded', reception.retryAfter);
    if (reception.status === 'refused') return sendTokenRefusal(reply, reception.refusal);
    return reply.code(202).send();
  });
}
