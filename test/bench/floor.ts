import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair } from 'jose';
import type { FloorOrder, FloorTask } from './floor-side.ts';

const side = fileURLToPath(new URL('./floor-side.ts', import.meta.url));

async function keys() {
  const pair = await generateKeyPair('Ed25519', { extractable: true });
  return { private: await exportJWK(pair.privateKey), public: await exportJWK(pair.publicKey) };
}

function tell(child: ChildProcess, order: FloorOrder): void {
  child.send(order);
}

async function port(child: ChildProcess, task: FloorTask, answers: boolean): Promise<string> {
  tell(child, { task, answers });
  const [message] = (await once(child, 'message')) as [{ port: number }];
  return `http://127.0.0.1:${message.port}`;
}

/** Exchanges per second of the bare parts, between two processes, after a warm-up. */
export async function measureFloor(
  databases: readonly [string, string],
  work: { count: number; inFlight: number; payload: string },
): Promise<number> {
  const [one, other] = [await keys(), await keys()];
  const children = [fork(side), fork(side)] as const;
  try {
    const task = (database: string, mine: typeof one, theirs: typeof one): FloorTask => ({
      database,
      schema: 'floor',
      privateKey: mine.private,
      peerKey: theirs.public,
      payload: work.payload,
    });
    const origins = [
      await port(children[0], task(databases[0], one, other), false),
      await port(children[1], task(databases[1], other, one), true),
    ] as const;
    tell(children[0], { peer: origins[1] });
    tell(children[1], { peer: origins[0] });
    await timed(children[0], Math.ceil(work.count / 5), work.inFlight);
    return work.count / (await timed(children[0], work.count, work.inFlight));
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

async function timed(child: ChildProcess, count: number, inFlight: number): Promise<number> {
  const begin = performance.now();
  tell(child, { run: count, inFlight });
  await once(child, 'message');
  return (performance.now() - begin) / 1000;
}
