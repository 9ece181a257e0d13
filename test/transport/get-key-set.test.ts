import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { createTransport } from '../../src/transport/transport.ts';
import { listening } from './listening.ts';

const TOKEN = 'e30.canary-payload.c2ln';
const KEY_SET = { 'content-type': 'application/jwk-set+jwt' };
const to = { partner: 'https://node.hotline-b.example', local: false };
const listeners = listening();

afterEach(() => listeners.closeAll());

function transport(loopback = true) {
  return listeners.keep(createTransport({ loopback, clock: () => 0 }));
}

async function asking(answer: RequestListener, etag?: string) {
  return transport().getKeySet(`${await listeners.http(answer)}/.well-known/caseref-keys`, etag, to);
}

const answering = (status: number, headers: Record<string, string> = KEY_SET, body: string | Buffer = TOKEN) =>
  asking((_request, response) => void response.writeHead(status, headers).end(body));

const unreachable = (code: string) => ({ status: 'unreachable', code });

describe('a key set that is asked for', () => {
  test('comes as it is, with its tag', async () => {
    expect(await answering(200, { ...KEY_SET, etag: '"1795000000"' })).toEqual({
      status: 'fresh',
      compact: TOKEN,
      etag: '"1795000000"',
    });
  });

  test('is asked for with GET, its own media type, and no leave to compress or to answer from a cache', async () => {
    let seen: unknown;
    await asking((request, response) => {
      const { method, url, headers } = request;
      seen = { method, url, ...headers, host: '', connection: '' };
      response.writeHead(200, KEY_SET).end(TOKEN);
    });
    expect(seen).toEqual({
      method: 'GET',
      url: '/.well-known/caseref-keys',
      host: '',
      connection: '',
      accept: 'application/jwk-set+jwt',
      'accept-encoding': 'identity',
      'cache-control': 'no-cache',
    });
  });

  test('is the same where the partner knows our tag', async () => {
    let sent: unknown;
    const answer = await asking((request, response) => {
      sent = request.headers['if-none-match'];
      response.writeHead(304).end();
    }, 'W/"7"');
    expect({ answer, sent }).toEqual({ answer: { status: 'same' }, sent: 'W/"7"' });
  });

  test('is not the same where we had none: nobody asked for a 304', async () => {
    expect(await answering(304, {}, '')).toEqual(unreachable('http-304'));
  });

  test.each([
    ['too long', `"${'x'.repeat(127)}"`],
    ['without quotes', '17'],
    ['with a space', '"1 7"'],
    ['with a letter beyond ASCII', '"1\u00e9"'],
    ['with a quote inside', '"1"2"'],
    ['empty', ''],
  ])('keeps no tag that is %s, and sends none', async (_name, tag) => {
    expect(await answering(200, { ...KEY_SET, etag: tag })).toEqual({ status: 'fresh', compact: TOKEN });
    let sent: unknown = 'nothing yet';
    await asking((request, response) => {
      sent = request.headers['if-none-match'];
      response.writeHead(200, KEY_SET).end(TOKEN);
    }, tag);
    expect(sent).toBeUndefined();
  });

  test('keeps a tag of 128 letters', async () => {
    const etag = `"${'x'.repeat(126)}"`;
    expect(await answering(200, { ...KEY_SET, etag })).toMatchObject({ etag });
  });

  test.each(['application/jwk-set+jwt; charset=utf-8', 'Application/JWK-Set+JWT'])('may be called %s', async (type) =>
    expect(await answering(200, { 'content-type': type })).toMatchObject({ status: 'fresh' }),
  );

  test('may have as many bytes as are read', async () => {
    const compact = 'x'.repeat(96 * 1024);
    expect(await answering(200, KEY_SET, compact)).toEqual({ status: 'fresh', compact });
  });
});

describe('an answer that is no key set', () => {
  test.each([204, 206, 400, 401, 404, 410, 429, 500, 503])('is told by its status: %i', async (status) => {
    expect(await answering(status)).toEqual(unreachable(`http-${status}`));
  });

  test.each([
    ['is HTML', { 'content-type': 'text/html' }],
    ['is a plain key set', { 'content-type': 'application/jwk-set+json' }],
    ['says nothing', {}],
  ])('is not taken where its type %s', async (_name, headers) => {
    expect(await answering(200, headers as Record<string, string>)).toEqual(unreachable('media-type-unexpected'));
  });

  test('is not unpacked', async () => {
    const packed = gzipSync('x'.repeat(10_000_000));
    expect(await answering(200, { ...KEY_SET, 'content-encoding': 'gzip' }, packed)).toEqual(
      unreachable('coding-unexpected'),
    );
  });

  test.each([301, 302, 303, 307, 308])('is not followed where it is a redirect: %i', async (status) => {
    let followed = false;
    const other = await listeners.http((_request, response) => {
      followed = true;
      response.writeHead(200, KEY_SET).end(TOKEN);
    });
    expect(await answering(status, { location: `${other}/` })).toEqual(unreachable(`http-${status}`));
    expect(followed).toBe(false);
  });

  test.each([
    ['says that it is too long', { 'content-length': String(96 * 1024 + 1) }],
    ['does not say it', {}],
  ])('is not gathered where it %s', async (_name, headers) => {
    const answer = await answering(200, { ...KEY_SET, ...headers }, 'x'.repeat(96 * 1024 + 1));
    expect(answer).toEqual(unreachable('answer-too-large'));
  });

  test('is not read on where it has no end', async () => {
    let written = 0;
    const answer = await asking((_request, response) => {
      response.writeHead(200, KEY_SET);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(16 * 1024))) written += 16 * 1024;
      };
      response.on('drain', more);
      more();
    });
    expect(answer).toEqual(unreachable('answer-too-large'));
    expect(written).toBeLessThan(32 * 1024 * 1024);
  });
});

test('an end that is asked for from outside ends it', async () => {
  const ending = new AbortController();
  const url = await listeners.http(() => setImmediate(() => ending.abort()));
  const answer = await transport().getKeySet(`${url}/`, undefined, to, ending.signal);
  expect(answer).toEqual(unreachable('connection-failed'));
});

test('a partner of the internet is asked at no private address and never in the clear', async () => {
  let reached = false;
  const url = await listeners.http(() => {
    reached = true;
  });
  const asked = (address: string, local: boolean) =>
    transport(false).getKeySet(address, undefined, { partner: to.partner, local });
  expect(await asked(`${url}/`, false)).toEqual(unreachable('address-refused'));
  expect(await asked(`${url}/`, true)).toEqual(unreachable('endpoint-insecure'));
  expect(reached).toBe(false);
});

test('it moves no circuit breaker, in neither way', async () => {
  const made = transport();
  const broken = await listeners.http((_request, response) => void response.writeHead(503).end());
  const well = await listeners.http((_request, response) => void response.writeHead(200, KEY_SET).end(TOKEN));
  for (let tries = 0; tries < 8; tries += 1) await made.getKeySet(`${broken}/`, undefined, to);
  expect(made.allowance(to.partner, 0)).toBe(Number.POSITIVE_INFINITY);
  for (let tries = 0; tries < 5; tries += 1) await made.postToken(`${broken}/`, TOKEN, to);
  await made.getKeySet(`${well}/`, undefined, to);
  expect(made.allowance(to.partner, 0)).toBe(0);
});
