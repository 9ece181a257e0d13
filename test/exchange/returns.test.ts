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
/** What each answer waits for. */
let held: Promise<void> = Promise.resolve();
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
    request.resume().on('end', async () => {
      await held;
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  });
  listeners.push(listener);
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  issuer = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  await befriend(node.exchange, issuer, { security: { encryption: 'none' } });
  delivery = createDelivery(node.exchange, createHalt(node.exchange));
  [answer, posts, held] = [gone, 0, Promise.resolve()];
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
  await waitLong('http-413');
  time += PAUSE;
  [answer, posts] = [taking, 0];
  await share(1);
  delivery.wake();
  await eventually('the new one is sent', async () => posts === 1 && (await waiting()).length === 8);
  expect((await waiting()).every(({ next_at }) => next_at.getTime() > time)).toBe(true);
});

test('what waits because the partner had too much to do follows the first message that it takes', async () => {
  await share(4);
  await tried(4, 'http-503');
  await waitLong('http-429');
  time += PAUSE;
  answer = taking;
  await share(1);
  delivery.wake();
  await allGone();
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

/** The store refuses every change of this kind of delivery until the test ends it. */
async function refuseChange(condition: string): Promise<() => Promise<void>> {
  const { db } = node.exchange.store;
  await sql`create function refuse_change() returns trigger language plpgsql as 'begin raise exception ''invented''; end'`.execute(
    db,
  );
  await sql`create trigger refused before update on delivery for each row when (${sql.raw(condition)})
    execute function refuse_change()`.execute(db);
  return async () => {
    await sql`drop function refuse_change() cascade`.execute(db);
  };
}

test('what could not be let go is let go by the next message that is taken', async () => {
  await share(3);
  await tried(3, 'http-503');
  await waitLong('http-503');
  const returns = createReturns(node.exchange);
  const end = await refuseChange("old.last_code = 'http-503'");
  await expect(returns.note(issuer, 'submitted', { state: 'sent', code: null })).rejects.toThrow();
  await end();
  await returns.note(issuer, 'submitted', { state: 'sent', code: null });
  expect((await waiting()).map(({ next_at }) => next_at.getTime() <= time)).toEqual([true, true, true]);
});

test('a message that is taken is settled though nothing else can be let go', async () => {
  await share(3);
  await tried(3, 'http-503');
  await waitLong('http-503');
  const end = await refuseChange("old.last_code = 'http-503'");
  time += PAUSE;
  [answer, posts] = [taking, 0];
  await share(1);
  delivery.wake();
  await eventually('the new one is settled', async () => posts === 1 && (await waiting()).length === 3);
  await end();
});

test('a pump that ends by a failure leaves nothing of its own under way', async () => {
  answer = taking;
  const go = Promise.withResolvers<void>();
  held = go.promise;
  await share(1);
  delivery.wake();
  await eventually('it is posted', async () => posts === 1);
  const end = await refuseChange('old.lease is null');
  await share(1);
  delivery.wake();
  await eventually('the claim failed', async () => node.logged().includes('delivery.failed'));
  const stopped = delivery.stop(5000);
  go.resolve();
  await stopped;
  await end();
  expect(posts).toBe(1);
  const { rows } = await sql<{
    state: string;
  }>`select state from delivery where partner = ${issuer} order by position`.execute(node.exchange.store.db);
  expect(rows.map(({ state }) => state)).toEqual(['sent', 'queued']);
});

// The last one: its positions are nobody's.
test('more than one step holds is let go in one go', async () => {
  const { db } = node.exchange.store;
  await share(1);
  await tried(1, 'http-503');
  await waitLong('http-503');
  const { rows } = await sql<{ column_name: string }>`select column_name from information_schema.columns
    where table_name = 'delivery' and is_generated = 'NEVER'`.execute(db);
  const own: Record<string, string> = {
    id: 'gen_random_uuid()',
    jti: "'copy-' || k",
    position: 'position + k',
    ...{ n: 'null', epoch: 'null', reference_id: 'null', originator: 'null', revision: 'null' },
  };
  const names = rows.map((row) => row.column_name);
  await sql`insert into delivery (${sql.raw(names.join(', '))})
    select ${sql.raw(names.map((name) => own[name] ?? name).join(', '))} from delivery, generate_series(1, 2100) k
    where partner = ${issuer} and state = 'queued'`.execute(db);
  expect(await waiting()).toHaveLength(2101);
  await createReturns(node.exchange).note(issuer, 'submitted', { state: 'sent', code: null });
  expect((await waiting()).filter(({ next_at }) => next_at.getTime() > time)).toEqual([]);
});
