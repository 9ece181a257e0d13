import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { portalListener } from '../../src/portal/listener.ts';
import type { PortalParts } from '../../src/portal/parts.ts';
import { sourceOf } from '../../src/portal/rates.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';

let at: TestExchange;
beforeAll(async () => {
  at = await testExchange({ issuer: 'https://node.hotline-a.example' });
});
afterAll(() => at.close());

const origin = 'https://portal.hotline-a.example';

const portal = (parts: Partial<PortalParts> = {}) =>
  portalListener({ exchange: at.exchange, healthy: async () => true, sessionOf: async () => undefined, ...parts });

const strict = {
  'content-security-policy':
    "default-src 'none';style-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-robots-tag': 'noindex, nofollow',
};

test('health is 200 or 503 and says nothing more', async () => {
  for (const [well, status, says] of [
    [true, 200, 'ok'],
    [false, 503, 'unavailable'],
  ] as const) {
    const app = await portal({ healthy: async () => well });
    const answer = await app.inject('/health');
    expect({ status: answer.statusCode, body: answer.json() }).toEqual({ status, body: { status: says } });
    await app.close();
  }
});

test.each(['/nowhere', '/%ff', '/health/x', '/references/a/b/c/d'])(
  '%s is 404 in plain text, with strict headers',
  async (path) => {
    const app = await portal();
    const answer = await app.inject(path);
    expect({ status: answer.statusCode, body: answer.body }).toEqual({ status: 404, body: 'Not found.\n' });
    const policy = String(answer.headers['content-security-policy']).replaceAll('; ', ';');
    expect({ ...answer.headers, 'content-security-policy': policy }).toMatchObject({
      'content-type': 'text/plain',
      ...strict,
    });
    await app.close();
  },
);

test.each(['/', '/references', '/references/a/b', '/references/a/b/address', '/partners', '/statistics', '/account'])(
  '%s sends who is not signed in to the way in, and says nothing else',
  async (path) => {
    const app = await portal();
    const answer = await app.inject(path);
    expect({ status: answer.statusCode, to: answer.headers.location, body: answer.body }).toEqual({
      status: 303,
      to: '/sign-in',
      body: '',
    });
    expect(answer.headers).toMatchObject(strict);
    await app.close();
  },
);

test('a POST that is no form is 404, whatever it carries', async () => {
  const app = await portal({ origin });
  for (const [url, type] of [
    ['/', 'text/csv'],
    ['/references/find', 'application/json'],
    ['/references/find', 'multipart/form-data; boundary=a'],
  ] as const) {
    const answer = await app.inject({ method: 'POST', url, headers: { origin, 'content-type': type }, payload: '{}' });
    expect(answer.statusCode).toBe(404);
  }
  await app.close();
});

test('the stylesheet is the one file that is served, and asks for nothing', async () => {
  const app = await portal();
  const answer = await app.inject('/portal.css');
  expect(answer.headers['content-type']).toBe('text/css; charset=utf-8');
  expect(answer.body).not.toMatch(/url\(|@import/);
  await app.close();
});

describe('what another site sends', () => {
  test.each([
    ['POST', '/nowhere'],
    ['POST', '/references/find'],
    ['PUT', '/references/find'],
    ['DELETE', '/account'],
    ['PATCH', '/'],
    ['OPTIONS', '/health'],
  ] as const)('%s %s is refused before it is read, and counted', async (method, url) => {
    const { db } = at.exchange.store;
    const counted = async () => (await db.selectFrom('refusal_count').select('n').executeTakeFirst())?.n ?? 0;
    const app = await portal({ origin });
    for (const headers of [{}, { origin: 'https://evil.example' }, { origin, 'sec-fetch-site': 'cross-site' }]) {
      const before = await counted();
      const answer = await app.inject({ method, url, headers, payload: 'x' });
      expect([answer.statusCode, await counted()]).toEqual([403, before + 1]);
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' });
    }
    await app.close();
  });

  test('nothing is changed either where nobody knows how the portal is reached', async () => {
    const app = await portal();
    for (const headers of [{}, { origin }, { origin: 'null' }])
      expect((await app.inject({ method: 'POST', url: '/references/find', headers })).statusCode).toBe(403);
    await app.close();
  });
});

test('browsers that came over TLS are told to stay with it, of this host alone; others are not', async () => {
  const secure = await portal({ origin });
  const plain = await portal({ origin: 'http://localhost:8442' });
  for (const path of ['/', '/portal.css', '/%ff', '/nowhere']) {
    expect((await secure.inject(path)).headers['strict-transport-security']).toBe('max-age=31536000');
    expect((await plain.inject(path)).headers['strict-transport-security']).toBeUndefined();
  }
  await Promise.all([secure.close(), plain.close()]);
});

describe('a source address', () => {
  const ask = (app: Awaited<ReturnType<typeof portal>>, from: string) =>
    app.inject({ method: 'POST', url: '/references/find', headers: { origin, 'x-forwarded-for': from }, payload: '' });

  test('that asks too often is told so, by code and for how long, and no other waits for it', async () => {
    const app = await portal({ origin, trustProxy: true });
    const answers = [];
    for (let n = 0; n < 130; n += 1) answers.push((await ask(app, `2001:db8:0:1::${n}`)).statusCode);
    expect(answers.indexOf(429)).toBe(120);
    const refused = await ask(app, '2001:db8:0:1::ffff');
    expect(refused.body).toMatch(/^rate-exceeded: /);
    expect(refused.headers).toMatchObject({
      'retry-after': expect.stringMatching(/^\d+$/),
      'cache-control': 'no-store',
    });
    expect((await ask(app, '2001:db8:0:2::1')).statusCode).not.toBe(429);
    expect((await app.inject({ url: '/', headers: { 'x-forwarded-for': '2001:db8:0:1::1' } })).statusCode).toBe(303);
    await app.close();
  });

  test('in a header that nobody of ours wrote is not believed', async () => {
    const app = await portal({ origin });
    const answers = [];
    for (let n = 0; n < 125; n += 1) answers.push((await ask(app, `192.0.2.${n}`)).statusCode);
    expect(answers.indexOf(429)).toBe(120);
    await app.close();
  });

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::', 'fe80:0:0:0::/64'],
  ])('%s counts to %s', (ip, source) => expect(sourceOf(ip)).toBe(source));
});
