import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type RunSettings, secret } from '../src/config.ts';
import { isRefusal } from '../src/domain/refusal.ts';
import { type InitOptions, initNode, openNode, startNode } from '../src/node.ts';
import { inventedReference } from './support/invented.ts';
import { loopbackSettings, passphrase, type TestNode, testNode } from './support/node.ts';
import { freshDatabase } from './support/postgres.ts';
import { storeTemplate } from './support/store-template.ts';

let folder: string;
let template: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caseref-test-'));
  template = await storeTemplate();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function initOptions(name: string, changes: Partial<InitOptions> = {}): Promise<InitOptions> {
  const settings = await loopbackSettings();
  const own = { dataDir: join(folder, name), settings, passphrase, cost: 2 ** 14, templateDir: template };
  return { ...own, store: { kind: 'embedded' }, ...changes };
}

function refusalOf(answer: unknown): { code: string; pointer: string } {
  if (!isRefusal(answer)) throw new Error('it was done');
  const { code, pointer } = answer;
  return { code, pointer };
}

describe('making a node', () => {
  test('leaves a private directory with keys, settings and a published key set', async () => {
    const options = await initOptions('made');
    const made = await initNode(options);
    expect(made).toMatchObject({ fingerprint: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) });
    expect((await stat(options.dataDir)).mode & 0o777).toBe(0o700);
    expect((await readdir(options.dataDir)).sort()).toEqual(['keys', 'node.json', 'store']);
    const run: RunSettings = { logLevel: 'silent', trustProxy: false, store: { kind: 'embedded' } };
    const node = await openNode({ ...options, run });
    if (isRefusal(node)) throw new Error(node.message);
    expect(await node.operations.card({})).toMatchObject({ ok: true });
    expect(await node.operations.status({})).toMatchObject({ ok: true, value: { running: false } });
    await node.close();
  });

  test('never overwrites a node, nor a directory with something in it', async () => {
    const options = await initOptions('twice');
    await initNode(options);
    expect(refusalOf(await initNode(options)).code).toBe('state-conflict');
    const full = await initOptions('full');
    await mkdir(full.dataDir);
    await writeFile(join(full.dataDir, 'letter.txt'), 'kept');
    expect(refusalOf(await initNode(full)).code).toBe('state-conflict');
    expect(await readdir(full.dataDir)).toEqual(['letter.txt']);
  });

  test.each([
    ['a short passphrase', { passphrase: secret('short') }, 'setting-invalid'],
    [
      'a store that cannot be reached',
      { store: { kind: 'postgres', url: secret('postgres://127.0.0.1:1/none'), schema: 'caseref' } },
      'store-unavailable',
    ],
  ] as const)('with %s leaves nothing behind', async (name, changes, code) => {
    const options = await initOptions(`nothing of ${name}`, changes);
    expect(refusalOf(await initNode(options)).code).toBe(code);
    expect((await readdir(folder)).filter((one) => one.startsWith('nothing of'))).toEqual([]);
  });

  test('refuses settings that contradict themselves, with the member', async () => {
    const options = await initOptions('contradiction');
    const settings = { ...options.settings, jurisdictions: ['uk'] };
    expect(refusalOf(await initNode({ ...options, settings })).pointer).toBe('/jurisdictions/0');
  });

  test('takes a schema of PostgreSQL once', async () => {
    const database = await freshDatabase(inject('postgresUrl'));
    const store: RunSettings['store'] = { kind: 'postgres', url: secret(database.url), schema: 'caseref' };
    const first = await initOptions('first', { store });
    expect(isRefusal(await initNode(first))).toBe(false);
    const second = await initOptions('second', { store });
    expect(refusalOf(await initNode(second))).toEqual({ code: 'state-conflict', pointer: '/schema' });
    await database.drop();
  });
});

describe('starting a node', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await testNode();
  });
  afterAll(() => node.remove());

  test('refuses a directory that a running node holds', async () => {
    expect(refusalOf(await startNode(node.options)).code).toBe('store-locked');
    expect(refusalOf(await openNode(node.options)).code).toBe('store-locked');
  });

  test('refuses an address where something else listens, names it, and lets go of everything', async () => {
    await node.stop();
    const { port } = node.options.settings.portal;
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    expect(refusalOf(await startNode(node.options))).toEqual({ code: 'setting-invalid', pointer: '/portal' });
    await once(other.close(), 'close');
    await node.restart();
  });

  test('refuses a wrong passphrase before it touches the store', async () => {
    const wrong = { ...node.options, passphrase: secret('other invented words here') };
    expect(refusalOf(await openNode(wrong)).code).toBe('passphrase-wrong');
  });

  test('refuses the store of a node with another issuer', async () => {
    await node.stop();
    const settings = { ...node.options.settings, issuer: 'http://127.0.0.1:9' };
    expect(refusalOf(await openNode({ ...node.options, settings }))).toEqual({
      code: 'setting-invalid',
      pointer: '/issuer',
    });
    await node.restart();
  });

  test('refuses the embedded store for an issuer that is not loopback, unless it is a trial', async () => {
    const options = await initOptions('trial');
    const settings = { ...options.settings, issuer: 'https://node.hotline-a.example' };
    await initNode({ ...options, settings });
    const run: RunSettings = { logLevel: 'silent', trustProxy: false, store: { kind: 'embedded' } };
    expect(refusalOf(await startNode({ ...options, settings, run })).code).toBe('setting-invalid');
    const trial = await startNode({ ...options, settings, run, trial: true });
    if (isRefusal(trial)) throw new Error(trial.message);
    await trial.close();
  });

  test('refuses a store that a newer release has changed', async () => {
    const { db } = node.running.exchange.store;
    await sql`insert into kysely_migration (name, timestamp) values ('9999-future', 'now')`.execute(db);
    await node.stop();
    const answer = await startNode(node.options);
    expect(refusalOf(answer).code).toBe('state-conflict');
    expect(isRefusal(answer) && answer.message).toContain('9999-future');
  });
});

test('a directory that others can enter is refused', async () => {
  const node = await testNode();
  await node.stop();
  await chmod(node.directory, 0o755);
  expect(refusalOf(await startNode(node.options)).code).toBe('file-mode-lax');
  await chmod(node.directory, 0o700);
  await node.remove();
});

test('a node that closes answers what it has begun, and closing twice is closing once', async () => {
  const node = await testNode();
  const calls = Array.from({ length: 50 }, (_, n) =>
    node.running.operations['reference.submit']({ reference: inventedReference(n) }),
  );
  const answers = await Promise.all(calls);
  await Promise.all([node.stop(), node.stop()]);
  expect(answers.every(({ ok }) => ok)).toBe(true);
  await expect(fetch(`${node.issuer}/health`)).rejects.toThrow();
  await node.restart();
  expect((await node.ask('reference.list', { limit: 500 })).items).toHaveLength(50);
  await node.remove();
});

test('a node closes in time although somebody keeps connections and an event stream open', async () => {
  const node = await testNode();
  const { token } = await node.ask('client.create', { name: 'Follower', scopes: ['events:read'] });
  const stream = await fetch(`${node.running.addresses.api}/v1/events`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
  });
  expect(stream.status).toBe(200);
  await fetch(`${node.issuer}/health`);
  const begun = performance.now();
  await node.stop();
  expect(performance.now() - begun).toBeLessThan(5000);
  await node.remove();
});
