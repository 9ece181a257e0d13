import { afterAll, beforeAll, expect, test } from 'vitest';
import { portalListener } from '../../src/portal/listener.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';

let at: TestExchange;
beforeAll(async () => {
  at = await testExchange({ issuer: 'https://node.hotline-a.example' });
});
afterAll(() => at.close());

const portal = (well = true) =>
  portalListener({ exchange: at.exchange, healthy: async () => well, sessionOf: async () => undefined });

const strict = {
  'content-security-policy':
    "default-src 'none';style-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'x-robots-tag': 'noindex, nofollow',
};

test('health is 200 or 503 and says nothing more', async () => {
  for (const [well, status, says] of [
    [true, 200, 'ok'],
    [false, 503, 'unavailable'],
  ] as const) {
    const app = await portal(well);
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
  const app = await portal();
  for (const [url, type] of [
    ['/', 'text/csv'],
    ['/references/find', 'application/json'],
    ['/references/find', 'multipart/form-data; boundary=a'],
  ] as const) {
    const answer = await app.inject({ method: 'POST', url, headers: { 'content-type': type }, payload: '{}' });
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
