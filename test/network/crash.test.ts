import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type CliNode, clientToken, introduce, makeNode } from '../support/cli-node.ts';
import { inventedReference } from '../support/invented.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

// CASEREF_CRASH_REFERENCES asks for more than the 800 that are under way here: 2000, say.
const COUNT = Number(process.env.CASEREF_CRASH_REFERENCES ?? 800);
const IN_FLIGHT = 32;

let sender: CliNode;
let receiver: CliNode;
let database: FreshDatabase;
const serving = new Map<CliNode, ChildProcess>();

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  sender = await makeNode({ name: 'Sender', type: 'hotline', jurisdiction: 'DE', database: database.url });
  receiver = await makeNode({ name: 'Receiver', type: 'hotline', jurisdiction: 'NL' });
  await introduce(sender, receiver);
}, 120_000);

afterAll(async () => {
  for (const child of serving.values()) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  await Promise.all([sender?.remove(), receiver?.remove()]);
  await database?.drop();
});

async function start(node: CliNode): Promise<void> {
  serving.set(node, await node.serve());
}

/** Ends a node as a power switch would, and starts it again. */
async function killAndRestart(node: CliNode): Promise<void> {
  const child = serving.get(node);
  child?.kill('SIGKILL');
  if (child) await once(child, 'exit');
  await start(node);
}

/** Submits until the node has said 201; a lost answer is asked for again under the same key. */
async function submit(token: string, n: number): Promise<string> {
  for (;;) {
    try {
      const answer = await fetch(`${sender.api}/v1/references`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': `crash-${n}`,
        },
        body: JSON.stringify(inventedReference(n)),
        signal: AbortSignal.timeout(10_000),
      });
      if (answer.status === 201) return ((await answer.json()) as { reference: { id: string } }).reference.id;
      await answer.body?.cancel();
    } catch {
      // The node is down: that is the point.
    }
    await pause(50);
  }
}

async function pages<Row>(node: CliNode, token: string, path: string): Promise<Row[]> {
  const rows: Row[] = [];
  let next: string | null = null;
  do {
    const cursor = next === null ? '' : `&cursor=${next}`;
    const answer = await fetch(`${node.api}${path}limit=500${cursor}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const page = (await answer.json()) as { items: Row[]; next: string | null };
    rows.push(...page.items);
    next = page.next;
  } while (next !== null);
  return rows;
}

async function receiptedMessages(token: string): Promise<string[]> {
  const jtis: string[] = [];
  let after = '';
  for (;;) {
    const answer = await fetch(`${sender.api}/v1/events?limit=500${after}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { items, next } = (await answer.json()) as { items: { type: string; jti: string }[]; next: string };
    if (items.length === 0) return jtis;
    jtis.push(...items.filter(({ type }) => type === 'delivery.receipted').map(({ jti }) => jti));
    after = `&after=${next}`;
  }
}

test(`${COUNT} references survive SIGKILL of the sender, then of the receiver: each receipted once, none lost, none twice`, async () => {
  const tokens = { sender: await clientToken(sender), receiver: await clientToken(receiver) };
  await Promise.all([start(sender), start(receiver)]);
  const ids: string[] = [];
  const crashes = new Map([
    [Math.floor(COUNT * 0.3), () => killAndRestart(sender)],
    [Math.floor(COUNT * 0.6), () => killAndRestart(receiver)],
  ]);
  let begun = 0;
  const restarts: Promise<void>[] = [];
  const worker = async () => {
    while (begun < COUNT) {
      const n = begun++;
      ids.push(await submit(tokens.sender, n));
      const crash = crashes.get(ids.length);
      if (crash) restarts.push(crash());
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  await Promise.all(restarts);
  expect(restarts).toHaveLength(2);
  expect(new Set(ids).size).toBe(COUNT);

  let receipted: string[] = [];
  for (let tries = 0; tries < 400 && receipted.length < COUNT; tries += 1) {
    receipted = await receiptedMessages(tokens.sender);
    if (receipted.length < COUNT) await pause(250);
  }
  expect(receipted).toHaveLength(COUNT);
  expect(new Set(receipted).size).toBe(COUNT);

  const arrived = await pages<{ id: string }>(receiver, tokens.receiver, '/v1/references?direction=in&');
  expect(arrived.map(({ id }) => id).sort()).toEqual([...ids].sort());
  const shared = await pages<{ id: string }>(sender, tokens.sender, '/v1/references?direction=out&');
  expect(shared.map(({ id }) => id).sort()).toEqual([...ids].sort());
}, 240_000);
