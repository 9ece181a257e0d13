import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from 'undici';
import { type CliNode, clientToken, introduce, makeNode, type Terms } from '../support/cli-node.ts';

const PER_MINUTE = 1_000_000;

/** Two nodes that know each other, as two processes on PostgreSQL, seen from the sender's API. */
export interface Pair {
  readonly sender: CliNode;
  readonly sending: ChildProcess;
  readonly agent: Agent;
  readonly api: { readonly origin: string; readonly token: string };
  /** Follows the sender's feed, from where it was left, until so many messages more are receipted. */
  receipted(count: number): Promise<void>;
  end(): Promise<void>;
}

export async function startPair(
  databases: readonly [string, string],
  connections: number,
  terms: Terms = {},
): Promise<Pair> {
  const named = (name: string, jurisdiction: string, database: string) =>
    makeNode({ name, type: 'hotline', jurisdiction, database });
  const sender = await named('Bench Hotline', 'DE', databases[0]);
  const receiver = await named('Bench Partner', 'NL', databases[1]);
  // A quota is not what a bench measures: by default a partner takes 6,000 messages a minute.
  await introduce(sender, receiver, { perMinute: PER_MINUTE, ...terms });
  const api = { origin: sender.api, token: await clientToken(sender) };
  const [sending, receiving] = [await sender.serve(), await receiver.serve()];
  const agent = new Agent({ connections });
  const receipted = followReceipts(agent, api);
  const end = async () => {
    await agent.close();
    for (const child of [sending, receiving]) child.kill('SIGKILL');
    await Promise.all([sender.remove(), receiver.remove()]);
  };
  return { sender, sending, agent, api, receipted, end };
}

function followReceipts(agent: Agent, { origin, token }: Pair['api']) {
  let after: string | undefined;
  return async (count: number) => {
    let seen = 0;
    while (seen < count) {
      const query = after === undefined ? '' : `&after=${after}`;
      const answer = await agent.request({
        origin,
        path: `/v1/events?limit=500${query}`,
        method: 'GET',
        headers: { authorization: `Bearer ${token}` },
      });
      const { items, next } = (await answer.body.json()) as { items: { type: string }[]; next: string };
      after = next;
      seen += items.filter(({ type }) => type === 'delivery.receipted').length;
      if (items.length === 0) await pause(20);
    }
  };
}
