import { afterEach, describe, expect, test } from 'vitest';
import { CONNECTIONS, createPools, type PoolKey, type Pools } from '../../src/transport/pools.ts';
import { createTransport } from '../../src/transport/transport.ts';
import { listening } from './listening.ts';

const listeners = listening();
afterEach(() => listeners.closeAll());

const partner = (name: string) => ({ partner: `https://node.${name}.example`, local: false });
const until = async (reached: () => boolean) => {
  while (!reached()) await new Promise((resolve) => setImmediate(resolve));
};

describe('partners behind one origin', () => {
  test('do not wait for each other: all connections of one hang, and the message of another goes', async () => {
    let waiting = 0;
    const origin = await listeners.http((request, response) => {
      request.resume();
      if (request.url === '/slow') waiting += 1;
      else response.writeHead(202).end();
    });
    const transport = listeners.keep(createTransport({ loopback: true, clock: () => 0 }));
    const ending = new AbortController();
    const slow = { ...partner('slow'), signal: ending.signal };
    const held = Array.from({ length: CONNECTIONS }, () => transport.postToken(`${origin}/slow`, 'e30.e30.c2ln', slow));
    await until(() => waiting === CONNECTIONS);
    expect(await transport.postToken(`${origin}/quick`, 'e30.e30.c2ln', partner('quick'))).toEqual({
      status: 'accepted',
    });
    expect(waiting).toBe(CONNECTIONS);
    ending.abort();
    await Promise.all(held);
  });

  test('nor does what is told to one beside its messages', async () => {
    let waiting = 0;
    const origin = await listeners.http((request, response) => {
      request.resume();
      if (request.url === '/push') waiting += 1;
      else response.writeHead(request.url === '/keys' ? 204 : 202).end();
    });
    const transport = listeners.keep(createTransport({ loopback: true, clock: () => 0 }));
    const ending = new AbortController();
    const one = { ...partner('slow'), signal: ending.signal };
    const held = Array.from({ length: CONNECTIONS }, () => transport.postToken(`${origin}/push`, 'e30.e30.c2ln', one));
    await until(() => waiting === CONNECTIONS);
    expect(await transport.postKeySet(`${origin}/keys`, 'e30.e30.c2ln', one)).toEqual({ status: 'accepted' });
    const aside = { ...one, aside: true } as const;
    expect(await transport.postToken(`${origin}/again`, 'e30.e30.c2ln', aside)).toEqual({ status: 'accepted' });
    ending.abort();
    await Promise.all(held);
  });
});

describe('a pool', () => {
  let time = 0;
  const key = (name: string, more: Partial<PoolKey> = {}): PoolKey => {
    return { partner: name, origin: 'https://gateway.example', purpose: 'messages', local: false, ...more };
  };
  const make = (most?: number): Pools => {
    const pools = createPools({ monotonic: () => time, ...(most !== undefined && { most }) });
    listeners.keep({ close: () => pools.destroy() });
    return pools;
  };
  const agentOf = (pools: Pools, one: PoolKey) => pools.with(one, async (agent) => agent);

  test('is one for each partner, origin, purpose and reach', async () => {
    const pools = make();
    const agent = await agentOf(pools, key('a'));
    expect(await agentOf(pools, key('a'))).toBe(agent);
    const others = [
      key('b'),
      key('a', { origin: 'https://other.example' }),
      key('a', { purpose: 'poll' }),
      key('a', { local: true }),
    ];
    for (const other of others) expect(await agentOf(pools, other)).not.toBe(agent);
    expect(pools.size()).toBe(1 + others.length);
  });

  test('that nobody used for a minute is closed', async () => {
    const pools = make();
    const agent = await agentOf(pools, key('a'));
    time += 59_000;
    await agentOf(pools, key('b'));
    expect(pools.size()).toBe(2);
    time += 12_000;
    await agentOf(pools, key('c'));
    expect([pools.size(), agent.destroyed]).toEqual([2, true]);
  });

  test('is closed where there are too many, the one that was used longest ago first', async () => {
    const pools = make(2);
    const [a, b] = [await agentOf(pools, key('a')), await agentOf(pools, key('b'))];
    expect(await agentOf(pools, key('a'))).toBe(a);
    await agentOf(pools, key('c'));
    expect([pools.size(), a.destroyed, b.destroyed]).toEqual([2, false, true]);
  });

  test('in which something is under way is never closed', async () => {
    const pools = make(1);
    const go = Promise.withResolvers<void>();
    const used = pools.with(key('a'), async (agent) => {
      await go.promise;
      return agent.destroyed;
    });
    time += 600_000;
    await agentOf(pools, key('b'));
    go.resolve();
    expect(await used).toBe(false);
  });
});
