import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createHealth } from '../../src/exchange/health.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { type PeerParts, peerListener } from '../../src/peer/listener.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';

// The listener alone, over a real store: what needs an address that is not loopback, or a store that is gone.

const apps: FastifyInstance[] = [];
let shared: TestExchange;

beforeAll(async () => {
  shared = await testExchange({ issuer: 'https://node.hotline-b.example' });
});
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});
afterAll(() => shared.close());

async function listener(more: Partial<PeerParts> = {}): Promise<FastifyInstance> {
  const exchange = more.exchange ?? shared.exchange;
  const app = await peerListener({
    exchange,
    receive: createReceive(exchange),
    healthy: createHealth(exchange),
    ...more,
  });
  apps.push(app);
  return app;
}

/** Counts up, so that each call comes from another address. */
function counter(): () => number {
  let last = 0;
  return () => {
    last += 1;
    return last;
  };
}

function get(app: FastifyInstance, remoteAddress: string, headers = {}, url = '/nothing') {
  return app.inject({ method: 'GET', url, remoteAddress, headers });
}

async function statuses(count: number, call: () => Promise<{ statusCode: number }>): Promise<Set<number>> {
  const seen = new Set<number>();
  for (let n = 0; n < count; n += 1) seen.add((await call()).statusCode);
  return seen;
}

describe('the rate of a source address', () => {
  test('is 100 a second, then 429 with Retry-After', async () => {
    const app = await listener();
    expect(await statuses(100, () => get(app, '192.0.2.1'))).toEqual(new Set([404]));
    const over = await get(app, '192.0.2.1');
    expect(over.statusCode).toBe(429);
    expect(over.headers['retry-after']).toBe('1');
    expect(over.json()).toMatchObject({ code: 'rate-exceeded' });
    expect((await get(app, '192.0.2.2')).statusCode).toBe(404);
  });

  test('counts every route, so that pushes cost no signature check above it', async () => {
    const app = await listener();
    const push = () =>
      app.inject({
        method: 'POST',
        url: '/exchange/push',
        remoteAddress: '192.0.2.1',
        headers: { 'content-type': 'application/secevent+jwt' },
        payload: 'noise',
      });
    expect(await statuses(100, push)).toEqual(new Set([400]));
    expect((await push()).statusCode).toBe(429);
  });

  test('counts a whole IPv6 network as one source', async () => {
    const app = await listener();
    const next = counter();
    await statuses(100, () => get(app, `2001:db8:1:1::${next()}`));
    expect((await get(app, '2001:db8:1:1:ffff::1')).statusCode).toBe(429);
    expect((await get(app, '2001:db8:1:2::1')).statusCode).toBe(404);
  });

  test('does not count loopback where the node itself is on loopback, and only there', async () => {
    const local = await listener({ exchange: { ...shared.exchange, profile: { loopback: true } } });
    expect(await statuses(150, () => get(local, '127.0.0.1'))).toEqual(new Set([404]));
    const open = await listener();
    expect(await statuses(150, () => get(open, '127.0.0.1'))).toEqual(new Set([404, 429]));
  });

  test('does not believe X-Forwarded-For unless told that a proxy stands in front', async () => {
    const app = await listener();
    const next = counter();
    const forged = () => get(app, '192.0.2.1', { 'x-forwarded-for': `198.51.100.${next()}` });
    expect(await statuses(120, forged)).toEqual(new Set([404, 429]));
  });

  test('behind a proxy it counts the address that the proxy saw, not what stands before it', async () => {
    const app = await listener({ trustProxy: true });
    const next = counter();
    const other = () => get(app, '10.0.0.1', { 'x-forwarded-for': `198.51.100.${next()}` });
    expect(await statuses(120, other)).toEqual(new Set([404]));
    const forged = () => get(app, '10.0.0.1', { 'x-forwarded-for': `198.51.100.${next()}, 203.0.113.9` });
    expect(await statuses(120, forged)).toEqual(new Set([404, 429]));
  });
});

describe('health', () => {
  test('is ok while the store answers and says nothing more', async () => {
    const app = await listener();
    const answer = await get(app, '192.0.2.1', {}, '/health');
    expect({ status: answer.statusCode, body: answer.json() }).toEqual({ status: 200, body: { status: 'ok' } });
  });

  test('is 503 without a reason once the store is gone', async () => {
    const lost = await testExchange({ issuer: 'https://node.hotline-c.example' });
    await lost.close();
    const app = await listener({ exchange: lost.exchange });
    const answer = await get(app, '192.0.2.1', {}, '/health');
    expect({ status: answer.statusCode, body: answer.json() }).toEqual({
      status: 503,
      body: { status: 'unavailable' },
    });
  });
});

test('a failure of the store is 503 with Retry-After, and what failed stays in the log', async () => {
  const lost = await testExchange({ issuer: 'https://node.hotline-c.example' });
  await lost.close();
  const app = await listener({ exchange: lost.exchange });
  const answer = await get(app, '192.0.2.1', {}, '/jwks.json');
  expect(answer.statusCode).toBe(503);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect(Object.keys(answer.json()).sort()).toEqual(['code', 'status', 'title', 'type']);
  expect(lost.logged()).toContain('peer.failed');
});

test('a body that drips is cut off', async () => {
  const app = await listener({ requestMs: 300 });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as { port: number };
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const head = [
    'POST /exchange/push HTTP/1.1',
    'host: x',
    'content-type: application/secevent+jwt',
    'content-length: 1000',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\nabc`);
  const drip = setInterval(() => socket.write('a'), 100);
  socket.on('error', () => undefined);
  const answer = await text(socket).catch(() => '');
  clearInterval(drip);
  socket.destroy();
  expect(answer === '' || answer.startsWith('HTTP/1.1 408')).toBe(true);
});
