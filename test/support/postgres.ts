import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';

export interface RunningPostgres {
  /** Connection URL of a superuser on database `postgres`, on 127.0.0.1 with a password of its own. */
  readonly url: string;
  /** Stops the server and removes its folder. */
  stop(): Promise<void>;
}

export interface FreshDatabase {
  readonly url: string;
  /** Drops the database, closing whatever connections are still open to it. */
  drop(): Promise<void>;
}

/**
 * Starts a real PostgreSQL of its own from the binaries that npm installed; no server of the machine is used.
 * `durable` keeps fsync and synchronous commit on (a bench must pay for its commits), default off. The server ends
 * with the calling process, however that ends. Fails with what initdb or the server printed.
 */
export async function startPostgres({ durable = false } = {}): Promise<RunningPostgres> {
  const keeper = spawn(
    process.execPath,
    [fileURLToPath(new URL('./postgres-keeper.ts', import.meta.url)), ...(durable ? ['--durable'] : [])],
    // A group of its own: Ctrl-C in a terminal must not reach it before the tests have closed their connections.
    { stdio: ['pipe', 'pipe', 'pipe'], detached: true },
  );
  const ended = once(keeper, 'exit');
  const complaint = text(keeper.stderr);
  for await (const url of createInterface(keeper.stdout)) {
    return {
      url,
      stop: async () => {
        keeper.stdin.end();
        await ended;
      },
    };
  }
  throw new Error(`PostgreSQL did not start: ${await complaint}`);
}

/** A new database on the server at `url`, empty or copied from `template` (nobody may be connected to a template). */
export async function freshDatabase(url: string, template = 'template0'): Promise<FreshDatabase> {
  const name = `fresh_${randomBytes(8).toString('hex')}`;
  await command(url, `create database ${name} template "${template}"`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return { url: own.href, drop: () => command(url, `drop database if exists ${name} with (force)`) };
}

async function command(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
