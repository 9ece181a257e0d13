import type { FastifyInstance } from 'fastify';
import { readWithdrawal, withdraw } from '../exchange/withdraw.ts';
import { bodyOf } from './body.ts';
import type { RouteParts } from './parts.ts';
import { agreed } from './problem.ts';
import type { Schema } from './published.ts';
import { idParams } from './query.ts';
import { json, route } from './route.ts';

const withdrawalBody: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['reason', 'purge'],
  properties: {
    reason: { type: 'string', description: 'Why: code of withdrawal-reason.json.' },
    purge: { type: 'boolean', description: 'Whether recipients erase it after sealing it.' },
    batch: { type: 'string', format: 'uuid', description: 'One recall over many references.' },
  },
};

const withdrawalAnswer: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['id', 'reason', 'purge', 'recipients'],
  properties: {
    id: { type: 'string' },
    reason: { type: 'string' },
    purge: { type: 'boolean' },
    batch: { type: 'string' },
    recipients: {
      type: 'array',
      description: 'One row for each partner that had it or would have got it; complete with that partner’s receipt.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['partner', 'state'],
        properties: {
          partner: { type: 'string' },
          state: { type: 'string', enum: ['asked', 'cancelled', 'asked-before'] },
          jti: { type: 'string', description: 'The message that asks; see the deliveries of the reference.' },
        },
      },
    },
  },
};

/** POST of a withdrawal. */
export function recallRoutes(app: FastifyInstance, { exchange }: RouteParts): void {
  const options = route({
    operationId: 'withdrawReference',
    summary: 'Take an own case reference back',
    description: 'Sealed here with the answer; everybody who holds it is asked to seal or erase it.',
    scope: 'references:write',
    params: idParams,
    body: withdrawalBody,
    answers: { 202: json('Sealed; the recipients are asked.', withdrawalAnswer) },
    refuses: [
      'json-invalid',
      'too-large',
      'media-type-unsupported',
      'schema-invalid',
      'code-unknown',
      'not-found',
      'reference-withdrawn',
    ],
  });
  app.post<{ Params: { id: string } }>('/v1/references/:id/withdrawal', options, async (request, reply) => {
    const content = agreed(readWithdrawal(bodyOf(request).value));
    reply.code(202);
    return agreed(await withdraw(exchange, request.params.id, content));
  });
}
