import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRefusal } from '../../src/domain/refusal.ts';
import { type RunningNode, startNode } from '../../src/node.ts';
import type { TestNode } from './node.ts';
import { freePort } from './ports.ts';

/** The same node once more on the same PostgreSQL: keys, name and schema are shared, listeners and directory are its own. */
export async function secondNode(node: TestNode): Promise<{ running: RunningNode; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'caseref-second-'));
  const dataDir = join(folder, 'node');
  await cp(node.directory, dataDir, { recursive: true, filter: (path) => !/run$|\.sock$/.test(path) });
  const listen = async () => ({ host: '127.0.0.1', port: await freePort() });
  const settings = { ...node.options.settings, peer: await listen(), api: await listen(), portal: await listen() };
  const running = await startNode({ ...node.options, dataDir, settings });
  if (isRefusal(running)) throw new Error(`refused: ${running.code} ${running.message}`);
  return {
    running,
    async close() {
      await running.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
