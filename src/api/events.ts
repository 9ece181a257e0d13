import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isRefusal, refuse } from '../domain/refusal.ts';
import { browseEvents } from '../exchange/browse.ts';
import { tokenOf } from './bearer.ts';
import type { RouteParts } from './parts.ts';
import { agreed, RefusedCall } from './problem.ts';
import { eventQuery } from './query.ts';
import { component, pageOf, route } from './route.ts';

/** Open streams at a time; each costs a look into the feed every second. */
const MOST_STREAMS = 64;
const defaultPace = { lookMs: 1000, heartbeatMs: 15_000 };

interface EventQuery {
  Querystring: { after?: string; limit?: number };
}

const feed = {
  type: 'object',
  additionalProperties: false,
  required: ['items', 'next'],
  properties: {
    ...(pageOf('Event').properties as object),
    next: { type: 'string', description: 'Where to go on; never null, also when nothing is new.' },
  },
};

/** GET /v1/events: a page of the feed, or the feed kept open as server-sent events. */
export function eventRoutes(app: FastifyInstance, parts: RouteParts): void {
  const { exchange } = parts;
  let open = 0;
  const events = route({
    operationId: 'listEvents',
    summary: 'What happened, in order, after a cursor',
    description:
      'With Accept: text/event-stream the answer stays open: each entry is one message whose id is its cursor, and Last-Event-ID resumes after it.',
    scope: 'events:read',
    querystring: eventQuery,
    headers: {
      type: 'object',
      properties: {
        'last-event-id': { type: 'string', description: 'Cursor of the last entry seen; counts before "after".' },
      },
    },
    answers: {
      200: {
        description: 'Entries, oldest first.',
        content: {
          'application/json': { schema: feed },
          'text/event-stream': { schema: { type: 'string', description: 'Server-sent events.' } },
        },
      },
    },
    refuses: ['query-invalid', 'cursor-invalid', 'rate-exceeded'],
  });
  app.get<EventQuery>('/v1/events', events, async (request, reply) => {
    const { limit = 50 } = request.query;
    const after = lastSeen(request) ?? request.query.after;
    const first = agreed(await browseEvents(exchange, { limit, after }));
    reply.header('vary', 'accept');
    if (!wantsStream(request)) return first;
    if (open >= MOST_STREAMS) {
      reply.header('retry-after', '30');
      throw new RefusedCall(refuse('rate-exceeded', '', 'Too many event streams are open.'));
    }
    open += 1;
    const stream = Readable.from(follow(request, reply, parts, after), { objectMode: false });
    stream.once('close', () => {
      open -= 1;
    });
    return reply.type('text/event-stream').header('x-accel-buffering', 'no').send(stream);
  });
}

function wantsStream(request: FastifyRequest): boolean {
  return /(^|,)\s*text\/event-stream\s*(;|,|$)/i.test(request.headers.accept ?? '');
}

function lastSeen(request: FastifyRequest): string | undefined {
  const seen = request.headers['last-event-id'];
  return typeof seen === 'string' && seen !== '' ? seen : undefined;
}

/** The feed as server-sent events until the client goes, its token is revoked, or the listener closes. */
async function* follow(
  request: FastifyRequest,
  reply: FastifyReply,
  { exchange, authenticate, closing, pace = defaultPace }: RouteParts,
  after: string | undefined,
): AsyncGenerator<string> {
  const token = tokenOf(request) ?? '';
  let cursor = after;
  let saidAt = performance.now();
  let checkedAt = saidAt;
  yield 'retry: 3000\n\n';
  while (!closing.aborted) {
    if (performance.now() - checkedAt >= pace.heartbeatMs) {
      // An open answer outlives the check at its start: a revoked token must not keep listening, however busy the feed is.
      const client = await authenticate(token);
      if (!client?.scopes.includes('events:read')) return;
      checkedAt = performance.now();
    }
    const page = await browseEvents(exchange, { limit: 100, after: cursor });
    if (isRefusal(page)) return;
    cursor = page.next;
    if (page.items.length > 0) {
      saidAt = performance.now();
      yield page.items
        .map((one) => `id: ${one.cursor}\ndata: ${reply.serializeInput(one, component('Event'))}\n\n`)
        .join('');
      continue;
    }
    await sleep(pace.lookMs, undefined, { signal: closing }).catch(() => undefined);
    if (performance.now() - saidAt < pace.heartbeatMs) continue;
    saidAt = performance.now();
    yield ': alive\n\n';
  }
}
