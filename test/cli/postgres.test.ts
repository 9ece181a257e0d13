import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { run } from './run.ts';

let folder = '';
let database: FreshDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caseref-cli-pg-'));
  database = await freshDatabase(inject('postgresUrl'));
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

function on(args: readonly string[], environment: NodeJS.ProcessEnv = { CASEREF_DATABASE: database.url }) {
  const always = { CASEREF_DATA: join(folder, 'node'), CASEREF_PASSPHRASE: 'an invented passphrase for tests' };
  return run(args, { environment: { ...always, ...environment } });
}

const who = ['--issuer', 'https://node.hotline-a.example', '--name', 'A', '--type', 'hotline', '--jurisdiction', 'DE'];

test('a node is made in a schema of its own, and its database is never printed', async () => {
  const { code, out, err } = await on(['init', ...who, '--schema', 'hotline_a']);
  expect(code, err).toBe(0);
  expect(out).toMatch(/^store +PostgreSQL, schema hotline_a$/m);
  expect(err).toContain('Every command of this node wants CASEREF_DATABASE.');
  expect(out + err).not.toContain(database.url);
});

test('another node in the same schema is refused', async () => {
  const { code, err } = await on(['init', '--data', join(folder, 'other'), ...who, '--schema', 'hotline_a']);
  expect([code, err]).toEqual([1, expect.stringContaining('state-conflict at /schema')]);
});

test('its commands work with the database named', async () => {
  const { code, out, err } = await on(['keys', 'fingerprint', '--json']);
  expect([code, err, Object.keys(JSON.parse(out))]).toEqual([0, '', ['fingerprint', 'spoken']]);
});

test('without the database there is no silent other store', async () => {
  const { code, err } = await on(['keys', 'fingerprint'], {});
  expect([code, err]).toEqual([2, expect.stringContaining('CASEREF_DATABASE')]);
});

test('a database that is not there is out of reach', async () => {
  const { code, out, err } = await on(['keys', 'fingerprint'], {
    CASEREF_DATABASE: 'postgres://a:an-invented-word@127.0.0.1:9/x',
  });
  expect([code, out]).toEqual([3, '']);
  expect(err).toContain('store-unavailable');
  expect(err).not.toContain('an-invented-word');
});
