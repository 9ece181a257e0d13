import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { servedBy, type Twin } from '../support/doubled-node.ts';
import { policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { hangs, type MoodyPartner, meetMoody, moodyPartner, takes } from '../support/moody-partner.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import { meetAsPoller, sendPoll, signPoll } from '../support/polling.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

// How a node ends that is told to: what it has begun comes to its end within a limit, and nothing that it answered for is lost.

/** The node's own limit, and what a loaded machine may add to it. */
const LIMIT_MS = 10_000;
const SLACK_MS = 8000;

let database: FreshDatabase;
let node: TestNode;
let api: string;
let served: Twin;
let moody: MoodyPartner;
let polling: MoodyPartner;
let token: string;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  [moody, polling] = await Promise.all([moodyPartner(), moodyPartner()]);
  node = await testNode({ database: database.url });
  await meetMoody(moody, node, policyFor(moody.issuer));
  await meetAsPoller(polling.partner, node, policyFor(polling.issuer));
  const scopes = ['references:write', 'references:read'];
  token = (await node.ask('client.create', { name: 'load', scopes })).token;
  await node.stop();
  served = await servedBy(node.directory, database.url);
  api = served.api;
}, 120_000);
afterAll(async () => {
  await served?.kill();
  await Promise.all([moody?.close(), polling?.close()]);
  await node?.remove();
  await database?.drop();
});

const authorization = () => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });

async function submit(n: number): Promise<string> {
  const body = JSON.stringify(inventedReference(n));
  const answer = await fetch(`${api}/v1/references`, { method: 'POST', headers: authorization(), body });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { reference: { id: string } }).reference.id;
}

async function until(what: string, look: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (look()) return;
    await pause(50);
  }
  throw new Error(`it never came to this: ${what}`);
}

async function ended(told = performance.now()): Promise<{ code: number | null; took: number }> {
  const code = await served.ended();
  return { code, took: performance.now() - told };
}

/** A request whose body comes in two parts: it is accepted with the first one. */
function slowRequest(path: string, type: string, begin: string): { send(rest: string): void; answer: Promise<string> } {
  const { hostname, port } = new URL(api);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { ...authorization(), 'content-type': type };
  const call = request({ hostname, port, path, method: 'POST', headers }, (response) =>
    text(response).then((body) => resolve(`${response.statusCode} ${body}`), reject),
  );
  call.on('error', reject);
  call.write(begin);
  return { send: (rest) => call.end(rest), answer: promise };
}

const lineOf = (n: number) => `${JSON.stringify(inventedReference(n))}\n`;

test('SIGTERM: nothing more is claimed, what is accepted is answered, a long poll ends, and the limit holds for a partner that never answers', async () => {
  moody.mood = hangs;
  await served.start();
  const ids = [await submit(1), await submit(2)];
  await until('they are under way', () => moody.waiting === 2);
  const { body, headers } = signPoll(polling.issuer, polling.partner.operational, node.issuer, { body: '{}' });
  const first = await sendPoll(node.issuer, { body, headers });
  expect(first.status).toBe(200);
  const waits = sendPoll(
    node.issuer,
    signPoll(polling.issuer, polling.partner.operational, node.issuer, { body: '{}' }),
  );
  const batch = slowRequest('/v1/references:batch', 'application/x-ndjson', lineOf(500));
  const single = slowRequest('/v1/references', 'application/json', lineOf(502).slice(0, 20));
  await until('the first line is under way too', () => moody.waiting === 3);
  await pause(300);

  const told = performance.now();
  served.signal('SIGTERM');
  await pause(300);
  batch.send(lineOf(501));
  single.send(lineOf(502).slice(20));
  const [results = '', made = ''] = await Promise.all([batch.answer, single.answer]);
  // Each line has its answer; what was read after the signal is answered with 503 and is not kept.
  const lines = results
    .slice(4)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { status: number; id: string });
  expect(lines.map(({ status }) => status)).toEqual([201, 503]);
  expect(made.slice(0, 3)).toBe('201');
  ids.push(lines[0]?.id ?? '', (JSON.parse(made.slice(4)) as { reference: { id: string } }).reference.id);
  expect((await waits).status).toBe(200);
  const { code, took } = await ended(told);
  expect(code).toBe(0);
  expect(took).toBeLessThan(LIMIT_MS + SLACK_MS);
  // What came in after the signal waits: nothing was claimed for it.
  expect(moody.pushed).toHaveLength(3);

  const broken = new Map(moody.pushed.map(({ jti, compact }) => [jti, compact]));
  const before = moody.pushed.length;
  moody.mood = takes;
  await served.start();
  await until('all of it arrives', () => moody.taken.length === 4);
  const again = moody.pushed.slice(before);
  const subjects = again.map(({ claims }) => (claims.sub_id as { sub: string }).sub);
  expect(subjects.sort()).toEqual(ids.sort());
  for (const { jti, compact } of again) if (broken.has(jti)) expect(compact).toBe(broken.get(jti));
  expect(again.filter(({ jti }) => broken.has(jti))).toHaveLength(3);

  served.signal('SIGTERM');
  expect((await ended()).code).toBe(0);
}, 90_000);

test('a second signal ends it at once, and what was under way goes on at the next start', async () => {
  moody.mood = hangs;
  await served.start();
  const before = moody.pushed.length;
  const id = await submit(3);
  await until('it is under way', () => moody.pushed.length > before);
  served.signal('SIGTERM');
  await pause(300);
  const told = performance.now();
  served.signal('SIGINT');
  const { code, took } = await ended(told);
  expect(code).toBe(1);
  expect(took).toBeLessThan(LIMIT_MS / 2);

  moody.mood = takes;
  await node.restart();
  // It stays under the lease of the process that ended so for half a minute: here a person does not wait.
  const delivery = await eventually('it is still there', async () => {
    const { deliveries } = await node.ask('reference.show', { id });
    return deliveries.find(({ partner, state }) => partner === moody.issuer && state === 'queued');
  });
  expect(moody.taken).not.toContain(delivery.jti);
  await node.ask('delivery.retry', { id: delivery.id });
  await until('it arrives', () => moody.taken.includes(delivery.jti));
}, 90_000);
