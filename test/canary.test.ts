import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Seeker, seekerOf, seekFiles, spellingsOf, watchProcess } from './support/canary.ts';
import {
  clearAway,
  database,
  hotline,
  liveThroughTheDay,
  police,
  said,
  secrets,
  sensitive,
  shown,
  token,
  URL_,
  visible,
} from './support/canary-day.ts';

// After a day of two nodes every place that somebody could read is searched for its addresses, handles, tokens and keys.
// Blind indexes and ciphertext may stand there; the words may not.

beforeAll(() => liveThroughTheDay(inject('postgresUrl')), 240_000);
afterAll(clearAway);

const everything = () => seekerOf([...sensitive, ...secrets]);

/** Every row of every table of the database, as JSON text; `bytea` columns, where ciphertext stands, are hex there. */
async function seekRows(seeker: Seeker): Promise<string[]> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, relname) as name from pg_stat_user_tables`,
    );
    expect(tables.length).toBeGreaterThan(15);
    const found: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select to_json(t)::text as row from ${name} t`);
      for (const { row } of rows) found.push(...seeker.seek(row).map((told) => `${name}: ${told}`));
    }
    return found;
  } finally {
    await client.end();
  }
}

/** The server's own files, write-ahead log included, after all of it is on the disk. */
async function seekServer(seeker: Seeker): Promise<string[]> {
  const client = new Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  const { rows } = await client.query<{ data_directory: string }>('show data_directory');
  await client.query('checkpoint');
  await client.end();
  return seekFiles(rows[0]?.data_directory ?? '', seeker);
}

describe('addresses, hosts, handles, tokens and keys', () => {
  test('stand in no log line, metric, problem, answer to a push, feed, delivery list, finding or head', () => {
    expect([...said.keys()]).toEqual(
      expect.arrayContaining([
        'log of a node',
        'metrics',
        'problem bodies',
        'answers to pushes',
        'feed',
        'doctor',
        'heads of answers',
        'delivery list',
        'import',
      ]),
    );
    expect(said.get('log of a node')).toContain('push.refused');
    expect(said.get('problem bodies')).toContain('fingerprint-refused');
    expect(said.get('feed')).toContain('delivery.dead');
    const seeker = everything();
    expect([...said].flatMap(([source, text]) => seeker.seek(text).map((told) => `${source}: ${told}`))).toEqual([]);
  });

  test('are masked for people: neither path nor query, nor a token', () => {
    const masked = seekerOf([
      ...sensitive.filter(({ name }) => name !== 'host' && name !== 'handle' && name !== 'referrer'),
      ...secrets,
    ]);
    expect(shown).toContain('zk7canaryhost[.]example');
    expect(masked.seek(shown)).toEqual([]);
  });

  test('stand in no argument and no name of a process', async () => {
    const seen = await Promise.all(visible);
    expect(seen.join('\n')).toContain('serve');
    expect(everything().seek(seen.join('\n'))).toEqual([]);
  });

  test('stand in no file of the node with the embedded store, its data and write-ahead log included', async () => {
    expect(await seekFiles(police.directory, everything())).toEqual([]);
    expect(await seekFiles(hotline.directory, everything())).toEqual([]);
  });

  test('stand in no row and no file of PostgreSQL', async () => {
    expect(await seekRows(everything())).toEqual([]);
    expect(await seekServer(everything())).toEqual([]);
  });
});

describe('the search finds what was planted', () => {
  test.each([...spellingsOf('zk7canaryhost')])('in a log line, %s', (name, bytes) => {
    const line = Buffer.concat([Buffer.from('{"level":30,"msg":"'), bytes, Buffer.from('"}')]);
    expect(everything().seek(line).join('\n')).toContain(
      name.startsWith('URI') || name === 'masked' ? 'host, raw' : 'host,',
    );
  });

  test('at any place of a longer base64 text', () => {
    for (let shift = 0; shift < 6; shift += 1)
      expect(everything().seek(Buffer.from(`${'x'.repeat(shift)}${URL_}!`).toString('base64url'))).not.toEqual([]);
  });

  test('in the files of the embedded store', async () => {
    const store = await PGlite.create(join(police.directory, 'store', 'pg'));
    await store.exec(
      `create table planted (note text); insert into planted values ('ZK7-CANARY-2026 and ${URL_}'); checkpoint`,
    );
    await store.close();
    const found = (await seekFiles(police.directory, everything())).join('\n');
    expect(found).toContain('host, raw');
    expect(found).toContain('handle, raw');
    expect(found).toMatch(/pg_wal/);
    expect(found).toMatch(/\/base\//);
  });

  test('in the rows and files of PostgreSQL', async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query(`create table planted (note jsonb)`);
    // Several rows: one alone may be cut in two by the head of a page of the write-ahead log.
    for (let row = 0; row < 5; row += 1)
      await client.query('insert into planted values ($1)', [JSON.stringify({ seen: [URL_, token] })]);
    await client.query('analyze planted');
    await client.end();
    const rows = (await seekRows(everything())).join('\n');
    expect(rows).toContain('planted: host, raw');
    expect(rows).toContain('planted: client token, raw');
    const files = (await seekServer(everything())).join('\n');
    expect(files).toMatch(/pg_wal.*host, raw/);
    expect(files).toMatch(/\/base\/.*host, raw/);
  });

  test('in the arguments of a process', async () => {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 400)', URL_]);
    expect(everything().seek(await watchProcess(child.pid ?? 0, once(child, 'exit')))).toContain('host, raw');
  });
});
