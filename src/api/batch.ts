import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { type ImportResult, importLines } from '../exchange/import.ts';
import { BODY_LIMIT } from './body.ts';
import { inOrder, type Line, readLines } from './lines.ts';
import type { RouteParts } from './parts.ts';
import { RefusedCall, statusOf, viewRefusals } from './problem.ts';
import { component, route } from './route.ts';

const mediaTypes = ['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/x-jsonlines'];

/** Lines under way at a time: enough to fill the commits that they share. */
const WINDOW = 128;

/**
 * Results that wait for a client which reads nothing until it has sent everything: about 40,000 lines. Beyond that the
 * node stops reading, so that its memory stays bounded.
 */
const WAITING_BYTES = 4 * 1024 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

interface Result {
  readonly line: number;
  readonly status: number;
}

/** POST /v1/references:batch: newline-delimited JSON in, a result for each line out, while the rest is still coming. */
export async function batchRoutes(app: FastifyInstance, parts: RouteParts): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(mediaTypes, async (_request: FastifyRequest, body: Readable) => body);
  const batch = route({
    operationId: 'submitBatch',
    summary: 'Submit many case references, one in each line',
    description:
      'Results stream back in the order of the lines while the body is still being sent. A refused line stops nothing. Read while you send: results wait for their reader up to 4 MiB. A line that names its id can be sent again safely: it answers reference-exists.',
    scope: 'references:write',
    body: component('Submission'),
    consumes: 'application/x-ndjson',
    answers: {
      200: {
        description: 'One result in each line.',
        content: { 'application/x-ndjson': { schema: component('BatchResult') } },
      },
    },
    refuses: ['media-type-unsupported'],
  });
  app.post('/v1/references::batch', batch, async (request, reply) => {
    const source = request.body as Readable | null | undefined;
    if (!source)
      throw new RefusedCall(refuse('media-type-unsupported', '', 'The body is missing.', 'Send application/x-ndjson.'));
    reply.type('application/x-ndjson');
    return reply.send(
      Readable.from(results(source, parts, reply), { objectMode: false, highWaterMark: WAITING_BYTES }),
    );
  });
}

async function* results(source: Readable, parts: RouteParts, reply: FastifyReply): AsyncGenerator<Buffer> {
  const { closing, exchange } = parts;
  const write = (result: Result) => Buffer.from(`${reply.serializeInput({ ...result }, component('BatchResult'))}\n`);
  let line = 0;
  try {
    const lines = readLines(untilClosing(source, closing), BODY_LIMIT);
    for await (const result of inOrder(lines, (one) => shareLine(parts, one), WINDOW)) {
      line = result.line;
      yield write(result);
    }
  } catch (failure) {
    // The status is sent long ago: that the connection breaks off is how the client learns that it has no answer.
    if (!source.destroyed) exchange.log.failure('api.batch-failed', failure);
    throw failure;
  }
  if (closing.aborted && !source.readableEnded) {
    // What the client still sends is read by nobody; its connection ends once it has the results.
    reply.raw.once('finish', () => source.destroy());
    yield write({
      line: line + 1,
      ...refusedWith([refuse('unavailable', '', 'The node is stopping; send the rest again.')]),
    });
  }
}

/** The body until its end, or until the listener closes: then what was read is still answered. */
async function* untilClosing(source: Readable, closing: AbortSignal): AsyncGenerator<Buffer> {
  const closed = new Promise<'closed'>((resolve) => {
    if (closing.aborted) resolve('closed');
    else closing.addEventListener('abort', () => resolve('closed'), { once: true });
  });
  const chunks: AsyncIterator<Buffer> = source[Symbol.asyncIterator]();
  for (;;) {
    const next = chunks.next();
    next.catch(() => undefined);
    const chunk = await Promise.race([next, closed]);
    if (chunk === 'closed' || chunk.done) return;
    yield chunk.value;
  }
}

function refusedWith(refusals: readonly Refusal[]) {
  const code = refusals[0]?.code ?? 'internal';
  return { status: statusOf(code), code, errors: viewRefusals(refusals) };
}

async function shareLine(parts: RouteParts, { line, bytes }: Line): Promise<Result> {
  if (!bytes) return { line, ...refusedWith([refuse('too-large', '', 'The line is longer than 64 KiB.')]) };
  const text = decoded(bytes);
  if (text === undefined) return { line, ...refusedWith([refuse('json-invalid', '', 'The line is not UTF-8.')]) };
  try {
    const [result] = await importLines(parts.share, [{ line, text }]);
    if (!result) throw new Error('a line has no result');
    return viewResult(result);
  } catch (failure) {
    parts.exchange.log.failure('api.batch-line-failed', failure);
    return { line, ...refusedWith([refuse('internal')]) };
  }
}

function viewResult(result: ImportResult): Result {
  if (result.status === 'refused') return { line: result.line, ...refusedWith(result.errors) };
  const { line, id, effects, known, answer } = result;
  return { line, status: 201, ...{ id, effects, duplicates: known, duplicateAnswer: answer } };
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
