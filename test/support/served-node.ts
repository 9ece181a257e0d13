import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { isRefusal } from '../../src/domain/refusal.ts';
import { openStore, type Store } from '../../src/store/open.ts';
import { passphrase, type TestNode } from './node.ts';
import { passedOn } from './passed-on.ts';
import { readFacts, type StoredFacts } from './stored-facts.ts';

const entry = fileURLToPath(new URL('../../src/cli/caseref.ts', import.meta.url));

/** A node in a process of its own, which can be killed at any moment. */
export interface ServedNode {
  readonly issuer: string;
  readonly api: string;
  /** Starts it and waits until it answers. */
  start(): Promise<void>;
  /** Ends it as a power switch would, and waits until it is gone. */
  kill(): Promise<void>;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
  /** Reads the store; an embedded one only while the node does not run. */
  facts(): Promise<StoredFacts>;
  /** What waits for a later hour is due at once; what a process that is gone was sending, too. */
  letTimePass(): Promise<void>;
}

/** Lets a node that was made and is stopped run as a process: the real command line, directory and store. */
export function servedNode({ issuer, directory, options }: TestNode): ServedNode {
  const { settings, run } = options;
  const at = ({ host, port }: { host: string; port: number }) => `http://${host}:${port}`;
  const env: NodeJS.ProcessEnv = {
    ...passedOn,
    HOME: process.env.HOME,
    CASEREF_DATA: directory,
    CASEREF_PASSPHRASE: passphrase.reveal(),
    CASEREF_LOG_LEVEL: 'error',
    ...(run.store.kind === 'postgres' && { CASEREF_DATABASE: run.store.url.reveal() }),
  };
  let child: ChildProcess | undefined;
  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const ending = child;
    child = undefined;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    ending.kill(signal);
    await once(ending, 'exit');
  }
  async function within<Value>(work: (store: Store) => Promise<Value>): Promise<Value> {
    const store = await openStore(
      run.store.kind === 'postgres'
        ? { kind: 'postgres', url: run.store.url.reveal(), schema: run.store.schema, connections: 1 }
        : { kind: 'embedded', directory: join(directory, 'store') },
    );
    if (isRefusal(store)) throw new Error(`the store could not be opened: ${store.message}`);
    return work(store).finally(() => store.close());
  }
  return {
    issuer,
    api: at(settings.api),
    async start() {
      const started = spawn(process.execPath, [entry, 'serve'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
      child = started;
      for (let tries = 0; tries < 600; tries += 1) {
        if (await isWell([settings.peer, settings.api, settings.portal].map(at))) return;
        if (started.exitCode !== null) throw new Error(`the node ended with ${started.exitCode}`);
        await pause(50);
      }
      throw new Error('the node did not become ready in 30 s');
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    facts: () => within(({ db }) => readFacts({ issuer, db })),
    letTimePass: () =>
      within(async ({ db }) => {
        await sql`update delivery set next_at = now(), lease = null, lease_until = null
          where state = 'queued' and (lease is null or ${child === undefined})`.execute(db);
      }),
  };
}

async function isWell(addresses: readonly string[]): Promise<boolean> {
  const answers = await Promise.all(
    addresses.map((address) =>
      fetch(`${address}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    ),
  );
  return answers.every(Boolean);
}
