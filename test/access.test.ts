import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listClients, revokeClient, type Scope, scopes } from '../src/exchange/clients.ts';
import { type TestApi, testApi } from './support/api.ts';
import { clientToken } from './support/exchange.ts';

// Every route of the node API against every kind of caller. A route without a row here fails.

const open = 'open';
const routes: Readonly<Record<string, Scope | typeof open>> = {
  'GET /health': open,
  'GET /openapi.json': open,
  'POST /v1/references': 'references:write',
  'PUT /v1/references/{id}': 'references:write',
  'POST /v1/references/{id}/withdrawal': 'references:write',
  'POST /v1/references/{id}/assessments': 'references:write',
  'POST /v1/references/{id}/actions': 'references:write',
  'POST /v1/references/{id}/handovers': 'references:write',
  'POST /v1/references/{id}/holds': 'references:write',
  'POST /v1/references/{id}/clearances': 'references:write',
  'POST /v1/references/{id}/feedback': 'references:write',
  'POST /v1/references/{id}/acknowledgement': 'references:write',
  'POST /v1/references:batch': 'references:write',
  'POST /v1/decisions:batch': 'decisions:write',
  'GET /v1/references': 'references:read',
  'POST /v1/references:search': 'references:read',
  'GET /v1/references/{id}': 'references:read',
  'GET /v1/references/{id}/decisions': 'references:read',
  'GET /v1/references/{id}/deliveries': 'references:read',
  'GET /v1/events': 'events:read',
  'GET /v1/partners': 'partners:read',
  'GET /v1/partners/{issuer}': 'partners:read',
};

const stranger = `caseref_${'A'.repeat(43)}`;
let api: TestApi;
let revoked: string;
const tokens = new Map<Scope, string>();

beforeAll(async () => {
  api = await testApi();
  revoked = await clientToken(api.exchange, scopes);
  for (const client of (await listClients(api.exchange)).slice(-1)) await revokeClient(api.exchange, client.id);
  for (const scope of scopes) tokens.set(scope, await clientToken(api.exchange, [scope]));
});
afterAll(() => api.close());

/** The routes that the router really has, written as in the table. */
function registered(): string[] {
  const paths = (api.app.swagger() as { paths: Record<string, Record<string, unknown>> }).paths;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

function called(route: string, headers: Readonly<Record<string, string>>) {
  const [method = '', path = ''] = route.split(' ');
  const url = path
    .replace('{id}', '0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70')
    .replace('{issuer}', 'https%3A%2F%2Fnode.nobody.example');
  const type = path.endsWith('references:batch') ? 'application/x-ndjson' : 'application/json';
  const payload = method === 'GET' ? {} : { payload: '{}' };
  const content = method === 'GET' ? {} : { 'content-type': type };
  return api.app.inject({ method: method as 'GET', url, headers: { ...content, ...headers }, ...payload });
}

const bearer = (token: string | undefined) => ({ authorization: `Bearer ${token}` });

test('every registered route has a row, and every row a route', () => {
  expect(registered().sort()).toEqual(Object.keys(routes).sort());
  // Fastify's own list names nothing that the description leaves out.
  expect(
    api.app
      .printRoutes({ commonPrefix: false })
      .match(/\((?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)[^)]*\)/g)
      ?.join(' ')
      .match(/[A-Z]{3,}/g),
  ).toHaveLength(Object.keys(routes).length);
});

describe.each(Object.entries(routes))('%s', (route, needed) => {
  test.each([
    ['nobody', () => ({})],
    ['an unknown token', () => bearer(stranger)],
    ['a token of another form', () => bearer('x')],
    ['a revoked token', () => bearer(revoked)],
    ['a token in another scheme', () => ({ authorization: `Basic ${api.token}` })],
    ['two words', () => ({ authorization: `Bearer ${api.token} ${api.token}` })],
  ])(`called by %s is ${needed === open ? 'answered' : 'refused'}`, async (_, headers) => {
    const answer = await called(route, headers());
    if (needed === open) return expect(answer.statusCode).toBe(200);
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'unauthenticated']);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test.each(scopes)('called with the scope %s alone', async (scope) => {
    const answer = await called(route, bearer(tokens.get(scope)));
    expect(answer.statusCode).not.toBe(401);
    if (needed === open || needed === scope) return expect(answer.statusCode).not.toBe(403);
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'scope-missing']);
    expect(answer.json().detail).toContain(needed);
    expect(answer.headers['www-authenticate']).toContain(`scope="${needed}"`);
  });

  test('called with every scope', async () => {
    const answer = await called(route, bearer(api.token));
    expect([401, 403, 500]).not.toContain(answer.statusCode);
  });
});
