import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from 'undici';
import { clientToken, introduce, makeNode } from '../support/cli-node.ts';
import { inventedReference } from '../support/invented.ts';
import { freshDatabase, startPostgres } from '../support/postgres.ts';
import { measureFloor } from './floor.ts';

const COUNT = 4000;
const IN_FLIGHT = 64;

interface Api {
  readonly origin: string;
  readonly token: string;
}

/** Posts references with a bounded number under way; throws at the first that is not taken. */
async function submit(agent: Agent, { origin, token }: Api, from: number, count: number): Promise<void> {
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

/** Follows the feed until so many messages are receipted. */
async function receipted(
  agent: Agent,
  { origin, token }: Api,
  feed: { after: string | undefined },
  count: number,
): Promise<void> {
  let seen = 0;
  while (seen < count) {
    const query = feed.after === undefined ? '' : `&after=${feed.after}`;
    const answer = await agent.request({
      origin,
      path: `/v1/events?limit=500${query}`,
      method: 'GET',
      headers: { authorization: `Bearer ${token}` },
    });
    const { items, next } = (await answer.body.json()) as { items: { type: string }[]; next: string };
    feed.after = next;
    seen += items.filter(({ type }) => type === 'delivery.receipted').length;
    if (items.length === 0) await pause(20);
  }
}

async function measureExchange(databases: readonly [string, string]): Promise<number> {
  const sender = await makeNode({ name: 'Bench Hotline', type: 'hotline', jurisdiction: 'DE', database: databases[0] });
  const receiver = await makeNode({
    name: 'Bench Partner',
    type: 'hotline',
    jurisdiction: 'NL',
    database: databases[1],
  });
  await introduce(sender, receiver);
  const api = { origin: sender.api, token: await clientToken(sender) };
  const processes = [await sender.serve(), await receiver.serve()];
  const agent = new Agent({ connections: IN_FLIGHT + 1 });
  try {
    const feed = { after: undefined };
    const warm = Math.ceil(COUNT / 5);
    await Promise.all([submit(agent, api, 0, warm), receipted(agent, api, feed, warm)]);
    const begin = performance.now();
    await Promise.all([submit(agent, api, warm, COUNT), receipted(agent, api, feed, COUNT)]);
    return COUNT / ((performance.now() - begin) / 1000);
  } finally {
    await agent.close();
    for (const child of processes) child.kill('SIGKILL');
    await Promise.all([sender.remove(), receiver.remove()]);
  }
}

/**
 * References per second from the API to the receipt, between two processes on one real PostgreSQL with durable commits,
 * as a ratio to a floor measured in the same run. Only the ratio travels between machines.
 */
export async function bench(print: (figure: Record<string, unknown>) => void): Promise<void> {
  const postgres = await startPostgres({ durable: true });
  try {
    const bases = await Promise.all([1, 2, 3, 4].map(() => freshDatabase(postgres.url)));
    const urls = bases.map((base) => base.url) as [string, string, string, string];
    const payload = JSON.stringify(inventedReference(0)).padEnd(1100, ' ');
    const before = await measureFloor([urls[0], urls[1]], { count: COUNT, inFlight: IN_FLIGHT, payload });
    const exchange = await measureExchange([urls[2], urls[3]]);
    print({
      bench: 'exchange',
      inFlight: IN_FLIGHT,
      count: COUNT,
      floorPerSecond: Math.round(before),
      perSecond: Math.round(exchange),
      ratio: Number((exchange / before).toFixed(2)),
    });
  } finally {
    await postgres.stop();
  }
}
