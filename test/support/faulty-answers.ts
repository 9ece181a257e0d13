import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Seeded } from './seeded.ts';

// Answers that no node gives: what stands between two nodes, or what a broken node says.

/** An answer as a node gave it. */
export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

const PAGE = '<!doctype html><title>Sign in</title><p>Accept the terms of this network first.</p>';

/** Bytes that are no answer of HTTP at all. */
function noise(response: ServerResponse): void {
  response.socket?.end('\u0000\u0016SSH-2.0-nobody\r\n\r\n');
}

/** A page of whoever owns the line, with a status that says that all is well. */
function page(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE);
}

/** More is promised than comes. */
function truncated(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '4096' });
  response.write('{"sets":{"');
  setTimeout(() => response.destroy(), 5);
}

function wrongType(response: ServerResponse): void {
  response.writeHead(400, { 'content-type': 'text/plain' }).end('{"err":"invalid_request"');
}

/** Larger headers than anybody reads. */
function hugeHeaders(response: ServerResponse): void {
  response.writeHead(200, { 'x-padding': 'x'.repeat(60_000) }).end();
}

/** An object that is no answer to anything. */
function otherShape(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"sets":["a"],"keys":7}');
}

const garbage = { noise, page, truncated, wrongType, hugeHeaders, otherShape } as const;
export type Garbage = keyof typeof garbage;
const kinds = Object.keys(garbage) as Garbage[];

/** Says something that is no answer; gives what it was. */
export function answerGarbage(response: ServerResponse, chance: Seeded): Garbage {
  const kind = chance.pick(kinds);
  garbage[kind](response);
  return kind;
}

/** Too busy; to be asked again later. */
export function answerUnavailable(response: ServerResponse, seconds: number): void {
  response.writeHead(503, { 'retry-after': String(seconds), 'content-type': 'text/plain' }).end('later');
}

const STEP_MS = 15;

/** Writes an honest answer in drops. */
export async function dribble(response: ServerResponse, { status, headers, body }: Answer, pieces = 8): Promise<void> {
  const { 'content-length': _length, connection: _connection, 'transfer-encoding': _coding, ...rest } = headers;
  response.writeHead(status, rest);
  response.flushHeaders();
  const size = Math.max(1, Math.ceil(body.length / pieces));
  for (let at = 0; at < body.length && !response.destroyed; at += size) {
    response.write(body.subarray(at, at + size));
    await pause(STEP_MS);
  }
  if (body.length === 0) await pause(pieces * STEP_MS);
  response.end();
}

/** Gives an answer on as it is. */
export function relay(response: ServerResponse, { status, headers, body }: Answer): void {
  const { connection: _connection, 'transfer-encoding': _coding, 'keep-alive': _alive, ...rest } = headers;
  response.writeHead(status, rest).end(body);
}
