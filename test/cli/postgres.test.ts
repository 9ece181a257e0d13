import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { ended, run, start } from './run.ts';

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

test('an error of its own ends a running node with code 1 and one line, and tells nothing of where it happened', async () => {
  const directory = join(folder, 'erring');
  const made = await on(['init', '--data', directory, ...who.with(1, 'http://localhost:8440'), '--schema', 'erring']);
  expect(made.code, made.err).toBe(0);
  const file = join(directory, 'node.json');
  const settings = JSON.parse(await readFile(file, 'utf8')) as object;
  const ports = { peer: await freePort(), api: await freePort(), portal: await freePort() };
  const listeners = Object.entries(ports).map(([name, port]) => [name, { host: '127.0.0.1', port }]);
  await writeFile(file, JSON.stringify({ ...settings, ...Object.fromEntries(listeners) }));
  const fault = `process.once('SIGUSR2', () => { throw Object.assign(new TypeError('https://host.example/never-printed'), { code: '57P01' }); })`;
  const node = start(['serve'], {
    CASEREF_DATA: directory,
    CASEREF_PASSPHRASE: 'an invented passphrase for tests',
    CASEREF_DATABASE: database.url,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fault)}`,
  });
  const over = ended(node);
  node.stderr?.on('data', (text: Buffer) => String(text).includes('fewer than two operators') && node.kill('SIGUSR2'));
  const { code, out, err } = await over;
  expect(code).toBe(1);
  expect(err).toContain('internal: The program met an error of its own (TypeError 57P01).');
  expect(out + err).not.toMatch(/never-printed|\n\s+at |ReferenceError/);
});

describe('a second serve on the same PostgreSQL', () => {
  const first = () => join(folder, 'served');
  const second = () => join(folder, 'twin');
  const environment = (directory: string) => ({
    CASEREF_DATA: directory,
    CASEREF_PASSPHRASE: 'an invented passphrase for tests',
    CASEREF_DATABASE: database.url,
  });
  let process: ReturnType<typeof start>;
  let served: ReturnType<typeof ended>;

  async function addresses() {
    const ports = await Promise.all(['peer', 'api', 'portal', 'private'].map(async (name) => [name, await freePort()]));
    return Object.fromEntries(ports.map(([name, port]) => [name, { host: '127.0.0.1', port }]));
  }
  async function move(directory: string): Promise<void> {
    const file = join(directory, 'node.json');
    const settings = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...settings, ...(await addresses()) }));
  }
  /** The last line that serve says when it stands. */
  async function stands(child: ReturnType<typeof start>): Promise<void> {
    const up = Promise.withResolvers<void>();
    child.stderr?.on('data', (text: Buffer) => String(text).includes('fewer than two operators') && up.resolve());
    child.once('exit', (code) => up.reject(new Error(`serve ended with ${code}`)));
    await up.promise;
  }

  beforeAll(async () => {
    const local = who.with(1, 'http://localhost:8440');
    const made = await on(['init', '--data', first(), ...local, '--schema', 'served']);
    expect(made.code, made.err).toBe(0);
    await move(first());
    await cp(first(), second(), { recursive: true });
    process = start(['serve'], environment(first()));
    served = ended(process);
    await stands(process);
  }, 60_000);
  afterAll(async () => {
    process.kill('SIGTERM');
    expect((await served).code).toBe(0);
  });

  test('from the same directory names the process that runs there', async () => {
    const { code, out, err } = await run(['serve'], { environment: environment(first()) });
    expect([code, out]).toEqual([3, '']);
    expect(err).toContain(`store-locked: A node runs on this data directory already (process ${process.pid}).`);
    expect(err).toContain(`stop it first: kill ${process.pid}`);
  });

  test('from a copy that listens at the same addresses says which is taken, and what to change', async () => {
    const { code, err } = await run(['serve'], { environment: environment(second()) });
    expect(code).not.toBe(0);
    expect(err).toMatch(/The peer listener cannot listen on 127\.0\.0\.1:\d+: something else listens there\./);
    expect(err).toContain('change "peer" in node.json');
    expect(err).not.toContain('store-locked');
  });

  test('from a copy with addresses of its own stands beside the first, and both are one node', async () => {
    await move(second());
    const twin = start(['serve'], environment(second()));
    const ran = ended(twin);
    await stands(twin);
    const made = await run(['client', 'create', 'a', '--scope', 'references:read'], {
      environment: environment(second()),
    });
    expect(made.code, made.err).toBe(0);
    const listed = await run(['client', 'list', '--json'], { environment: environment(first()) });
    expect(JSON.parse(listed.out)).toMatchObject({ items: [{ name: 'a' }] });
    twin.kill('SIGTERM');
    const { code, out } = await ran;
    expect([code, out]).toEqual([0, expect.stringContaining('PostgreSQL, schema served')]);
  }, 60_000);
});
