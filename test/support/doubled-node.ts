import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { passphrase, type TestNode } from './node.ts';
import { passedOn } from './passed-on.ts';
import { freePort } from './ports.ts';

const entry = fileURLToPath(new URL('../../src/cli/caseref.ts', import.meta.url));

/** A node that was made and has stopped, on PostgreSQL. */
export interface Stopped extends Pick<TestNode, 'issuer' | 'directory'> {
  readonly database: string;
}

/** One real process of a node. */
export interface Twin {
  readonly api: string;
  start(): Promise<void>;
  /** Ends it as a power switch would. */
  kill(): Promise<void>;
  /** Sends it a signal. */
  signal(signal: NodeJS.Signals): void;
  /** Its exit code, once it has ended. */
  ended(): Promise<number | null>;
}

/** A node on PostgreSQL in two real processes behind one address, as a load balancer would have them. */
export interface DoubledNode {
  readonly twins: readonly [Twin, Twin];
  close(): Promise<void>;
}

async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    (response) => response.ok,
    () => false,
  );
}

/** A process of a node that runs from this directory. */
export async function servedBy(directory: string, database: string): Promise<Twin & { readonly peerPort: number }> {
  const { peer, api } = JSON.parse(await readFile(join(directory, 'node.json'), 'utf8')) as Record<
    'peer' | 'api',
    { port: number }
  >;
  const env = {
    ...passedOn,
    HOME: process.env.HOME,
    CASEREF_DATA: directory,
    CASEREF_PASSPHRASE: passphrase.reveal(),
    CASEREF_DATABASE: database,
    CASEREF_LOG_LEVEL: 'error',
  };
  let child: ChildProcess | undefined;
  const ended = async () => {
    if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child?.exitCode ?? null;
  };
  return {
    api: `http://127.0.0.1:${api.port}`,
    peerPort: peer.port,
    async start() {
      const started = spawn(process.execPath, [entry, 'serve'], { env, stdio: 'ignore' });
      child = started;
      for (let tries = 0; tries < 600; tries += 1) {
        if (await answers(`http://127.0.0.1:${api.port}/health`)) return;
        if (started.exitCode !== null) throw new Error(`serve ended with ${started.exitCode}`);
        await pause(100);
      }
      throw new Error('serve did not become ready in 60 s');
    },
    async kill() {
      child?.kill('SIGKILL');
      await ended();
    },
    signal: (signal) => void child?.kill(signal),
    ended,
  };
}

async function twin({ directory, database }: Stopped, name: string) {
  const own = join(dirname(directory), name);
  await cp(directory, own, { recursive: true, filter: (path) => !/run$|\.sock$/.test(path) });
  const settings = JSON.parse(await readFile(join(own, 'node.json'), 'utf8')) as Record<string, unknown>;
  const ports = { peer: await freePort(), api: await freePort(), portal: await freePort() };
  const listeners = Object.entries(ports).map(([which, port]) => [which, { host: '127.0.0.1', port }] as const);
  await writeFile(join(own, 'node.json'), JSON.stringify({ ...settings, ...Object.fromEntries(listeners) }));
  return servedBy(own, database);
}

/** Gives connections to both in turn, and to the other one where one is not there. */
function balance(ports: readonly number[]) {
  let turn = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    turn += 1;
    open.add(client);
    client.on('error', () => client.destroy()).on('close', () => open.delete(client));
    const attempt = (left: number) => {
      const target = connect(ports[(turn + left) % ports.length] ?? 0, '127.0.0.1');
      let connected = false;
      target.on('connect', () => {
        connected = true;
        client.pipe(target).pipe(client);
      });
      target.on('error', () => {
        target.destroy();
        if (!connected && left > 0) attempt(left - 1);
        else client.destroy();
      });
      target.on('close', () => connected && client.destroy());
      client.on('close', () => target.destroy());
    };
    attempt(1);
  });
  return { server, open };
}

/** Doubles a node that has stopped; it is reached at its issuer's address, whichever of its processes lives. */
export async function doubledNode(node: Stopped): Promise<DoubledNode> {
  const twins = [await twin(node, 'first'), await twin(node, 'second')] as const;
  const { server, open } = balance(twins.map(({ peerPort }) => peerPort));
  await once(server.listen(Number(new URL(node.issuer).port), '127.0.0.1'), 'listening');
  return {
    twins,
    async close() {
      await Promise.all(twins.map((one) => one.kill()));
      for (const socket of open) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}
