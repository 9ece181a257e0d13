import { setTimeout as pause } from 'node:timers/promises';
import { isRefusal } from '../../src/domain/refusal.ts';
import { purgeDue } from '../../src/exchange/purge.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { openReadyStore } from '../../src/store/ready.ts';
import { type FaultyNetwork, faultyNetwork, type Weather } from './faulty-network.ts';
import { findBreaches, outstanding } from './invariants.ts';
import { inventedReference } from './invented.ts';
import { introduce, openPolicy, type TestNode, type TestNodeSettings, testNode } from './node.ts';
import { type FreshDatabase, freshDatabase } from './postgres.ts';
import { type Seeded, seeded } from './seeded.ts';
import { readFacts, type StoredFacts } from './stored-facts.ts';

// Real nodes behind a faulty network. They share one clock that is moved in jumps, so that pauses of an hour take none; what
// takes time below the node (a post that waits for its answer, the delay of a packet) takes it.

export interface NodeWish extends Pick<TestNodeSettings, 'pollOnly'> {
  readonly store?: 'embedded';
}

export interface FaultyNodes {
  readonly network: FaultyNetwork;
  readonly nodes: readonly TestNode[];
  readonly chance: Seeded;
  readonly seed: number;
  /** Moves the clock of every node, and wakes them. */
  jump(ms: number): void;
  facts(): Promise<StoredFacts[]>;
  /** Lets time pass in steps of at most half a day, or of `mostMs`, until nothing is under way; fails with what still is. */
  settle(mostMs?: number): Promise<void>;
  /** What does not hold, with the seed where anything does not. */
  breaches(answered: ReadonlyMap<string, readonly string[]>): Promise<string[]>;
  close(): Promise<void>;
}

/** Makes nodes that all know each other; `postgresUrl` is the server that those live on which do not ask for the embedded store. */
export async function faultyNodes(
  seed: number,
  postgresUrl: string,
  wishes: readonly NodeWish[],
): Promise<FaultyNodes> {
  let ahead = 0;
  const clock = () => Date.now() + ahead;
  const network = faultyNetwork(seed, clock);
  const databases: FreshDatabase[] = [];
  const nodes: TestNode[] = [];
  const template = await migrated(postgresUrl);
  databases.push(template);
  for (const [at, { store, pollOnly }] of wishes.entries()) {
    const gate = await network.gate();
    const database = store === 'embedded' ? undefined : await freshDatabase(postgresUrl, nameOf(template));
    if (database) databases.push(database);
    const given = { name: `Hotline ${at + 1}`, issuer: gate.issuer, clock, ...(pollOnly && { pollOnly }) };
    const node = await testNode({ ...given, ...(database && { database: database.url }) });
    gate.leadsTo(node.running.addresses.peer);
    nodes.push(node);
  }
  await Promise.all(nodes.map((node) => befriendAll(node, nodes)));
  const all = () => nodes.map((node) => ({ issuer: node.issuer, db: node.running.exchange.store.db }));
  const facts = () => Promise.all(all().map(readFacts));
  const jump = (ms: number) => {
    ahead += ms;
    for (const { running } of nodes) running.exchange.wake.outbox();
  };
  return {
    network,
    nodes,
    seed,
    chance: seeded(seed, 'load'),
    jump,
    facts,
    settle: (mostMs = HALF_DAY) => settle(nodes, facts, jump, mostMs),
    async breaches(answered) {
      const dead = (await facts()).flatMap(({ issuer, deliveries }) =>
        deliveries
          .filter(({ state }) => state === 'dead')
          .map(({ event, jti, code }) => `${issuer} gave up ${event} ${jti}: ${code}`),
      );
      const found = [...dead, ...(await findBreaches(all(), { atRest: true, answered }))];
      return found.length === 0 ? [] : [`seed ${seed}`, ...found];
    },
    async close() {
      await network.close();
      await Promise.all(nodes.map((node) => node.remove()));
      await Promise.all(databases.map((one) => one.drop()));
    },
  };
}

/** A database to copy from: the migrations are paid once for all the nodes. */
async function migrated(postgresUrl: string): Promise<FreshDatabase> {
  const template = await freshDatabase(postgresUrl);
  const store = await openReadyStore({ kind: 'postgres', url: template.url, schema: 'caseref' });
  if (isRefusal(store)) throw new Error(`no template: ${store.message}`);
  await store.close();
  return template;
}

const nameOf = ({ url }: FreshDatabase): string => new URL(url).pathname.slice(1);

/** Everything may go, readable for the gates, and as many withdrawals as there are. */
function policyOf(issuer: string): Record<string, unknown> {
  const open = openPolicy(issuer) as { receive: object };
  return { ...open, receive: { ...open.receive, withdrawalsPerHour: 1000 }, security: { encryption: 'none' } };
}

async function befriendAll(node: TestNode, nodes: readonly TestNode[]): Promise<void> {
  const isPoller = (one: TestNode) => one.options.settings.pollOnly === true;
  for (const partner of nodes) {
    if (partner === node || (isPoller(partner) && isPoller(node))) continue;
    const { fingerprint } = await introduce(node, partner);
    await node.ask('partner.confirm', { issuer: partner.issuer, fingerprint });
    await node.ask('policy.set', { issuer: partner.issuer, document: policyOf(partner.issuer) });
  }
}

const MINUTE = 60_000;
const HALF_DAY = 12 * 60 * MINUTE;
const ROUNDS = 200;

async function settle(
  nodes: readonly TestNode[],
  facts: () => Promise<StoredFacts[]>,
  jump: (ms: number) => void,
  mostMs: number,
): Promise<void> {
  let left: string[] = [];
  let step = Math.min(MINUTE, mostMs);
  for (let round = 0; round < ROUNDS; round += 1) {
    await Promise.all(nodes.map(({ running }) => purgeDue(running.exchange)));
    const before = left.length;
    left = outstanding(await facts());
    if (left.length === 0) return;
    // While something moves, only real time is waited for; what waits for a later hour gets it.
    if (left.length === before) {
      jump(step);
      step = Math.min(step * 2, mostMs);
    } else step = Math.min(MINUTE, mostMs);
    await pause(100);
  }
  throw new Error(`it never came to rest: ${left.slice(0, 20).join('; ')}`);
}

/** What a node was told and said while it was busy. */
export interface Work {
  /** References that a node answered, by issuer. */
  readonly answered: Map<string, string[]>;
  steps: number;
}

interface Own {
  readonly node: TestNode;
  readonly id: string;
  readonly n: number;
  revision: number;
}

/**
 * Submits, revises and withdraws at all nodes in turn, as drawn from the seed, and lets time pass in between; `meanwhile` is
 * called before each step with its number.
 */
export async function keepBusy(
  { nodes, chance, jump }: Pick<FaultyNodes, 'nodes' | 'chance' | 'jump'>,
  { steps, meanwhile }: { readonly steps: number; readonly meanwhile?: (step: number) => Promise<void> | void },
): Promise<Work> {
  const work: Work = { answered: new Map(nodes.map(({ issuer }) => [issuer, []])), steps: 0 };
  const own: Own[] = [];
  for (let step = 0; step < steps; step += 1) {
    await meanwhile?.(step);
    const drawn = chance.fraction();
    const one = own.length > 0 ? chance.pick(own) : undefined;
    if (!one || drawn < 0.6) own.push(await submit(chance.pick(nodes), step, work));
    else if (drawn < 0.85) await revise(one, step);
    else {
      own.splice(own.indexOf(one), 1);
      await withdraw(one, chance);
    }
    work.steps += 1;
    if (chance.fraction() < 0.2) jump(chance.below(20_000));
    if (chance.fraction() < 0.5) await pause(chance.below(20));
  }
  return work;
}

async function submit(node: TestNode, n: number, { answered }: Work): Promise<Own> {
  const { reference } = await node.ask('reference.submit', { reference: inventedReference(n) });
  answered.get(node.issuer)?.push(reference.id);
  return { node, id: reference.id, n, revision: 1 };
}

async function revise(one: Own, step: number): Promise<void> {
  const observedAt = new Date(Date.parse('2026-11-20T10:00:00Z') + 1000 * step).toISOString().replace('.000Z', 'Z');
  const answer = await createRevise(one.node.running.exchange)(one.id, one.revision, {
    ...inventedReference(one.n),
    observedAt,
  });
  if (Array.isArray(answer)) throw new Error(`a revision was refused: ${answer.map(({ code }) => code).join(', ')}`);
  one.revision += 1;
}

async function withdraw({ node, id }: Own, chance: Seeded): Promise<void> {
  const reason = chance.pick(['sent-in-error', 'legal', 'wrong-assessment']);
  await node.ask('reference.withdraw', { id, reason, purge: chance.fraction() < 0.7 });
}

/** Something of everything. */
export const storm: Weather = {
  dropped: 0.08,
  lost: 0.08,
  delayed: 0.1,
  duplicated: 0.1,
  reordered: 0.1,
  hanging: 0.01,
  slow: 0.05,
  garbage: 0.07,
  busy: 0.03,
};
