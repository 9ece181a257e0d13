import type { FastifyInstance } from 'fastify';
import type { CaseEventName } from '../domain/message.ts';
import type { RefusalCode } from '../domain/refusal.ts';
import { refuse } from '../domain/refusal.ts';
import { isDraft } from '../exchange/acts.ts';
import { recordStatement } from '../exchange/case/say.ts';
import { bodyOf } from './body.ts';
import { bodyName } from './case-components.ts';
import { idempotencyHeader, idempotencyOf } from './idempotent.ts';
import type { RouteParts } from './parts.ts';
import { agreed, RefusedCall } from './problem.ts';
import { actionQuery, idParams, originatorQuery } from './query.ts';
import { component, json, route } from './route.ts';

/** What can be said about a reference: path, event, what it is, and the refusals that it alone has. */
interface Said {
  readonly path: string;
  readonly event: CaseEventName;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly refuses?: readonly RefusalCode[];
}

const said: readonly Said[] = [
  {
    ...{ path: 'assessments', event: 'assessed', operationId: 'assess' },
    summary: 'Say how it was assessed, under which law',
    description: 'A claim beside those of others: nothing is overwritten or outvoted.',
  },
  {
    ...{ path: 'actions', event: 'acted', operationId: 'act' },
    summary: 'Say what was done or seen',
    description:
      'An outcome (removed, unavailable, not-illegal) is final only from the holder of the pen; everybody else observes or proposes. A report of fact is refused neither for a hold nor for finality; with alsoLinked, removed, unavailable, online and reappeared are said of the other references to the same address too, as observed, so that each originator hears of its own.',
    refuses: [
      'not-assignee',
      'already-final',
      'hold-active',
      'handover-pending',
      'pen-conflict',
      'jurisdiction-invalid',
    ],
  },
  {
    ...{ path: 'handovers', event: 'handover', operationId: 'handOver' },
    summary: 'Offer, answer, confirm or return the pen',
    description:
      'The pen moves when it was offered, accepted and confirmed. "accepts" is filled in where it is left out.',
    refuses: ['not-assignee', 'handover-pending', 'pen-conflict', 'not-competent', 'state-conflict'],
  },
  {
    ...{ path: 'holds', event: 'hold', operationId: 'hold' },
    summary: 'Place a hold, or lift one',
    description: 'By law enforcement, or told by it; at most 30 days ahead. It ends by itself.',
    refuses: ['hold-not-competent', 'state-conflict'],
  },
  {
    ...{ path: 'clearances', event: 'clearance', operationId: 'clear' },
    summary: 'Ask whether the host may be told, or answer',
    refuses: ['not-assignee', 'handover-pending', 'not-competent', 'state-conflict'],
  },
  {
    ...{ path: 'feedback', event: 'feedback', operationId: 'giveFeedback' },
    summary: 'Tell the originator what came of it',
    refuses: ['not-competent', 'jurisdiction-invalid'],
  },
  {
    ...{ path: 'acknowledgement', event: 'acknowledged', operationId: 'acknowledge' },
    summary: 'Say that a person has it',
    description: 'No machine acknowledges an emergency, and this does not replace the call.',
    refuses: ['not-competent', 'handle-invalid'],
  },
];

const every = [
  ...(['json-invalid', 'too-large', 'media-type-unsupported', 'query-invalid'] as const),
  ...(['schema-invalid', 'media-refused', 'fingerprint-refused', 'code-unknown'] as const),
  ...(['not-found', 'reference-withdrawn', 'partner-unknown', 'partner-pending', 'legal-basis-missing'] as const),
  'policy-refused',
  ...(['operator-required', 'idempotency-mismatch'] as const),
] as const;

interface OfReference {
  Params: { id: string };
  Querystring: { originator?: string; alsoLinked?: boolean };
}

/** POST of what this node's people say about a reference, their own or a partner's: one route for each event of the protocol. */
export function caseRoutes(app: FastifyInstance, { exchange }: RouteParts): void {
  for (const { path, event, operationId, summary, description, refuses = [] } of said) {
    const options = route({
      operationId,
      summary,
      ...(description !== undefined && { description }),
      scope: 'references:write',
      params: idParams,
      querystring: event === 'acted' ? actionQuery : originatorQuery,
      headers: idempotencyHeader,
      body: component(bodyName(event)),
      answers: {
        201: json('Recorded; who is told is in recipients.', component('Recorded')),
        202: json('A second person has to confirm it first.', component('Recorded')),
      },
      refuses: [...new Set([...every, ...refuses])],
    });
    app.post<OfReference>(`/v1/references/:id/${path}`, options, async (request, reply) => {
      const { id } = request.params;
      const originator = request.query.originator ?? exchange.self;
      const body = bodyOf(request);
      // One key for two routes, or two references, is two calls.
      const { alsoLinked } = request.query;
      const call = [event, originator, id, ...(alsoLinked === undefined ? [] : [String(alsoLinked)])].join(' ');
      const idempotency = idempotencyOf(request, `${call}\n${body.text}`);
      const own = { originator, id, event, payload: body.value, alsoLinked, idempotency };
      const recorded = agreed(await recordStatement(exchange, own));
      // A client signs nothing: what an operator has to sign was refused before.
      if (isDraft(recorded)) throw new RefusedCall(refuse('operator-required', '/toldBy'));
      reply.code(recorded.pending ? 202 : 201);
      if (recorded.replayed) reply.header('idempotent-replayed', 'true');
      return recorded;
    });
  }
}
