import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { openStore, type Store } from '../../src/store/open.ts';
import { type DoubledNode, doubledNode } from '../support/doubled-node.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, type TestNode, testNode } from '../support/node.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

// Sender and receiver in two real processes each, on one PostgreSQL each, under load, while any of the four is killed at any
// moment and their databases end all connections. CASEREF_PROCESSES_MESSAGES and CASEREF_PROCESSES_KILLS ask for more than the suite has time for,
// CASEREF_PROCESSES_SEED for another choice of victims and moments.

const COUNT = Number(process.env.CASEREF_PROCESSES_MESSAGES ?? 250);
const KILLS = Number(process.env.CASEREF_PROCESSES_KILLS ?? 3);
const SEED = Number(process.env.CASEREF_PROCESSES_SEED ?? 121_046);
const IN_FLIGHT = 16;
/** Every so many references one is revised as soon as it is shared: what is about it must come in this order. */
const REVISED = 4;

let databases: FreshDatabase[];
let nodes: readonly [TestNode, TestNode];
let doubled: readonly [DoubledNode, DoubledNode];
let stores: readonly [Store, Store];
let token: string;

const place = ({ issuer, directory }: TestNode) => ({ issuer, directory });

async function storeOf({ url }: FreshDatabase): Promise<Store> {
  const store = await openStore({ kind: 'postgres', url, schema: 'caseref' });
  if (isRefusal(store)) throw new Error(store.message);
  return store;
}

beforeAll(async () => {
  databases = [await freshDatabase(inject('postgresUrl')), await freshDatabase(inject('postgresUrl'))];
  const [one, other] = databases as [FreshDatabase, FreshDatabase];
  nodes = [
    await testNode({ name: 'Sender', database: one.url }),
    await testNode({ name: 'Receiver', jurisdictions: ['NL'], database: other.url }),
  ];
  await befriendNode(nodes[0], nodes[1]);
  await befriendNode(nodes[1], nodes[0]);
  const scopes = ['references:write', 'references:read'];
  token = (await nodes[0].ask('client.create', { name: 'load', scopes })).token;
  await Promise.all(nodes.map((node) => node.stop()));
  doubled = [
    await doubledNode({ ...place(nodes[0]), database: one.url }),
    await doubledNode({ ...place(nodes[1]), database: other.url }),
  ];
  stores = [await storeOf(one), await storeOf(other)];
  await Promise.all(doubled.flatMap(({ twins }) => twins.map((twin) => twin.start())));
}, 240_000);

afterAll(async () => {
  await Promise.all(doubled?.map((one) => one.close()) ?? []);
  await Promise.all(stores?.map((store) => store.close()) ?? []);
  await Promise.all(nodes?.map((node) => node.remove()) ?? []);
  for (const database of databases ?? []) await database.drop();
});

/** Mulberry32: small, and the same numbers for the same seed everywhere. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Asks either process until one has answered with what was wanted; a lost answer is asked for again. */
async function insist(
  path: string,
  init: RequestInit & { readonly headers: Record<string, string> },
  wanted: readonly number[],
  turn: number,
): Promise<{ readonly status: number; readonly body: { reference: { id: string } } }> {
  for (let at = turn; ; at += 1) {
    const { api } = doubled[0].twins[at % 2 === 0 ? 0 : 1];
    try {
      const answer = await fetch(`${api}${path}`, { ...init, signal: AbortSignal.timeout(10_000) });
      const body = (await answer.json()) as { reference: { id: string } };
      if (wanted.includes(answer.status)) return { status: answer.status, body };
    } catch {
      // That process is down: that is the point.
    }
    await pause(50);
  }
}

const headers = (more: Record<string, string>) => ({
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
  ...more,
});

/** Shares one reference through either process, and revises some of them at once through the other. */
async function submit(n: number): Promise<{ readonly id: string; readonly revised: boolean }> {
  const reference = inventedReference(n);
  const body = JSON.stringify(reference);
  const key = headers({ 'idempotency-key': `process-${SEED}-${n}` });
  const shared = await insist('/v1/references', { method: 'POST', headers: key, body }, [201], n);
  const { id } = shared.body.reference;
  if (n % REVISED !== 0) return { id, revised: false };
  const again = JSON.stringify({ ...reference, category: 'grooming' });
  // 412: it was taken, and the answer was lost.
  const put = { method: 'PUT', headers: headers({ 'if-match': '"1"' }), body: again };
  await insist(`/v1/references/${id}`, put, [200, 412], n + 1);
  return { id, revised: true };
}

/** Kills one process or both of a node at a moment of its own and starts it again at another; then cuts off a database. */
async function trouble(random: () => number, isOver: () => boolean): Promise<void> {
  for (let kill = 0; kill < KILLS && !isOver(); kill += 1) {
    await pause(200 + random() * 1200);
    const { twins } = doubled[Math.floor(random() * 2)] as DoubledNode;
    const victims = random() < 0.25 ? twins : [twins[random() < 0.5 ? 0 : 1]];
    await Promise.all(victims.map((twin) => twin.kill()));
    await pause(random() * 500);
    await Promise.all(victims.map((twin) => twin.start()));
    await cut(stores[kill % 2] as Store);
  }
}

/** Ends every connection to a database at once but the one that asks for it, as a fail-over does. */
async function cut(store: Store): Promise<void> {
  await rowsOf(
    store,
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  );
}

async function rowsOf<Row>(store: Store, text: string): Promise<Row[]> {
  return (await sql.raw<Row>(text).execute(store.db)).rows;
}

async function untilReceipted(): Promise<void> {
  const left = `select count(*)::int as n from delivery where state = 'queued'
    or state = 'sent' and event not in ('receipt', 'voided')`;
  let before = Number.POSITIVE_INFINITY;
  for (let quiet = 0; quiet < 300; quiet += 1) {
    const n = (await rowsOf<{ n: number }>(stores[0], left))[0]?.n ?? 0;
    if (n === 0) return;
    // As long as it becomes less: a killed process leaves leases of half a minute behind.
    if (n < before) quiet = 0;
    before = Math.min(before, n);
    await pause(200);
  }
  throw new Error(`${before} messages have no receipt`);
}

/** Messages that came after one of a higher number about the same reference. */
function disordered(receiver: (typeof stores)[number]): Promise<{ jti: string }[]> {
  return rowsOf(
    receiver,
    `select a.jti from message a join message b
       on b.issuer = a.issuer and b.reference_id = a.reference_id and b.n > a.n and b.received_at < a.received_at
     where a.event in ('urn:caseref:event:1:submitted', 'urn:caseref:event:1:revised')
       and b.event in ('urn:caseref:event:1:submitted', 'urn:caseref:event:1:revised')`,
  );
}

test(`two processes a node, killed at random: nothing lost, nothing twice, in order (seed ${SEED})`, async () => {
  const random = chance(SEED);
  const made: { id: string; revised: boolean }[] = [];
  let begun = 0;
  const worker = async () => {
    while (begun < COUNT) made.push(await submit(begun++));
  };
  const troubled = trouble(random, () => made.length >= COUNT);
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  await troubled;
  await untilReceipted();

  const [sender, receiver] = stores;
  const ids = made.map(({ id }) => id).sort();
  expect(new Set(ids).size).toBe(COUNT);
  // Everything that was answered with 201 is there, once, at its last revision.
  const arrived = await rowsOf<{ id: string; revision: number }>(
    receiver,
    `select id, revision from reference where direction = 'in' order by id::text`,
  );
  const expected = made.map(({ id, revised }) => ({ id, revision: revised ? 2 : 1 }));
  expect(arrived).toEqual(expected.sort((a, b) => (a.id < b.id ? -1 : 1)));
  const entered = await rowsOf(
    receiver,
    `select reference_id from event where type = 'reference.received' group by reference_id having count(*) > 1`,
  );
  expect(entered).toEqual([]);
  // Each message was signed once and receipted once, under one number, and no number is missing or given twice.
  const outbox = await rowsOf<{ n: number; jti: string; state: string; outcome: string | null; event: string }>(
    sender,
    `select n, jti, state, outcome, event from delivery where n is not null order by n`,
  );
  expect(outbox.map(({ n }) => n)).toEqual(Array.from({ length: outbox.length }, (_, index) => index + 1));
  // A submission that its revision overtook is none, even where a killed process could not note that it had left: its
  // number is told as voided.
  const numbers = await rowsOf<{ n: number }>(
    receiver,
    `select n from message where n is not null
     union select generate_series(first, last) from voided_run order by n`,
  );
  expect(numbers.map(({ n }) => n)).toEqual(outbox.map(({ n }) => n));
  const messages = outbox.filter(({ event, state }) => /submitted|revised/.test(event) && state !== 'dropped');
  expect(messages.filter(({ state, outcome }) => state !== 'receipted' || outcome !== 'accepted')).toEqual([]);
  const settled = await rowsOf<{ jti: string; n: number }>(
    sender,
    `select jti, count(*)::int as n from event where type = 'delivery.receipted' group by jti`,
  );
  expect(settled.filter(({ n }) => n !== 1)).toEqual([]);
  expect(new Set(settled.map(({ jti }) => jti))).toEqual(new Set(messages.map(({ jti }) => jti)));
  const receipts = await rowsOf(
    receiver,
    `select answers from delivery where event = 'receipt' group by answers having count(*) > 1`,
  );
  expect(receipts).toEqual([]);
  expect(await disordered(receiver)).toEqual([]);
  const both = await rowsOf<{ jti: string }>(
    receiver,
    `select jti from message where event like '%:submitted' or event like '%:revised'`,
  );
  const told = new Set(outbox.map(({ jti }) => jti));
  expect(both.filter(({ jti }) => !told.has(jti))).toEqual([]);
}, 600_000);

test('both processes of both nodes end by SIGTERM with exit code 0', async () => {
  const twins = doubled.flatMap((one) => one.twins);
  for (const twin of twins) twin.signal('SIGTERM');
  expect(await Promise.all(twins.map((twin) => twin.ended()))).toEqual([0, 0, 0, 0]);
}, 60_000);
