import { expect, test } from 'vitest';
import { portalListener } from '../../src/portal/listener.ts';

test('health is 200 or 503 and says nothing more', async () => {
  for (const [well, status, says] of [
    [true, 200, 'ok'],
    [false, 503, 'unavailable'],
  ] as const) {
    const app = await portalListener({ healthy: async () => well });
    const answer = await app.inject('/health');
    expect({ status: answer.statusCode, body: answer.json() }).toEqual({ status, body: { status: says } });
    await app.close();
  }
});

test.each(['/', '/references', '/statistics', '/%ff', '/health/x'])(
  '%s is 404 in plain text, with strict headers',
  async (path) => {
    const app = await portalListener({ healthy: async () => true });
    const answer = await app.inject(path);
    expect({ status: answer.statusCode, body: answer.body }).toEqual({ status: 404, body: 'Not found.\n' });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    await app.close();
  },
);

test('a POST is 404, whatever it carries', async () => {
  const app = await portalListener({ healthy: async () => true });
  const answer = await app.inject({
    method: 'POST',
    url: '/',
    headers: { 'content-type': 'text/csv' },
    payload: 'a;b',
  });
  expect(answer.statusCode).toBe(404);
  await app.close();
});
