import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createReceive } from '../../src/exchange/receive.ts';
import { type PeerParts, peerListener } from '../../src/peer/listener.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti } from '../support/foreign-partner.ts';
import { honestClaims, honestHeader, makeToken, operational, self, sender, testKey } from '../support/tokens.ts';

// Bytes on the socket of a real listener, as somebody writes them who is no partner.

const SET = 'application/secevent+jwt';
const apps: FastifyInstance[] = [];
const sockets: Socket[] = [];
let shared: TestExchange;

beforeAll(async () => {
  shared = await testExchange({ issuer: self });
  await befriend(shared.exchange, sender, {}, operational);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const app of apps.splice(0)) await app.close();
});
afterAll(() => shared.close());

async function listener(more: Partial<PeerParts> = {}): Promise<number> {
  const { exchange } = shared;
  const parts = { exchange, receive: createReceive(exchange), healthy: async () => true, ...more };
  const app = await peerListener(parts);
  apps.push(app);
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Writes these bytes and gives all that comes until the other side, which is asked to close, has closed. */
async function said(port: number, ...bytes: readonly string[]): Promise<string> {
  const socket = await dial(port);
  for (const part of bytes) socket.write(part);
  return text(socket).catch(() => '');
}

const head = (line: string, ...headers: readonly string[]) =>
  `${[line, 'host: x', 'connection: close', ...headers].join('\r\n')}\r\n\r\n`;
const statusesOf = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
const bodyOf = (answer: string) => answer.split('\r\n\r\n').slice(1).join('\r\n\r\n');

describe('what is no HTTP', () => {
  test.each([
    ['noise', 'canary\r\n\r\n', '400'],
    ['two lengths', head('POST /exchange/push HTTP/1.1', 'content-length: 1', 'content-length: 2'), '400'],
    [
      'a length and chunks',
      head('POST /exchange/push HTTP/1.1', 'content-length: 1', 'transfer-encoding: chunked'),
      '400',
    ],
    ['a version that nobody speaks', head('GET /health HTTP/9.9'), '400'],
    ['headers longer than are read', head('GET /health HTTP/1.1', `x-canary: ${'x'.repeat(20_000)}`), '431'],
  ])('is answered with a status and no word more: %s', async (_name, bytes, status) => {
    const answer = await said(await listener(), bytes);
    expect(statusesOf(answer)).toEqual([status]);
    expect(bodyOf(answer)).toBe('');
    expect(answer).not.toContain('canary');
  });
});

describe('methods', () => {
  test('HEAD has the headers of GET and no body', async () => {
    const answer = await said(await listener(), head('HEAD /health HTTP/1.1'));
    expect({ statuses: statusesOf(answer), body: bodyOf(answer) }).toEqual({ statuses: ['200'], body: '' });
  });

  test.each(['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PROPFIND'])(
    '%s of the push address is what any unknown address is',
    async (method) => {
      const port = await listener();
      const answer = await said(port, head(`${method} /exchange/push HTTP/1.1`));
      const other = await said(port, head(`${method} /nothing HTTP/1.1`));
      const dateless = (one: string) => one.replace(/date: [^\r]+\r\n/i, '');
      expect(['400', '404']).toContain(statusesOf(answer)[0]);
      expect(dateless(answer)).toBe(dateless(other));
    },
  );
});

describe('bodies', () => {
  const push = (...headers: readonly string[]) =>
    head('POST /exchange/push HTTP/1.1', `content-type: ${SET}`, ...headers);

  test('chunks without end are cut off in time', async () => {
    const port = await listener({ requestMs: 300 });
    const socket = await dial(port);
    socket.write(push('transfer-encoding: chunked'));
    const drip = setInterval(() => socket.write('1\r\na\r\n'), 50);
    const answer = await text(socket).catch(() => '');
    clearInterval(drip);
    expect(answer === '' || statusesOf(answer)[0] === '408').toBe(true);
  });

  test('chunks beyond any token are 413 and not gathered', async () => {
    const chunk = `4000\r\n${'a'.repeat(0x4000)}\r\n`;
    const answer = await said(await listener(), push('transfer-encoding: chunked'), ...Array(6).fill(chunk));
    expect(statusesOf(answer)).toEqual(['413']);
  });

  test('a length beyond any token is 413 before a byte of it', async () => {
    const answer = await said(await listener(), push('content-length: 10000000'));
    expect(statusesOf(answer)).toEqual(['413']);
  });

  test('a wrong type that asks first is told no', async () => {
    const headers = ['content-type: text/plain', 'content-length: 5', 'expect: 100-continue'];
    const answer = await said(await listener(), head('POST /exchange/push HTTP/1.1', ...headers));
    expect(statusesOf(answer).at(-1)).toBe('415');
  });

  test('an expectation that nobody knows is refused', async () => {
    const answer = await said(await listener(), push('content-length: 0', 'expect: canary'));
    expect(statusesOf(answer)).toEqual(['417']);
  });

  test('requests one behind the other in one breath are answered each', async () => {
    const first = `POST /exchange/push HTTP/1.1\r\nhost: x\r\ncontent-type: ${SET}\r\ncontent-length: 5\r\n\r\nnoise`;
    const answer = await said(await listener(), first + first + head('GET /health HTTP/1.1'));
    expect(statusesOf(answer)).toEqual(['400', '400', '200']);
  });
});

describe('connections of one source', () => {
  async function stillOpen(port: number, count: number): Promise<number> {
    const dialled = await Promise.all(Array.from({ length: count }, () => dial(port)));
    await pause(200);
    return dialled.filter((socket) => !socket.readableEnded && !socket.destroyed).length;
  }

  test('are 256 at most', async () => {
    const port = await listener();
    expect(await stillOpen(port, 260)).toBe(256);
    for (const socket of sockets.splice(0)) socket.destroy();
    await pause(100);
    expect(await stillOpen(port, 10)).toBe(10);
  });

  test('are not counted behind a proxy of our own, which brings everybody', async () => {
    expect(await stillOpen(await listener({ trustProxy: true }), 260)).toBe(260);
  });
});

describe('answers', () => {
  const pushing = async (port: number, token: string) => {
    const headers = [`content-type: ${SET}`, `content-length: ${token.length}`];
    const answer = await said(port, head('POST /exchange/push HTTP/1.1', ...headers) + token);
    return answer.replace(/date: [^\r]+\r\n/i, '');
  };
  const forged = (iss: string) => {
    const header = honestHeader(operational);
    return makeToken({ key: testKey(), header, payload: honestClaims({ iss, jti: freshJti() }) });
  };

  test('to forged tokens are the same bytes whatever state the partner is in', async () => {
    const port = await listener();
    const { db } = shared.exchange.store;
    const answers = new Set<string>();
    for (const state of ['active', 'pending', 'suspended', 'active'] as const) {
      await db.updateTable('partner').set({ state }).execute();
      await db
        .updateTable('node')
        .set(({ eb }) => ({ directory_version: eb('directory_version', '+', 1) }))
        .execute();
      await pause(600);
      answers.add(await pushing(port, forged(sender)));
    }
    expect([...answers]).toHaveLength(1);
    expect(statusesOf([...answers].join())).toEqual(['400']);
    expect([...answers].join()).toContain('authentication_failed');
  });

  test('to unknown issuers are the same bytes whoever is named', async () => {
    const port = await listener();
    const named = ['https://node.nobody.example', 'https://node.hotline-a.example.', 'HTTPS://node.hotline-a.example'];
    const answers = new Set<string>();
    for (const iss of named) answers.add(await pushing(port, forged(iss)));
    expect([...answers]).toHaveLength(1);
    expect([...answers].join()).toContain('invalid_issuer');
  });
});
