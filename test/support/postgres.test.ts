import { spawn } from 'node:child_process';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { expect, inject, test } from 'vitest';
import { freshDatabase } from './postgres.ts';

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

/** Whether something listens at the host and port of the URL. */
function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = createConnection(Number(port), hostname, () => resolve(true)).on('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

test('the run has a PostgreSQL of its own, on loopback alone, with a password', async () => {
  const url = inject('postgresUrl');
  expect(new URL(url).hostname).toBe('127.0.0.1');
  expect(await ask(url, "select current_setting('listen_addresses'), current_setting('fsync')")).toEqual([
    '127.0.0.1',
    'off',
  ]);
  expect(await ask(url, "select current_setting('data_directory')")).toEqual([
    expect.stringMatching(/caseref-postgres-\w+\/data$/),
  ]);
  const stranger = new URL(url);
  stranger.password = 'guess';
  await expect(ask(stranger.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
});

test('a fresh database is empty, can be a template, and is dropped under open connections', async () => {
  const first = await freshDatabase(inject('postgresUrl'));
  await ask(first.url, 'create table mark as select 7 as n');
  const second = await freshDatabase(inject('postgresUrl'), new URL(first.url).pathname.slice(1));
  expect(await ask(second.url, 'select n from mark')).toEqual([7]);
  const third = await freshDatabase(inject('postgresUrl'));
  expect(await ask(third.url, "select count(*)::int from pg_class where relname = 'mark'")).toEqual([0]);
  const open = new Client({ connectionString: second.url }).on('error', () => undefined);
  await open.connect();
  await Promise.all([first.drop(), second.drop(), third.drop()]);
  await expect(ask(second.url, 'select 1')).rejects.toMatchObject({ code: '3D000' });
});

test('the server goes away with the process that asked for it, even by SIGKILL', async () => {
  const script = `
    import { startPostgres } from ${JSON.stringify(new URL('./postgres.ts', import.meta.url).href)};
    process.stdout.write((await startPostgres({ durable: true })).url + '\\n');
    setInterval(() => undefined, 1000);`;
  const asker = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let url = '';
  for await (url of createInterface(asker.stdout)) break;
  expect(await ask(url, "select current_setting('fsync'), current_setting('synchronous_commit')")).toEqual([
    'on',
    'on',
  ]);
  asker.kill('SIGKILL');
  for (let waited = 0; waited < 10_000 && (await answers(url)); waited += 50) await delay(50);
  expect(await answers(url)).toBe(false);
});
