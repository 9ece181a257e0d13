import { type ClientRequest, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createShare } from '../../src/exchange/share.ts';
import { submission, type TestApi, testApi } from '../support/api.ts';
import { clientToken } from '../support/exchange.ts';

interface Result {
  readonly line: number;
  readonly status: number;
  readonly id?: string;
  readonly code?: string;
  readonly errors?: readonly { readonly pointer: string; readonly next: string }[];
}

const ndjson = { 'content-type': 'application/x-ndjson' };
let api: TestApi;
let port: number;

beforeAll(async () => {
  api = await testApi();
  port = await listen(api);
});
afterAll(() => api.close());

async function listen({ app }: TestApi): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

async function batch(body: string, token?: string): Promise<Result[]> {
  const call = { body, headers: ndjson, ...(token !== undefined && { token }) };
  const answer = await api.call('POST', '/v1/references:batch', call);
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toMatch(/^application\/x-ndjson/);
  return answer.body
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Result);
}

const lines = (...all: unknown[]) => all.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n');

/** A batch over real HTTP that stays open until it is ended. */
function openBatch(
  at: number,
  token: string,
): { call: ClientRequest; results: AsyncIterator<string>; ended: Promise<void> } {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const call = request({
    port: at,
    method: 'POST',
    path: '/v1/references:batch',
    headers: { ...ndjson, authorization: `Bearer ${token}` },
  });
  const results = (async function* () {
    const answer = await new Promise<NodeJS.ReadableStream>((take, fail) => {
      call.once('response', take);
      call.once('error', fail);
    });
    yield* createInterface(answer);
    resolve();
  })();
  call.on('error', () => undefined);
  return { call, results, ended };
}

describe('a batch', () => {
  test('refuses a bad line and that line only, in the order of the lines', async () => {
    const id = '0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70';
    const results = await batch(
      lines(
        submission({ id }),
        '{"url":"a","url":"b"}',
        submission({ category: 'made-up' }),
        '',
        '[]',
        submission({ id }),
        `"${'x'.repeat(70_000)}"`,
        submission(),
      ),
    );
    expect(results.map(({ line, status, code }) => [line, status, code])).toEqual([
      [1, 201, undefined],
      [2, 400, 'json-invalid'],
      [3, 422, 'category-unknown'],
      [5, expect.any(Number), expect.any(String)],
      [6, 409, 'reference-exists'],
      [7, 413, 'too-large'],
      [8, 201, undefined],
    ]);
    expect(results[0]).toMatchObject({
      id,
      effects: { send: 0, hold: 0, withhold: 0 },
      duplicates: 0,
      duplicateAnswer: 'new',
    });
    expect(results[2]?.errors?.[0]).toMatchObject({ pointer: '/category' });
    expect(results[2]?.errors?.[0]?.next).toBeTruthy();
  });

  test('refuses a line that is not UTF-8', async () => {
    const body = Buffer.concat([
      Buffer.from('{"url":"'),
      Buffer.from([0xff]),
      Buffer.from('"}\n'),
      Buffer.from(JSON.stringify(submission())),
    ]);
    const answer = await api.app.inject({
      method: 'POST',
      url: '/v1/references:batch',
      headers: { ...ndjson, authorization: `Bearer ${api.token}` },
      payload: body,
    });
    const codes = answer.body
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as Result).code);
    expect(codes).toEqual(['json-invalid', undefined]);
  });

  test('of many lines answers each of them once', async () => {
    const token = await clientToken(api.exchange, ['references:write']);
    const results = await batch(lines(...Array.from({ length: 300 }, () => submission())), token);
    expect(results.map(({ line }) => line)).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    expect(new Set(results.map(({ id }) => id)).size).toBe(300);
  });

  test('that is empty has no results', async () => {
    expect(await batch('\n')).toEqual([]);
  });

  test('answers a line while the next is still to come', async () => {
    const { call, results } = openBatch(port, api.token);
    for (let n = 1; n <= 3; n += 1) {
      call.write(`${JSON.stringify(submission())}\n`);
      const { value } = await results.next();
      expect(JSON.parse(value)).toMatchObject({ line: n, status: 201 });
    }
    call.end();
    expect((await results.next()).done).toBe(true);
  });

  test('whose client goes away in the middle harms nobody', async () => {
    const { call, results } = openBatch(port, api.token);
    call.write(`${JSON.stringify(submission())}\n{"url":`);
    await results.next();
    call.destroy();
    expect((await batch(lines(submission())))[0]?.status).toBe(201);
    expect(api.node.logged()).not.toContain('api.batch-failed');
  });
});

test('a line whose sharing fails is answered internal, and the batch goes on', async () => {
  let calls = 0;
  const node = await testApi({
    share: async (input) => {
      calls += 1;
      if (calls === 2) throw new Error('https://leak.example');
      return createShare(node.exchange)(input);
    },
  });
  const answer = await node.call('POST', '/v1/references:batch', {
    body: lines(submission(), submission(), submission()),
    headers: ndjson,
  });
  const statuses = answer.body
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as Result).status);
  expect(statuses).toEqual([201, 500, 201]);
  expect(answer.body + node.node.logged()).not.toContain('leak.example');
  await node.close();
});

test('a listener that closes answers what it has read, says where to go on, and ends', async () => {
  const closing = await testApi();
  const { call, results, ended } = openBatch(await listen(closing), closing.token);
  call.write(`${JSON.stringify(submission())}\n`);
  expect(JSON.parse((await results.next()).value)).toMatchObject({ line: 1, status: 201 });
  const closed = closing.close();
  expect(JSON.parse((await results.next()).value)).toMatchObject({ line: 2, status: 503, code: 'unavailable' });
  expect((await results.next()).done).toBe(true);
  await ended;
  await closed;
  call.destroy();
});
