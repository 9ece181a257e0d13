import { Agent } from 'undici';
import { checkedLookup } from './address.ts';
import { KEY_SET_BYTES } from './get-key-set.ts';
import { POLL_BYTES } from './post-poll.ts';

/** Connections of one kind to one origin of one partner. */
export const CONNECTIONS = 32;
export const TIMEOUT_MS = 10_000;
const HEADER_BYTES = 16 * 1024;
const KEEP_ALIVE_MS = 30_000;
/** Longer than a connection is kept: a pool that is closed for its age has none any more. */
const IDLE_MS = 60_000;
const SWEEP_MS = 10_000;
/** Above this the pools that were used longest ago are closed, unless something is under way in them. */
const MOST_POOLS = 256;

/** What a connection is for: messages never wait behind polls, nor anything else behind messages. */
export type Purpose = 'messages' | 'aside' | 'poll';

export interface PoolKey {
  readonly partner: string;
  readonly origin: string;
  readonly purpose: Purpose;
  /** Private addresses may be connected to. */
  readonly local: boolean;
}

/**
 * Connections, apart for each partner and origin: many partners may stand behind one gateway, and a partner may name paths
 * on the origin of another, so whose answers are slow must not be able to take the connections of somebody else.
 */
export interface Pools {
  /** Lends the pool of a key while `use` runs. */
  with<Out>(key: PoolKey, use: (agent: Agent) => Promise<Out>): Promise<Out>;
  /** How many there are. */
  size(): number;
  destroy(): Promise<void>;
}

interface Pool {
  readonly agent: Agent;
  underWay: number;
  usedAt: number;
}

/** `monotonic` gives milliseconds that never go back. */
export function createPools({ most = MOST_POOLS, monotonic = () => performance.now() } = {}): Pools {
  const lookups = { open: checkedLookup(true), checked: checkedLookup(false) };
  const pools = new Map<string, Pool>();
  let sweptAt = monotonic();

  function make({ purpose, local }: PoolKey): Agent {
    return new Agent({
      connections: CONNECTIONS,
      pipelining: 1,
      // The limits above and below are those of HTTP/1.1; undici would offer HTTP/2 by default.
      allowH2: false,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxResponseSize: purpose === 'poll' ? POLL_BYTES : KEY_SET_BYTES,
      maxHeaderSize: HEADER_BYTES,
      // TLS is verified whatever the environment says, and no variable puts a proxy in between: this agent reads none.
      connect: { timeout: TIMEOUT_MS, rejectUnauthorized: true, lookup: local ? lookups.open : lookups.checked },
    });
  }

  /** From the one that was used longest ago on: those without use for a minute, and those above the number. */
  function sweep(now: number): void {
    if (now - sweptAt < SWEEP_MS && pools.size <= most) return;
    sweptAt = now;
    for (const [name, pool] of pools) {
      if (now - pool.usedAt < IDLE_MS && pools.size <= most) return;
      if (pool.underWay > 0) continue;
      pools.delete(name);
      void pool.agent.destroy();
    }
  }

  function lend(key: PoolKey): Pool {
    const name = JSON.stringify([key.partner, key.origin, key.purpose, key.local]);
    const now = monotonic();
    const known = pools.get(name);
    const pool = known ?? { agent: make(key), underWay: 0, usedAt: now };
    pool.underWay += 1;
    pool.usedAt = now;
    // Behind all others: the order is that of the last use.
    pools.delete(name);
    pools.set(name, pool);
    sweep(now);
    return pool;
  }

  return {
    async with(key, use) {
      const pool = lend(key);
      try {
        return await use(pool.agent);
      } finally {
        pool.underWay -= 1;
      }
    },
    size: () => pools.size,
    async destroy() {
      await Promise.all([...pools.values()].map(({ agent }) => agent.destroy()));
      pools.clear();
    },
  };
}
