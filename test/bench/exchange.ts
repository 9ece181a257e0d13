import type { Terms } from '../support/cli-node.ts';
import { inventedReference } from '../support/invented.ts';
import { freshDatabase, startPostgres } from '../support/postgres.ts';
import { measureFloor } from './floor.ts';
import { type Pair, startPair } from './pair.ts';

const COUNT = 4000;
const IN_FLIGHT = 64;

/** Posts references with a bounded number under way; throws at the first that is not taken. */
async function submit({ agent, api }: Pair, from: number, count: number): Promise<void> {
  const { origin, token } = api;
  let next = from;
  const worker = async () => {
    while (next < from + count) {
      const body = JSON.stringify(inventedReference(next++));
      const answer = await agent.request({
        origin,
        path: '/v1/references',
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body,
      });
      await answer.body.dump();
      if (answer.statusCode !== 201) throw new Error(`the API answered ${answer.statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** References per second from the API to the receipt, after a warm-up. */
export async function measureExchange(databases: readonly [string, string], terms: Terms = {}): Promise<number> {
  const pair = await startPair(databases, IN_FLIGHT + 1, terms);
  try {
    const warm = Math.ceil(COUNT / 5);
    await Promise.all([submit(pair, 0, warm), pair.receipted(warm)]);
    const begin = performance.now();
    await Promise.all([submit(pair, warm, COUNT), pair.receipted(COUNT)]);
    return COUNT / ((performance.now() - begin) / 1000);
  } finally {
    await pair.end();
  }
}

/**
 * References per second from the API to the receipt, between two processes on one real PostgreSQL with durable commits,
 * as a ratio to a floor measured in the same run; plain, as the floor is, and encrypted both ways. Only ratios travel
 * between machines.
 */
export async function bench(print: (figure: Record<string, unknown>) => void): Promise<void> {
  const postgres = await startPostgres({ durable: true });
  try {
    const bases = await Promise.all([1, 2, 3, 4, 5, 6].map(() => freshDatabase(postgres.url)));
    const urls = bases.map((base) => base.url) as [string, string, string, string, string, string];
    const payload = JSON.stringify(inventedReference(0)).padEnd(1100, ' ');
    const before = await measureFloor([urls[0], urls[1]], { count: COUNT, inFlight: IN_FLIGHT, payload });
    const exchange = await measureExchange([urls[2], urls[3]]);
    const encrypted = await measureExchange([urls[4], urls[5]], { encryption: 'required' });
    print({
      bench: 'exchange',
      inFlight: IN_FLIGHT,
      count: COUNT,
      floorPerSecond: Math.round(before),
      perSecond: Math.round(exchange),
      ratio: Number((exchange / before).toFixed(2)),
      encryptedPerSecond: Math.round(encrypted),
      encryptedRatio: Number((encrypted / before).toFixed(2)),
    });
  } finally {
    await postgres.stop();
  }
}
