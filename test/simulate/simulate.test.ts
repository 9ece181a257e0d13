import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Snapshot } from '../../src/exchange/directory.ts';
import { freshDatabase, type RunningPostgres, startPostgres } from '../support/postgres.ts';
import type { LivingNode } from './node.ts';
import type { Sabotage } from './play.ts';
import { simulate } from './simulation.ts';
import { createWorld, type World } from './world.ts';

// A few small seeds of what `npm run simulate` runs by the thousand, and the proof that it can fail.

vi.setConfig({ testTimeout: 60_000 });

const small = { hours: 8, messages: 30, faults: 'many' } as const;

// A server of its own: in which order rows are found depends on whatever else runs in one.
let server: RunningPostgres;
let world: World;
beforeAll(async () => {
  server = await startPostgres();
  const database = await freshDatabase(server.url);
  world = await createWorld(database.url, 4);
});
afterAll(async () => {
  await world.close();
  await server.stop();
});

describe('a network of nodes that die at commits, on lines that lose, delay and repeat', () => {
  test.each([1, 2])('keeps every promise once it is healed: seed %i', async (seed) => {
    const { violations, received, crashes } = await simulate(world, { seed, ...small });
    expect(violations).toEqual([]);
    expect(received).toBeGreaterThan(20);
    expect(crashes).toBeGreaterThan(0);
  });

  test('goes the same way again from the same seed, and another way from another', async () => {
    const options = { ...small, hours: 4 };
    const once = await simulate(world, { seed: 4, ...options });
    const other = await simulate(world, { seed: 5, ...options });
    const again = await simulate(world, { seed: 4, ...options });
    expect(again.hash).toBe(once.hash);
    expect(other.hash).not.toBe(once.hash);
  });
});

/** Says 202 to what it never stored, now and then. */
function forgets(node: LivingNode): LivingNode {
  let pushes = 0;
  const push: LivingNode['face']['push'] = async (token) => {
    pushes += 1;
    return pushes % 7 === 0 ? { status: 'accepted' } : node.face.push(token);
  };
  return { ...node, face: { ...node.face, push } };
}

/** Takes a suspended partner for an active one. */
function overlooksSuspensions(node: LivingNode): LivingNode {
  const { directory } = node.exchange;
  const blind = ({ partners, ...rest }: Snapshot): Snapshot => ({
    ...rest,
    partners: new Map([...partners].map(([issuer, entry]) => [issuer, { ...entry, state: 'active' }])),
  });
  Object.assign(node.exchange, {
    directory: {
      current: async () => blind(await directory.current()),
      within: async (trx: Parameters<typeof directory.within>[0]) => blind(await directory.within(trx)),
    },
  });
  return node;
}

const kind = { hours: 12, messages: 80, faults: 'none' } as const;

async function brokenBy(sabotage: Sabotage | undefined, seed: number): Promise<string[]> {
  const { violations } = await simulate(world, { seed, ...kind, ...(sabotage && { sabotage }) });
  return violations.map(({ rule }) => rule);
}

describe('a defect that was planted', () => {
  test('in nobody breaks nothing', async () => {
    expect(await brokenBy(undefined, 1)).toEqual([]);
  });

  test('a node that answers 202 before anything is durable is found out in the same step', async () => {
    expect(await brokenBy({ node: forgets }, 1)).toContain('what was answered 202 is durable');
  });

  test('a node that sends to a suspended partner is found out as the message leaves', async () => {
    expect(await brokenBy({ node: overlooksSuspensions }, 1)).toContain('nothing leaves for a suspended partner');
  });
});
