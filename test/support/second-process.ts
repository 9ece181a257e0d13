import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CliNode } from './cli-node.ts';
import { freePort } from './ports.ts';

const entry = fileURLToPath(new URL('../../src/cli/caseref.ts', import.meta.url));

export interface SecondProcess {
  /** Where its own peer listener is; the issuer stays that of the node. */
  readonly peer: string;
  stop(): Promise<void>;
}

/** Another process of a node that lives in PostgreSQL: the same keys, name and schema, listeners of its own. */
export async function secondProcess(node: CliNode): Promise<SecondProcess> {
  const directory = join(await mkdtemp(join(tmpdir(), 'caseref-second-')), 'node');
  await cp(node.directory, directory, { recursive: true, filter: (path) => !/run$|\.sock$/.test(path) });
  const settings = JSON.parse(await readFile(join(directory, 'node.json'), 'utf8')) as Record<string, unknown>;
  const ports = { peer: await freePort(), api: await freePort(), portal: await freePort() };
  const listeners = Object.entries(ports).map(([name, port]) => [name, { host: '127.0.0.1', port }] as const);
  await writeFile(join(directory, 'node.json'), JSON.stringify({ ...settings, ...Object.fromEntries(listeners) }));
  const env = { ...node.environment, CASEREF_DATA: directory };
  const child = spawn(process.execPath, [entry, 'serve'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const peer = `http://127.0.0.1:${ports.peer}`;
  await ready(child, peer);
  return {
    peer,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      await rm(join(directory, '..'), { recursive: true, force: true });
    },
  };
}

async function ready(child: ChildProcess, peer: string): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const well = await fetch(`${peer}/health`).catch(() => undefined);
    if (well?.ok) return;
    if (child.exitCode !== null) throw new Error(`the second process ended with ${child.exitCode}`);
    await pause(100);
  }
  throw new Error('the second process did not become ready in 30 s');
}
