import type { LookupAddress, LookupAllOptions, LookupOptions } from 'node:dns';
import { Agent } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { AddressRefused, checkedLookup, mayConnect } from '../../src/transport/address.ts';
import { createTransport, type Transport } from '../../src/transport/transport.ts';
import { listening } from './listening.ts';
import { selfSigned } from './self-signed.ts';

// What a partner, or whoever answers for it, may try with what we send out. Loopback only.

const TOKEN = 'e30.canary-payload.c2ln';
const to = { partner: 'https://node.hotline-b.example', local: false };
const local = { ...to, local: true };
const listeners = listening();
const unreachable = (code: string) => ({ status: 'unreachable', code });

afterEach(() => listeners.closeAll());

function transport(loopback = true): Transport {
  return listeners.keep(createTransport({ loopback, clock: () => 0 }));
}

/** Every kind of request there is, so that each hole is looked for at each. */
const requests: Record<string, (made: Transport, origin: string, partner?: typeof to) => Promise<unknown>> = {
  push: (made, origin, partner = to) => made.postToken(`${origin}/exchange/push`, TOKEN, partner),
  'key set push': (made, origin, partner = to) => made.postKeySet(`${origin}/exchange/keys`, TOKEN, partner),
  'key set': (made, origin, partner = to) => made.getKeySet(`${origin}/.well-known/caseref-keys`, undefined, partner),
  clock: (made, origin, partner = to) => made.askClock(origin, partner),
  poll: (made, origin, partner = to) =>
    made.postPoll(`${origin}/exchange/poll`, { body: new Uint8Array(), fields: {} }, partner),
};

test('the listener behind that certificate answers whoever trusts it', async () => {
  const pair = selfSigned();
  const origin = await listeners.tls((_request, response) => void response.writeHead(204).end(), pair);
  const trusting = listeners.keep(new Agent({ connect: { ca: pair.cert } }));
  const { statusCode } = await trusting.request({ origin, path: '/', method: 'GET' });
  expect(statusCode).toBe(204);
});

describe.each(Object.entries(requests))('%s', (_name, request) => {
  test('a certificate that nobody vouches for is tls-refused, before anything is sent', async () => {
    let reached = false;
    const origin = await listeners.tls((_request, response) => {
      reached = true;
      response.writeHead(200).end();
    });
    expect(await request(transport(), origin)).toEqual(unreachable('tls-refused'));
    expect(await request(transport(false), origin, local)).toEqual(unreachable('tls-refused'));
    expect(reached).toBe(false);
  });

  test('no variable of the environment turns the check of certificates off', async () => {
    const origin = await listeners.tls((_request, response) => void response.writeHead(200).end());
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      expect(await request(transport(), origin)).toEqual(unreachable('tls-refused'));
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  test('no variable of the environment puts a proxy in between', async () => {
    let proxied = false;
    const proxy = await listeners.raw((socket) => {
      proxied = true;
      socket.destroy();
    });
    let direct = false;
    const origin = await listeners.http((incoming, response) => {
      direct = true;
      incoming.resume();
      response.writeHead(404).end();
    });
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
    const before = names.map((name) => process.env[name]);
    for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : proxy;
    try {
      await request(transport(), origin);
    } finally {
      for (const [index, name] of names.entries()) {
        const value = before[index];
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
    expect({ proxied, direct }).toEqual({ proxied: false, direct: true });
  });

  test('TLS speaks HTTP/1.1 alone', async () => {
    // Asked for by a listener that would rather speak HTTP/2: the offer is read from the ClientHello itself.
    let hello = '';
    const origin = await listeners.raw((socket) => {
      socket.once('data', (bytes) => {
        hello = bytes.toString('latin1');
        socket.destroy();
      });
    });
    await request(transport(), origin.replace('http:', 'https:'));
    expect(hello).toContain('http/1.1');
    expect(hello).not.toContain('\x02h2');
  });

  test('headers without end are not gathered', async () => {
    const origin = await listeners.raw((socket) => {
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nx-canary: ${'x'.repeat(64 * 1024)}`));
    });
    expect(await request(transport(), origin)).toEqual(unreachable('answer-too-large'));
  });

  test('an answer that turns the connection into something else is a failure', async () => {
    const origin = await listeners.raw((socket) => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: canary\r\nconnection: upgrade\r\n\r\n'),
      );
    });
    expect(await request(transport(), origin)).toMatchObject({ status: 'unreachable' });
  });
});

describe('an endpoint', () => {
  test.each([
    ['with a user', 'http://canary@127.0.0.1:9/'],
    ['with a password', 'http://:canary@127.0.0.1:9/'],
    ['with a fragment', 'http://127.0.0.1:9/#canary'],
  ])('%s is none', async (_name, url) => {
    expect(await transport().postToken(url, TOKEN, to)).toEqual(unreachable('endpoint-invalid'));
    expect(await transport().getKeySet(url, undefined, to)).toEqual(unreachable('endpoint-invalid'));
  });

  test.each([
    ['IPv4-mapped', 'https://[::ffff:127.0.0.1]:9/'],
    ['IPv4-mapped, spelled out', 'https://[0:0:0:0:0:ffff:7f00:1]:9/'],
    ['IPv4-compatible', 'https://[::127.0.0.1]:9/'],
    ['NAT64', 'https://[64:ff9b::127.0.0.1]:9/'],
    ['NAT64 of a network', 'https://[64:ff9b:1::127.0.0.1]:9/'],
    ['6to4', 'https://[2002:7f00:1::]:9/'],
    ['Teredo', 'https://[2001:0:7f00:1::]:9/'],
    ['decimal', 'https://2130706433:9/'],
    ['octal', 'https://0177.0.0.1:9/'],
    ['short', 'https://127.1:9/'],
    ['in full-width digits', 'https://１２７.0.0.1:9/'],
  ])('may not name this machine in disguise: %s', async (_name, url) => {
    expect(await transport(false).postToken(url, TOKEN, to)).toEqual(unreachable('address-refused'));
  });
});

test('a link-local address with a zone is refused and breaks nothing', () => {
  expect([mayConnect('fe80::1%lo', true), mayConnect('::1%lo', false), mayConnect('fd00::1%lo', true)]).toEqual([
    false,
    false,
    false,
  ]);
});

describe('a name', () => {
  /** A look-up whose answers a test gives one by one, as a name server in other hands would. */
  function answers(...lists: readonly (readonly string[])[]) {
    let asked = 0;
    const resolve = (
      _host: string,
      _options: LookupAllOptions,
      done: (failure: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
    ) => {
      const list = lists[Math.min(asked, lists.length - 1)] ?? [];
      asked += 1;
      done(
        null,
        list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    };
    return resolve;
  }

  function look(lookup: ReturnType<typeof checkedLookup>, options: LookupOptions) {
    return new Promise<unknown>((done) => {
      lookup('node.hotline-b.example', options, (failure, found) => done(failure ?? found));
    });
  }

  test('that leads to public and private addresses leads to the public ones only', async () => {
    const lookup = checkedLookup(false, answers(['127.0.0.1', '8.8.8.8', '::1', 'fe80::1%lo', '2606:4700::1111']));
    expect(await look(lookup, { all: true })).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ]);
  });

  test('that changes its answer is judged by the answer that is connected to', async () => {
    const lookup = checkedLookup(false, answers(['8.8.8.8'], ['127.0.0.1']));
    expect(await look(lookup, { all: false })).toBe('8.8.8.8');
    expect(await look(lookup, { all: false })).toBeInstanceOf(AddressRefused);
  });

  test('that leads nowhere is refused', async () => {
    expect(await look(checkedLookup(true, answers([])), { all: true })).toBeInstanceOf(AddressRefused);
  });
});

test('an answer that drips, byte after byte, has an end', { timeout: 40_000 }, async () => {
  const drip = await listeners.http((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/jwk-set+jwt' });
    const timer = setInterval(() => response.write('x'), 500);
    response.once('close', () => clearInterval(timer));
  });
  const begun = performance.now();
  const [keySet, clock] = await Promise.all([
    transport().getKeySet(`${drip}/`, undefined, to),
    transport().askClock(drip, to),
  ]);
  expect(keySet).toEqual(unreachable('timeout'));
  expect(clock).toMatchObject({ status: 'answered', http: 200 });
  expect(performance.now() - begun).toBeLessThan(25_000);
});
