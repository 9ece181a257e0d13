import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from '../support/api.ts';
import { befriend } from '../support/exchange.ts';

const issuers = ['https://node.hotline-x.example', 'https://node.police-c.example:8443'];
let api: TestApi;

beforeAll(async () => {
  api = await testApi();
  for (const issuer of issuers) await befriend(api.exchange, issuer);
});
afterAll(() => api.close());

test('partners are listed in pages with state and key status, and without policy', async () => {
  const first = (await api.call('GET', '/v1/partners?limit=1')).json();
  expect(first.items).toMatchObject([{ issuer: issuers[0], state: 'active', type: 'law-enforcement', keySet: {} }]);
  const second = (await api.call('GET', `/v1/partners?limit=1&cursor=${first.next}`)).json();
  expect(second).toMatchObject({ items: [{ issuer: issuers[1] }], next: null });
  expect(JSON.stringify(first)).not.toMatch(/rules|Invented act|verified_by/);
});

test('one partner is shown by its issuer, percent-encoded in the path, with its keys', async () => {
  const shown = await api.call('GET', `/v1/partners/${encodeURIComponent(issuers[1] ?? '')}`);
  expect(shown.statusCode).toBe(200);
  expect(shown.json()).toMatchObject({ issuer: issuers[1], keys: [{ use: 'sig', alg: 'Ed25519' }] });
  expect(shown.body).not.toMatch(/rules|Invented act/);
});

test('an unknown partner is not found, however long its name', async () => {
  for (const name of ['https://node.nobody.example', `https://${'a'.repeat(250)}.example`, 'a'.repeat(2000)]) {
    const answer = await api.call('GET', `/v1/partners/${encodeURIComponent(name)}`);
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'not-found']);
  }
});
