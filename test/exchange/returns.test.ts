import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDelivery, type Delivery } from '../../src/exchange/deliver.ts';
import { createHalt } from '../../src/exchange/halt.ts';
import { createReturns } from '../../src/exchange/returns.ts';
import { createShare } from '../../src/exchange/share.ts';
import { suspendPartners } from '../../src/exchange/suspend.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { inventedReference } from '../support/invented.ts';
import { eventually } from '../support/node.ts';
import { now as start } from '../support/tokens.ts';

// A partner that was away or had suspended us, and is there again.

const HOUR = 3_600_000;
const PAUSE = 6 * 60_000;
const gone = { status: 503, body: '' };
const taking = { status: 202, body: '' };
const refusing = { status: 400, body: JSON.stringify({ err: 'access_denied', description: 'Not now.' }) };

let node: TestExchange;
let delivery: Delivery;
let issuer: string;
let time = start * 1000;
let answer = gone;
let posts = 0;
let shared = 0;
const listeners: Server[] = [];

beforeAll(async () => {
  node = await testExchange({ issuer: 'http://127.0.0.1:1', clock: () => time });
});
afterAll(async () => {
  for (const listener of listeners) listener.closeAllConnections();
  for (const listener of listeners) listener.close();
  await node.close();
});
beforeEach(async () => {
  const listener = createServer((request, response) => {
    posts += 1;
    request.resume().on('end', () => {
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  });
  listeners.push(listener);
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  issuer = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  await befriend(node.exchange, issuer, { security: { encryption: 'none' } });
  delivery = createDelivery(node.exchange, createHalt(node.exchange));
  [answer, posts] = [gone, 0];
});
afterEach(async () => {
  await delivery.stop(5000);
  await sql`update delivery set state = 'dropped' where state = 'queued'`.execute(node.exchange.store.db);
  const stopped = await suspendPartners(node.exchange, { issuer, reason: 'examined' });
  expect(stopped).not.toHaveProperty('refused');
});

async function share(count: number): Promise<void> {
  const put = createShare(node.exchange);
  for (let n = 0; n < count; n += 1) {
    const answered = await put({ ...inventedReference(6 * shared++), category: 'csam' });
    if (Array.isArray(answered)) throw new Error(JSON.stringify(answered));
  }
}

async function waiting() {
  const { rows } = await sql<{ last_code: string | null; attempts: number; next_at: Date }>`
    select last_code, attempts, next_at from delivery
    where partner = ${issuer} and state = 'queued' and lease is null order by position`.execute(node.exchange.store.db);
  return rows;
}

/** Tries what is due until so many have come to this code. */
async function tried(count: number, code: string): Promise<void> {
  delivery.wake();
  await eventually(`${count} times ${code}`, async () => {
    const found = (await waiting()).filter((row) => row.last_code === code);
    return found.length === count;
  });
}

/** As the attempts of a week leave it: each message waits for a time of its own, an hour ahead. */
const waitLong = (code: string) =>
  sql`update delivery set attempts = 30, last_code = ${code}, next_at = ${new Date(time + HOUR)} where state = 'queued'`.execute(
    node.exchange.store.db,
  );

const allGone = () => eventually('everything is sent', async () => (await waiting()).length === 0);

test('the first message that a partner takes after an outage lets go at once what waits because of the outage', async () => {
  await share(8);
  await tried(8, 'http-503');
  await waitLong('http-503');
  time += PAUSE;
  answer = taking;
  await share(1);
  delivery.wake();
  await allGone();
});

test('what waits for a reason of its own keeps its pause', async () => {
  await share(8);
  await tried(8, 'http-503');
  await waitLong('http-429');
  time += PAUSE;
  [answer, posts] = [taking, 0];
  await share(1);
  delivery.wake();
  await eventually('the new one is sent', async () => posts === 1 && (await waiting()).length === 8);
  expect((await waiting()).every(({ next_at }) => next_at.getTime() > time)).toBe(true);
});

test('while the partner is away nothing is let go', async () => {
  await share(8);
  await tried(8, 'http-503');
  await waitLong('http-503');
  time += PAUSE;
  posts = 0;
  await share(1);
  await tried(9, 'http-503');
  expect(posts).toBe(1);
  expect((await waiting()).filter(({ next_at }) => next_at.getTime() > time + HOUR / 2)).toHaveLength(8);
});

test('what was refused while the partner had suspended us follows the first message that it takes again', async () => {
  answer = refusing;
  await share(3);
  await tried(3, 'access_denied');
  time += PAUSE;
  answer = taking;
  await share(1);
  delivery.wake();
  await allGone();
});

test('a receipt that is taken proves that the partner is there, and not that it takes references', async () => {
  answer = refusing;
  await share(2);
  await tried(2, 'access_denied');
  const returns = createReturns(node.exchange);
  await returns.note(issuer, 'receipt', { state: 'sent', code: null });
  expect((await waiting()).every(({ next_at }) => next_at.getTime() > time)).toBe(true);
  await returns.note(issuer, 'submitted', { state: 'sent', code: null });
  expect((await waiting()).every(({ next_at }) => next_at.getTime() <= time)).toBe(true);
});

test('a partner that comes and goes does not undo the pauses more than once a minute', async () => {
  await share(6);
  await tried(6, 'http-503');
  const returns = createReturns(node.exchange);
  const letGo = async () => {
    await waitLong('timeout');
    returns.missed(issuer);
    await returns.note(issuer, 'submitted', { state: 'sent', code: null });
    return (await waiting()).every(({ next_at }) => next_at.getTime() <= time);
  };
  expect(await letGo()).toBe(true);
  time += 30_000;
  expect(await letGo()).toBe(false);
  time += 31_000;
  expect(await letGo()).toBe(true);
});
