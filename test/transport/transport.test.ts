import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer as createSocketServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { readRetryAfter } from '../../src/transport/retry-after.ts';
import { createTransport } from '../../src/transport/transport.ts';

const NOW = Date.parse('2026-11-20T10:00:00Z');
const TOKEN = 'e30.canary-payload.c2ln';
const to = { partner: 'https://node.hotline-b.example', local: false };
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

function transport(loopback = true, clock = () => NOW) {
  const made = createTransport({ loopback, clock });
  opened.push(made);
  return made;
}

async function listening(server: ReturnType<typeof createSocketServer>): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

async function serving(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  opened.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return `http://127.0.0.1:${await listening(server)}/exchange/push`;
}

const answering = (status: number, headers: Record<string, string> = {}, body = '') =>
  serving((request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  });

test('a token goes out as it is, with the media types of RFC 8935', async () => {
  let seen: unknown;
  const url = await serving((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url: path, headers } = request;
      seen = {
        method,
        path,
        type: headers['content-type'],
        accept: headers.accept,
        body: Buffer.concat(chunks).toString(),
      };
      response.writeHead(202).end();
    });
  });
  expect(await transport().postToken(url, TOKEN, to)).toEqual({ status: 'accepted' });
  expect(seen).toEqual({
    method: 'POST',
    path: '/exchange/push',
    type: 'application/secevent+jwt',
    accept: 'application/json',
    body: TOKEN,
  });
});

test('a key set goes out as a key set and 204 takes it', async () => {
  let type: unknown;
  const url = await serving((request, response) => {
    type = request.headers['content-type'];
    request.resume();
    response.writeHead(204).end();
  });
  expect(await transport().postKeySet(url, TOKEN, to)).toEqual({ status: 'accepted' });
  expect(type).toBe('application/jwk-set+jwt');
});

describe('an answer that takes the token', () => {
  test('is believed even where more follows than anybody should send', async () => {
    const url = await answering(202, {}, 'x'.repeat(1024 * 1024));
    expect(await transport().postToken(url, TOKEN, to)).toEqual({ status: 'accepted' });
  });

  test('is believed even where its body breaks off', async () => {
    const url = await serving((request, response) => {
      request.resume();
      response.writeHead(202, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    expect(await transport().postToken(url, TOKEN, to)).toEqual({ status: 'accepted' });
  });
});

describe('an answer that does not take the token', () => {
  const json = { 'content-type': 'application/json' };
  test.each(['invalid_request', 'invalid_key', 'access_denied'])('tells the code %s', async (err) => {
    const url = await answering(400, json, JSON.stringify({ err, description: 'canary' }));
    expect(await transport().postToken(url, TOKEN, to)).toEqual({ status: 'refused', http: 400, err });
  });

  test.each([
    ['is no JSON', '<html>'],
    ['is null', 'null'],
    ['has no code', '{"error":"x"}'],
    ['has a code that is no word', '{"err":"https://canary.example/"}'],
    ['has a code that is no string', '{"err":{"a":1}}'],
    ['is longer than is read', `{"err":"invalid_request","description":"${'x'.repeat(300_000)}"}`],
  ])('is still a refusal where its body %s', async (_name, body) => {
    const url = await answering(400, json, body);
    expect(await transport().postToken(url, TOKEN, to)).toEqual({ status: 'refused', http: 400 });
  });

  test('is not followed where it is a redirect', async () => {
    let followed = false;
    const target = await serving((_request, response) => {
      followed = true;
      response.writeHead(202).end();
    });
    const url = await answering(307, { location: target });
    expect(await transport().postToken(url, TOKEN, to)).toEqual({ status: 'refused', http: 307 });
    expect(followed).toBe(false);
  });

  test.each([200, 204])('is no acceptance of a token with status %i: RFC 8935 says 202', async (status) => {
    expect(await transport().postToken(await answering(status), TOKEN, to)).toEqual({
      status: 'refused',
      http: status,
    });
  });

  test.each([
    ['seconds', '120', 120_000],
    ['a date', 'Fri, 20 Nov 2026 10:05:00 GMT', 300_000],
  ])('tells when to come back, in %s', async (_name, header, retryAfterMs) => {
    const url = await answering(503, { 'retry-after': header });
    expect(await transport().postToken(url, TOKEN, to)).toEqual({ status: 'refused', http: 503, retryAfterMs });
  });
});

test.each([
  ['a date that has passed', 'Fri, 20 Nov 2026 09:00:00 GMT', 0],
  ['no time at all', 'soon', undefined],
  ['nothing', undefined, undefined],
])('Retry-After with %s', (_name, header, expected) => expect(readRetryAfter(header, NOW)).toBe(expected));

describe('where nobody answers', () => {
  test('a closed port is connection-refused', async () => {
    const server = createSocketServer();
    const port = await listening(server);
    await new Promise((done) => server.close(done));
    expect(await transport().postToken(`http://127.0.0.1:${port}/`, TOKEN, to)).toEqual({
      status: 'unreachable',
      code: 'connection-refused',
    });
  });

  test('something that speaks no HTTP is a failure with a stable word', async () => {
    const server = createSocketServer((socket) => socket.end('garbage canary\r\n\r\n'));
    const port = await listening(server);
    opened.push(server);
    const outcome = await transport().postToken(`http://127.0.0.1:${port}/`, TOKEN, to);
    expect(outcome).toMatchObject({ status: 'unreachable', code: expect.stringMatching(/^[a-z-]+$/) });
    expect(JSON.stringify(outcome)).not.toContain('canary');
  });

  test('a connection that is cut before the answer is connection-lost', async () => {
    const server = createSocketServer((socket) => socket.once('data', () => socket.destroy()));
    const port = await listening(server);
    opened.push(server);
    expect(await transport().postToken(`http://127.0.0.1:${port}/`, TOKEN, to)).toEqual({
      status: 'unreachable',
      code: 'connection-lost',
    });
  });

  test('headers that do not come are a time-out', { timeout: 30_000 }, async () => {
    const url = await serving((request) => void request.resume());
    expect(await transport().postToken(url, TOKEN, to)).toEqual({ status: 'unreachable', code: 'timeout' });
  });

  test('a TLS handshake that fails reaches nobody', async () => {
    const server = createSecureServer({});
    opened.push(server);
    const port = await listening(server);
    const outcome = await transport().postToken(`https://127.0.0.1:${port}/`, TOKEN, to);
    expect(outcome.status).toBe('unreachable');
  });
});

// Loopback only: if a check broke, these tests would connect to what they name. Other ranges are judged in address.test.ts.
describe('an address that is not for partners is never connected to', () => {
  test.each([
    ['loopback', 'https://127.0.0.1:1/'],
    ['loopback by name', 'https://localhost:1/'],
    ['loopback in IPv6', 'https://[::1]:1/'],
    ['loopback in shorthand', 'https://0x7f.1:1/'],
    ['the unspecified address', 'https://0.0.0.0:1/'],
  ])('%s, from a node with a public issuer', async (_name, url) => {
    expect(await transport(false).postToken(url, TOKEN, to)).toEqual({
      status: 'unreachable',
      code: 'address-refused',
    });
  });

  test('the unspecified address, even of a partner marked local', async () => {
    const outcome = await transport(false).postToken('https://0.0.0.0:1/', TOKEN, { ...to, local: true });
    expect(outcome).toEqual({ status: 'unreachable', code: 'address-refused' });
  });

  test('a public node sends nothing in the clear, a partner marked local included', async () => {
    let reached = false;
    const url = await serving((_request, response) => {
      reached = true;
      response.writeHead(202).end();
    });
    const outcome = await transport(false).postToken(url, TOKEN, { ...to, local: true });
    expect(outcome).toEqual({ status: 'unreachable', code: 'endpoint-insecure' });
    expect(reached).toBe(false);
  });

  test('a node on this machine speaks in the clear to this machine only', async () => {
    const outcome = await transport().postToken('http://node.hotline-b.invalid/', TOKEN, to);
    expect(outcome).toEqual({ status: 'unreachable', code: 'endpoint-insecure' });
  });

  test.each(['not a url', 'ftp://127.0.0.1/', 'file:///etc/hostname'])('%s is no endpoint', async (url) => {
    expect(await transport().postToken(url, TOKEN, to)).toMatchObject({ status: 'unreachable' });
  });
});

test('five failures in a row close the way to that partner for a while, an answer after that opens it', async () => {
  let time = NOW;
  const outbound = transport(true, () => time);
  const broken = await answering(503);
  for (let at = 0; at < 5; at += 1) await outbound.postToken(broken, TOKEN, to);
  expect(outbound.allowance(to.partner, NOW)).toBe(0);
  const well = await answering(202);
  expect(await outbound.postToken(well, TOKEN, to)).toEqual({ status: 'unreachable', code: 'partner-away' });
  time += 5000;
  await outbound.postToken(well, TOKEN, to);
  expect(outbound.allowance(to.partner, time)).toBe(Number.POSITIVE_INFINITY);
});

describe('asking a partner for the time', () => {
  const issuerOf = (url: string) => new URL(url).origin;

  test('gives what its Date says, whatever else it answers', async () => {
    const url = await answering(503, { date: 'Fri, 20 Nov 2026 10:00:05 GMT' });
    expect(await transport().askClock(issuerOf(url), to)).toEqual({ status: 'answered', http: 503, date: NOW + 5000 });
  });

  test('gives none where the answer has none', async () => {
    const url = await answering(200, { date: 'canary' });
    expect(await transport().askClock(issuerOf(url), to)).toEqual({ status: 'answered', http: 200 });
  });

  test.each([
    [
      'a redirect is not followed',
      async () => issuerOf(await answering(302, { location: 'http://127.0.0.1:9/' })),
      'answered',
    ],
    ['nobody there', async () => 'http://127.0.0.1:9', 'unreachable'],
    [
      'an answer without end',
      async () => issuerOf(await serving((_, response) => void response.writeHead(200).write('x'.repeat(64 * 1024)))),
      'answered',
    ],
  ])('%s', async (_name, issuer, status) => {
    expect(await transport().askClock(await issuer(), to)).toMatchObject({ status });
  });

  test('asks no private address for a partner of the internet, and none without TLS', async () => {
    const url = await answering(200);
    const refused = { status: 'unreachable', code: 'address-refused' };
    expect(await transport(false).askClock(issuerOf(url), to)).toEqual(refused);
    expect(await transport(false).askClock('http://node.hotline-b.example', to)).toEqual({
      ...refused,
      code: 'endpoint-insecure',
    });
  });

  test('moves no circuit breaker', async () => {
    const made = transport();
    for (let tries = 0; tries < 8; tries += 1) await made.askClock('http://127.0.0.1:9', to);
    expect(made.allowance(to.partner, NOW)).toBe(Number.POSITIVE_INFINITY);
  });
});
