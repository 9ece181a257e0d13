import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, inject, test } from 'vitest';
import { type FaultyNetwork, faultyNetwork } from '../support/faulty-network.ts';
import { storm } from '../support/faulty-nodes.ts';
import { judge, outstanding } from '../support/invariants.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, type TestNode, testNode } from '../support/node.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { seedOfRun } from '../support/seeded.ts';
import { type ServedNode, servedNode } from '../support/served-node.ts';

// Real processes that are killed while the network between them breaks by a seed (CASEREF_TEST_SEED). Messages are encrypted:
// the gates see where they go and not who sends them. Instead of waiting for the pauses of a killed process's work, its stored
// times are moved while it is dead. CASEREF_FAULTY=10 makes it ten times as long.

const scale = Number(process.env.CASEREF_FAULTY ?? 1);
const long = { timeout: 90_000 * Math.max(1, scale) };

const ends: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function database(): Promise<FreshDatabase> {
  const fresh = await freshDatabase(inject('postgresUrl'));
  ends.push(fresh.drop);
  return fresh;
}

interface Pair {
  readonly network: FaultyNetwork;
  readonly sender: ServedNode;
  readonly receiver: ServedNode;
  readonly token: string;
}

/** Makes two nodes that know each other, and starts them as processes. */
async function pair(stores: readonly ('postgres' | 'embedded')[]): Promise<Pair> {
  const network = faultyNetwork(seedOfRun());
  ends.push(network.close);
  const made: TestNode[] = [];
  for (const [at, store] of stores.entries()) {
    const gate = await network.gate();
    const url = store === 'postgres' ? (await database()).url : undefined;
    const node = await testNode({ name: `Hotline ${at + 1}`, issuer: gate.issuer, ...(url && { database: url }) });
    ends.push(node.remove);
    gate.leadsTo(node.running.addresses.peer);
    made.push(node);
  }
  const [one, other] = made as [TestNode, TestNode];
  await befriendNode(one, other);
  await befriendNode(other, one);
  const { token } = await one.ask('client.create', { name: 'load', scopes: ['references:write', 'references:read'] });
  await Promise.all(made.map((node) => node.stop()));
  const [sender, receiver] = [servedNode(one), servedNode(other)];
  ends.push(() => Promise.all([sender.kill(), receiver.kill()]));
  await Promise.all([sender.start(), receiver.start()]);
  return { network, sender, receiver, token };
}

/** Submits until the node has said 201; a lost answer is asked for again under the same key. */
async function submit({ sender, token }: Pair, n: number): Promise<string> {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'idempotency-key': `faulty-${n}`,
  };
  for (;;) {
    const answer = await fetch(`${sender.api}/v1/references`, {
      method: 'POST',
      headers,
      body: JSON.stringify(inventedReference(n)),
    }).catch(() => undefined);
    if (answer?.status === 201) return ((await answer.json()) as { reference: { id: string } }).reference.id;
    await answer?.body?.cancel();
    await pause(30);
  }
}

async function crash(...nodes: readonly ServedNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill()));
  await Promise.all(nodes.map((node) => node.letTimePass()));
  await Promise.all(nodes.map((node) => node.start()));
}

/** Submits with several callers at once, and kills what is named each time so many have been answered. */
async function loadWith(
  nodes: Pair,
  count: number,
  crashes: ReadonlyMap<number, readonly ServedNode[]>,
): Promise<string[]> {
  const ids: string[] = [];
  const restarts: Promise<void>[] = [];
  let begun = 0;
  const caller = async () => {
    while (begun < count) {
      ids.push(await submit(nodes, begun++));
      const hit = crashes.get(ids.length);
      if (hit) restarts.push(Promise.all(restarts).then(() => crash(...hit)));
    }
  };
  await Promise.all(Array.from({ length: 8 }, caller));
  await Promise.all(restarts);
  expect(restarts).toHaveLength(crashes.size);
  return ids;
}

/** How often in a row nothing has to move, and how long a look waits. */
const STILL = 12;
const LOOK_MS = 250;

/** Lets the time of the node on PostgreSQL pass while both run, until it has nothing under way or nothing moves any more. */
async function calm(node: ServedNode): Promise<void> {
  let before = -1;
  for (let still = 0; still < STILL; still += 1) {
    await node.letTimePass();
    await pause(LOOK_MS);
    const left = outstanding([await node.facts()]).length;
    if (left === 0) return;
    if (left !== before) still = 0;
    before = left;
  }
}

/** Kills both, lets their pauses pass, starts them again, until nothing is under way; gives the facts of both at rest. */
async function rest({ sender, receiver }: Pair, readable: ServedNode) {
  const nodes = [sender, receiver];
  for (let round = 0; round < 10; round += 1) {
    await calm(readable);
    await Promise.all(nodes.map((node) => node.kill()));
    const facts = await Promise.all(nodes.map((node) => node.facts()));
    if (outstanding(facts).length === 0) return facts;
    await crash(...nodes);
  }
  throw new Error(`seed ${seedOfRun()}: it never came to rest`);
}

// The other way round in long runs only: starting processes takes most of the time.
const pairs = [
  ['PostgreSQL', 'the embedded store', ['postgres', 'embedded']],
  ['the embedded store', 'PostgreSQL', ['embedded', 'postgres']],
] as const;

test.each(pairs.slice(0, scale > 1 ? 2 : 1))(
  'a sender on %s and a receiver on %s, killed in turn and together, lose nothing',
  long,
  async (_one, _other, stores) => {
    const nodes = await pair(stores);
    const { network, sender, receiver } = nodes;
    network.set({ ...storm, hanging: 0 });
    const count = 120 * scale;
    const at = (part: number) => Math.round(count * part);
    const crashes = new Map([
      [at(0.25), [sender]],
      [at(0.5), [receiver]],
      [at(0.75), [sender, receiver]],
    ]);
    const ids = await loadWith(nodes, count, crashes);
    expect(new Set(ids).size).toBe(count);
    network.heal();
    const facts = await rest(nodes, stores[0] === 'postgres' ? sender : receiver);
    expect(judge(facts, { atRest: true, answered: new Map([[sender.issuer, ids]]) })).toEqual([]);
    const [, there] = facts;
    expect(there?.references.filter(({ direction }) => direction === 'in')).toHaveLength(count);
  },
);
