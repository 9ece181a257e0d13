import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { Exchange } from '../exchange/context.ts';
import type { OperationAnswer } from './answer.ts';
import type { Operations } from './operations.ts';
import { chooseSocketPlace, recordRun } from './private-directory.ts';

/** An import of 500 lines is the largest call. */
const LARGEST_CALL = 48 * 1024 * 1024;

export interface OperatorSocket {
  readonly path: string;
  /** Waits for calls under way, at most `limitMs`. */
  close(limitMs: number): Promise<void>;
}

/**
 * Opens the node's operations to its operator: a Unix socket in the node's own directory (0700), mode 0600. Who can open
 * it could read the key store and the database as well, so it asks for nothing more.
 */
export async function openOperatorSocket(
  exchange: Exchange,
  operations: Operations,
  directory: string,
): Promise<OperatorSocket> {
  const place = await chooseSocketPlace(directory);
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 10_000 }, (request, response) => {
    answerCall(operations, request)
      .catch((failure: unknown) => {
        exchange.log.failure('operator.failed', failure);
        return refused(refuse('internal'));
      })
      .then((answer) => send(response, answer))
      .catch((failure: unknown) => exchange.log.failure('operator.failed', failure));
  });
  await listen(server, place.path);
  await chmod(place.path, 0o600);
  const forget = await recordRun(directory, place.path, isoInstant(exchange.clock()));
  return {
    path: place.path,
    async close(limitMs) {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      const alarm = setTimeout(() => server.closeAllConnections(), limitMs);
      server.close(() => resolve());
      server.closeIdleConnections();
      await closed;
      clearTimeout(alarm);
      await forget();
      await place.remove();
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(path, () => {
    server.off('error', reject);
    resolve();
  });
  return promise;
}

function refused(refusal: Refusal): OperationAnswer {
  return { ok: false, refusals: [refusal] };
}

type AnyOperation = (args: unknown) => Promise<OperationAnswer>;

async function answerCall(operations: Operations, request: IncomingMessage): Promise<OperationAnswer> {
  const name = decodeURIComponent(request.url?.slice(1) ?? '');
  if (request.method !== 'POST' || !Object.hasOwn(operations, name)) {
    return refused(
      refuse('usage-invalid', '', 'The node has no such operation.', 'Use a command line of the same release.'),
    );
  }
  const body = await readBody(request);
  if (body === undefined) return refused(refuse('too-large'));
  const args = parse(body);
  if (args === undefined) return refused(refuse('json-invalid'));
  return (operations[name as keyof Operations] as AnyOperation)(args);
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_CALL) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The caller is our own command line, which has read files by the strict gate: plain JSON is enough here. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, answer: OperationAnswer): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer));
}
