import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { faults, type Passage } from '../support/faulty-network.ts';
import { type FaultyNodes, faultyNodes, keepBusy, storm } from '../support/faulty-nodes.ts';
import { outstanding } from '../support/invariants.ts';
import { inventedReference } from '../support/invented.ts';
import { eventually, type TestNode } from '../support/node.ts';
import { seedOfRun } from '../support/seeded.ts';

// Real nodes, real HTTP, and a network in between that breaks by a seed (CASEREF_TEST_SEED, printed with what fails). Small
// here; CASEREF_FAULTY=20 makes every scenario twenty times as long.

const scale = Number(process.env.CASEREF_FAULTY ?? 1);
const long = { timeout: 40_000 * Math.max(1, scale) };
const HOUR = 3_600_000;

// Few nodes meet every fault, many meet the faults that concern them all; what happened before stays in their stores, and is
// judged again.
let few: FaultyNodes;
let many: FaultyNodes;
beforeAll(async () => {
  const start = (count: number) =>
    faultyNodes(
      seedOfRun(),
      inject('postgresUrl'),
      Array.from({ length: count }, () => ({})),
    );
  few = await start(3);
  many = await start(8);
}, 120_000);
afterAll(async () => {
  await few?.close();
  await many?.close();
});

const nodeAt = ({ nodes }: FaultyNodes, at: number): TestNode => {
  const node = nodes[at];
  if (!node) throw new Error(`there is no node ${at}`);
  return node;
};

test(
  'three nodes under every fault at once lose nothing, do nothing twice, and agree once it is over',
  long,
  async () => {
    const nodes = few;
    nodes.network.set(storm);
    const { answered } = await keepBusy(nodes, { steps: 150 * scale });
    const met = new Set(nodes.network.passages.flatMap(({ fault }) => fault ?? []));
    expect([...faults].filter((fault) => !met.has(fault))).toEqual([]);
    nodes.network.heal();
    await nodes.settle();
    expect(await nodes.breaches(answered)).toEqual([]);
  },
);

test(
  'eight nodes that fall into two halves go on inside each half, and agree once the halves meet again',
  long,
  async () => {
    const nodes = many;
    const issuers = nodes.nodes.map(({ issuer }) => issuer);
    const halves = [issuers.slice(0, 4), issuers.slice(4)];
    const isWithin = (from: string, to: string) => halves.some((half) => half.includes(from) && half.includes(to));
    let parted = 0;
    const { answered } = await keepBusy(nodes, {
      steps: 36 * scale,
      meanwhile: (step) => {
        if (step !== 12 * scale) return;
        nodes.network.part(halves);
        parted = nodes.network.passages.length;
      },
    });
    await eventually('each half is at rest by itself', async () => {
      nodes.jump(1000);
      const facts = await nodes.facts();
      const inside = facts.map((one) => ({
        ...one,
        deliveries: one.deliveries.filter(({ partner }) => isWithin(one.issuer, partner)),
      }));
      return outstanding(inside).length === 0;
    });
    const crossed = nodes.network.passages.slice(parted).filter(({ from, to }) => !isWithin(from, to));
    expect(crossed.length).toBeGreaterThan(0);
    expect(crossed.filter(({ fault }) => fault !== 'cut')).toEqual([]);
    expect(outstanding(await nodes.facts())).not.toEqual([]);
    nodes.network.heal();
    await nodes.settle();
    expect(await nodes.breaches(answered)).toEqual([]);
  },
);

/** Where the receipts of each partner stand in the feed of a node. */
async function receiptsOf(node: TestNode, after: number): Promise<Map<string, number[]>> {
  const { db } = node.running.exchange.store;
  const rows = await db
    .selectFrom('event')
    .select(['partner', 'position'])
    .where('type', '=', 'delivery.receipted')
    .where('position', '>', after)
    .orderBy('position')
    .execute();
  const groups = Map.groupBy(rows, ({ partner }) => partner ?? '');
  return new Map([...groups].map(([partner, group]) => [partner, group.map(({ position }) => position)]));
}

test('a dead and a slow partner among seven keep nobody else waiting', long, async () => {
  const nodes = many;
  const sender = nodeAt(nodes, 0);
  const [dead, slow, ...well] = nodes.nodes.slice(1).map(({ issuer }) => issuer);
  if (dead === undefined || slow === undefined) throw new Error('there are seven partners');
  nodes.network.set({ dropped: 1 }, dead);
  nodes.network.hold(slow);
  const { position: start } = await sender.running.exchange.store.db
    .selectFrom('feed_counter')
    .select('position')
    .executeTakeFirstOrThrow();
  const first = nodes.network.passages.length;
  const ids: string[] = [];
  for (let n = 0; n < 40 * scale; n += 1) {
    const { reference } = await sender.ask('reference.submit', { reference: inventedReference(n) });
    ids.push(reference.id);
  }
  await eventually('the others have answered for everything', async () => {
    const receipts = await receiptsOf(sender, start);
    return well.every((partner) => receipts.get(partner)?.length === ids.length);
  });
  const before = await receiptsOf(sender, start);
  expect([before.get(dead), before.get(slow)]).toEqual([undefined, undefined]);
  const wanted = (to: string, fault: Passage['fault']) =>
    nodes.network.passages
      .slice(first)
      .filter((one) => one.to === to && one.from === sender.issuer && one.fault === fault).length;
  expect(wanted(dead, 'dropped')).toBeGreaterThan(0);
  expect(wanted(slow, 'held')).toBeGreaterThan(0);
  nodes.network.heal();
  await nodes.settle();
  expect((await receiptsOf(sender, start)).get(slow)).toHaveLength(ids.length);
  expect(await nodes.breaches(new Map([[sender.issuer, ids]]))).toEqual([]);
});

async function signingKey(node: TestNode): Promise<string> {
  const { keys } = await node.ask('keys.list', {});
  const active = keys.find(({ state, use }) => state === 'active' && use === 'sig');
  if (!active) throw new Error('no key signs');
  return active.kid;
}

test('a suspension, a rotation and a lost key in the middle of it change nothing of that', long, async () => {
  const nodes = few;
  const [first, second, third] = [0, 1, 2].map((at) => nodeAt(nodes, at)) as [TestNode, TestNode, TestNode];
  const acts: Readonly<Record<number, () => Promise<unknown>>> = {
    30: async () => {
      await first.ask('partner.suspend', { issuer: second.issuer, reason: 'its node is examined' });
      // What was under way may still arrive: the clock does not jump over that.
      await pause(700);
    },
    60: () => third.ask('keys.rotate', {}),
    75: async () => nodes.jump(4 * HOUR),
    80: () => first.ask('partner.resume', { issuer: second.issuer }),
    100: async () => {
      const kid = await signingKey(third);
      const since = new Date(third.running.exchange.clock() - HOUR / 60).toISOString();
      await third.ask('keys.revoke', { kid, reason: 'compromised', since });
    },
    120: () => second.ask('partner.suspend', { all: true, reason: 'our own node is examined' }).then(() => pause(700)),
    135: async () => {
      await second.ask('partner.resume', { issuer: first.issuer });
      await second.ask('partner.resume', { issuer: third.issuer });
    },
  };
  nodes.network.set(storm);
  const { answered } = await keepBusy(nodes, {
    steps: 150 * scale,
    meanwhile: async (step) => void (await acts[step]?.()),
  });
  nodes.network.heal();
  await nodes.settle();
  expect(await nodes.breaches(answered)).toEqual([]);
});

test('what arrived behind the answer of somebody else is taken back once it may not be there', long, async () => {
  const [first, second] = [nodeAt(few, 0), nodeAt(few, 1)];
  const { db } = first.running.exchange.store;
  // Receipts would tell the truth: they wait.
  few.network.hold(first.issuer);
  few.network.set({ garbage: 1 }, second.issuer);
  const ids: string[] = [];
  for (let n = 5000; n < 5030; n += 1) {
    const { reference } = await first.ask('reference.submit', { reference: inventedReference(n) });
    ids.push(reference.id);
  }
  await eventually('each has met a wrong answer', async () => {
    few.jump(60_000);
    const rows = await db
      .selectFrom('delivery')
      .select('last_code')
      .where('partner', '=', second.issuer)
      .where('reference_id', 'in', ids)
      .execute();
    return rows.length === ids.length && rows.every(({ last_code }) => last_code !== null);
  });
  const { document } = await db
    .selectFrom('policy')
    .select('document')
    .where('partner', '=', second.issuer)
    .where('state', '=', 'active')
    .executeTakeFirstOrThrow();
  const { version: _version, ...before } = document;
  await first.ask('policy.set', {
    issuer: second.issuer,
    document: { ...before, send: { ...before.send, rules: [] } },
  });
  await eventually('all of it is decided again', async () => {
    few.jump(60_000);
    const waits = await db
      .selectFrom('delivery')
      .select('id')
      .where('partner', '=', second.issuer)
      .where('reference_id', 'in', ids)
      .where('event', '=', 'submitted')
      .where('state', '=', 'queued')
      .execute();
    return waits.length === 0;
  });
  few.network.heal();
  await few.settle();
  expect(await few.breaches(new Map([[first.issuer, ids]]))).toEqual([]);
});
