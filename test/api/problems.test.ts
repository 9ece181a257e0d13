import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { statusOf } from '../../src/api/problem.ts';
import { type RefusalCode, refusals } from '../../src/domain/refusal.ts';
import { checkSchema } from '../../src/wire/schema.ts';
import { submission, type TestApi, testApi } from '../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const post = (body: unknown, headers = {}) => api.call('POST', '/v1/references', { body, headers });

describe('what the domain refuses is answered 422 with pointer, code and next step', () => {
  test.each([
    [{ note: 'x' }, 'schema-invalid', '/note'],
    [{ category: 'made-up' }, 'category-unknown', '/category'],
    [{ jurisdiction: { hosting: 'UK' } }, 'jurisdiction-invalid', '/jurisdiction/hosting'],
    [{ handles: [{ system: 'own', id: 'd41d8cd98f00b204e9800998ecf8427e' }] }, 'fingerprint-refused', '/handles/0/id'],
    [{ md5: 'x' }, 'fingerprint-refused', '/md5'],
    [{ url: 'data:image/png;base64,AAAA' }, 'media-refused', '/url'],
    [{ url: 'magnet:?xt=urn' }, 'url-scheme-refused', '/url'],
    [{ url: 'https://user:pw@host.example/' }, 'url-quarantined', '/url'],
    [{ marking: { tlp: 'RED', portal: 'national' } }, 'marking-invalid', '/marking/portal'],
  ])('%j', async (changes, code, pointer) => {
    const answer = await post(submission(changes));
    expect(answer.statusCode).toBe(422);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    const body = answer.json();
    expect(body).toMatchObject({ type: `urn:caseref:problem:${code}`, status: 422, code });
    expect(body.errors[0]).toMatchObject({ code, pointer });
    expect(body.errors[0].next.length).toBeGreaterThan(5);
    expect(checkSchema('problem', body)).toEqual([]);
  });
});

describe('what is no strict JSON is answered 400 json-invalid', () => {
  test.each([
    ['a duplicate member', '{"url":"a","url":"b"}'],
    ['a prototype member', '{"__proto__":{}}'],
    ['a fractional number', '{"a":1.5}'],
    ['half a document', '{"a":'],
    ['an empty body', ''],
    ['a byte order mark', '\ufeff{}'],
  ])('%s', async (_, body) => {
    const answer = await post(body);
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'json-invalid']);
  });

  test('no body at all', async () => {
    const answer = await api.call('POST', '/v1/references');
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'json-invalid']);
  });
});

describe('what HTTP itself refuses has a problem body too', () => {
  test('a body over 64 KiB', async () => {
    const answer = await post(submission({ note: 'x'.repeat(70_000) }));
    expect([answer.statusCode, answer.json().code]).toEqual([413, 'too-large']);
  });

  test('another content type', async () => {
    for (const type of ['text/plain', 'application/x-ndjson', 'multipart/form-data; boundary=x']) {
      const answer = await post('{}', { 'content-type': type });
      expect([answer.statusCode, answer.json().code]).toEqual([415, 'media-type-unsupported']);
    }
    const answer = await api.call('POST', '/v1/references:batch', { body: '{}' });
    expect([answer.statusCode, answer.json().code]).toEqual([415, 'media-type-unsupported']);
  });

  test('an unknown path', async () => {
    for (const path of ['/', '/v1', '/v1/stats', '/v1/references/x/y/z', '/v1/%ff', '/exchange/push']) {
      const answer = await api.call('GET', path);
      expect([path, answer.statusCode, answer.json().code]).toEqual([path, 404, 'not-found']);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    }
  });

  test('a method that a path does not take', async () => {
    const answer = await api.call('DELETE', '/v1/references/0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70');
    expect([answer.statusCode, answer.json().code]).toEqual([405, 'method-not-allowed']);
    expect(answer.headers.allow).toBe('PUT, GET');
    expect((await api.call('GET', '/v1/references:search')).headers.allow).toBe('POST');
  });
});

test('a failure of our own tells the caller nothing and the log no message', async () => {
  const secret = 'https://leak.example/in-a-message';
  const broken = await testApi({
    share: async () => {
      throw new Error(secret);
    },
  });
  const answer = await broken.call('POST', '/v1/references', { body: submission() });
  expect([answer.statusCode, answer.json().code]).toEqual([500, 'internal']);
  expect(answer.body).not.toContain('leak');
  expect(broken.node.logged()).toContain('api.failed');
  expect(broken.node.logged()).not.toContain('leak');
  await broken.close();
});

test('every refusal code has a status of refusal', () => {
  for (const code of Object.keys(refusals) as RefusalCode[]) expect(statusOf(code)).toBeGreaterThanOrEqual(400);
  expect(statusOf('schema-invalid')).toBe(422);
});

describe('health', () => {
  test('is open to anybody and says nothing but whether the node can work', async () => {
    const well = await api.call('GET', '/health', { token: null });
    expect([well.statusCode, well.body]).toEqual([200, '{"status":"ok"}']);
  });

  test.each([
    ['is not well', async () => false],
    ['cannot be asked', () => Promise.reject(new Error('down'))],
  ])('is 503 when the node %s', async (_, healthy) => {
    const ill = await testApi({ healthy });
    const answer = await ill.call('GET', '/health', { token: null });
    expect([answer.statusCode, answer.body]).toEqual([503, '{"status":"unavailable"}']);
    await ill.close();
  });
});
