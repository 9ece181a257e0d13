import type { FastifyInstance, FastifyRequest } from 'fastify';
import { guard } from '../domain/guard.ts';
import { refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { decideHeldReferences, directionOf, MOST_LISTED, type Ruling } from '../exchange/decide-held.ts';
import { partnerRow } from '../store/partners.ts';
import { compileStrict } from '../wire/compile.ts';
import { bodyOf } from './body.ts';
import type { RouteParts } from './parts.ts';
import { agreed, RefusedCall } from './problem.ts';
import { published, type Schema } from './published.ts';
import { json, route } from './route.ts';

/** Decisions of one call: it answers in seconds, and what remains is told. */
const MOST_DECIDED = 5000;
const USUAL = 500;

const format = (name: string, description: string): Schema => ({
  ...published(`formats.schema.json#/$defs/${name}`),
  description,
});

const closed = (properties: Readonly<Record<string, Schema>>, required: readonly string[]): Schema => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
});

const named = {
  originator: format(
    'issuer',
    'Whose reference it is; absent: our own for send and withhold, the partner’s for accept and refuse.',
  ),
  id: format('uuid', 'Id of the reference.'),
};

const decisionsBody = closed(
  {
    partner: format('issuer', 'To whom it would go, or from whom it came.'),
    rule: { type: 'string', minLength: 1, maxLength: 100, description: 'Only what this rule held.' },
    direction: {
      type: 'string',
      enum: ['in', 'out'],
      description: 'Follows from "then"; where it is given it must agree with it.',
    },
    references: {
      type: 'array',
      minItems: 1,
      maxItems: MOST_LISTED,
      items: closed(named, ['id']),
      description: 'Only these; absent: everything that fits.',
    },
    then: {
      type: 'string',
      enum: ['send', 'withhold', 'accept', 'refuse'],
      description: 'send or withhold what would go to the partner; accept or refuse what came from it.',
    },
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: MOST_DECIDED,
      description: `At most so many are decided, the longest waiting first; ${USUAL} where absent.`,
    },
  },
  ['partner', 'then'],
);

const result = closed(
  {
    originator: { type: 'string' },
    id: { type: 'string' },
    partner: { type: 'string' },
    outcome: {
      type: 'string',
      enum: ['decided', 'kept', 'not-held', 'busy'],
      description:
        'kept: a deny or gate holds it, which nobody passes over; not-held: nothing held it, or somebody decided it before; busy: it is being changed, say it again.',
    },
    rule: { type: 'string', description: 'The rule that held it, or the gate that still does.' },
    effect: { type: 'string', description: 'Of what is not held: how it stands.' },
    decidedBy: { type: 'string', description: 'Of what is not held: who decided it.' },
  },
  ['originator', 'id', 'partner', 'outcome'],
);

const decisionsAnswer = closed(
  {
    then: { type: 'string' },
    decidedBy: { type: 'string', description: 'This client, as it stands beside each decision.' },
    decided: { type: 'integer' },
    kept: { type: 'integer', description: 'Held by a deny or a gate; they stay held.' },
    remaining: { type: 'integer', description: 'What fits and still waits, the kept ones included.' },
    results: { type: 'array', items: result, description: `One for each, at most ${MOST_LISTED}.` },
    unlisted: { type: 'integer', description: 'How many more there were than are listed.' },
  },
  ['then', 'decidedBy', 'decided', 'kept', 'remaining', 'results', 'unlisted'],
);

interface DecisionsBody {
  readonly partner: string;
  readonly rule?: string;
  readonly direction?: 'in' | 'out';
  readonly references?: readonly { readonly originator?: string; readonly id: string }[];
  readonly then: Ruling;
  readonly limit?: number;
}

const checkBody = compileStrict(decisionsBody, { code: 'schema-invalid' });

/** Which client decided, as it stands in the record: its name for people, its id since names repeat. */
function clientOf({ client }: FastifyRequest): string {
  if (!client) throw new Error('a decision by nobody');
  return `${client.name} (client ${client.id})`;
}

function readBody(request: FastifyRequest): DecisionsBody {
  const { value } = bodyOf(request);
  const guarded = guard(value, { form: 'policy' });
  const wrong = guarded ? [guarded] : checkBody(value);
  if (wrong.length > 0) throw new RefusedCall(...wrong);
  const body = value as DecisionsBody;
  const { direction, then } = body;
  if (direction === undefined || direction === directionOf[then]) return body;
  const next = direction === 'out' ? 'Use send or withhold.' : 'Use accept or refuse.';
  throw new RefusedCall(refuse('schema-invalid', '/then', 'The decision is for the other direction.', next));
}

/** POST of decisions about what is held. */
export function decisionRoutes(app: FastifyInstance, { exchange }: RouteParts): void {
  const options = route({
    operationId: 'decideHeld',
    summary: 'Decide what is held, by partner and rule or one by one',
    description:
      'A person’s decision in the place of a rule’s. Two calls at once: each reference is decided by one of them. What came and is held is listed by GET /v1/references?state=held; what is held on its way out is told by the feed (decision.held).',
    scope: 'decisions:write',
    body: decisionsBody,
    answers: { 200: json('Decided; what follows is on its way.', decisionsAnswer) },
    refuses: [
      'json-invalid',
      'too-large',
      'media-type-unsupported',
      'schema-invalid',
      'media-refused',
      'fingerprint-refused',
      'partner-unknown',
      'not-found',
      'state-conflict',
    ],
  });
  // "::" is a literal colon in a path.
  app.post('/v1/decisions::batch', options, async (request) => {
    const { partner, rule, references, then, limit = USUAL } = readBody(request);
    if (!(await partnerRow(exchange.store.db, partner))) throw new RefusedCall(unknownPartner(partner, '/partner'));
    const own = directionOf[then] === 'out' ? exchange.self : partner;
    const names = references?.map(({ originator = own, id }) => ({ originator, id }));
    const decidedBy = clientOf(request);
    const done = agreed(await decideHeldReferences(exchange, { partner, rule, names }, then, decidedBy, limit));
    const { decided, keptCount: kept, remaining, results, unlisted } = done;
    return { then, decidedBy, decided, kept, remaining, results, unlisted };
  });
}
