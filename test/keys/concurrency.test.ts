import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { underLock } from '../../src/keys/file-lock.ts';
import { createKeyStore, KEY_LIFE, type KeyStore, openKeyStore } from '../../src/keys/keystore.ts';

const WORDS = 'seven invented words for a test';
const COST = 2 ** 14;
const NOW = 1_795_000_000;
const NEW_KEY = { alg: 'Ed25519', nbf: NOW, exp: NOW + KEY_LIFE } as const;
const run = promisify(execFile);
const source = (name: string) => new URL(`../../src/keys/${name}.ts`, import.meta.url).href;
let keys: string;
let store: KeyStore;

beforeEach(async () => {
  keys = await mkdtemp(join(tmpdir(), 'caseref-together-'));
  store = opened(await createKeyStore(keys, WORDS, { now: NOW, cost: COST }));
});
afterEach(() => rm(keys, { recursive: true, force: true }));

function opened(answer: Awaited<ReturnType<typeof openKeyStore>>): KeyStore {
  if (isRefusal(answer)) throw new Error(`refused: ${answer.code} ${answer.message}`);
  return answer;
}

const open = async () => opened(await openKeyStore(keys, WORDS, COST));
const kids = async () => (await open()).publicKeys().map(({ kid }) => kid);

/** Another process that runs these lines with `store`, and `underLock`, at hand. */
async function inAnotherProcess(lines: string): Promise<string> {
  const code = `import { openKeyStore } from '${source('keystore')}'; import { underLock } from '${source('file-lock')}';
    const [keys, words] = process.argv.slice(1); const store = await openKeyStore(keys, words, ${COST}); ${lines}`;
  return (await run(process.execPath, ['--input-type=module', '-e', code, keys, WORDS])).stdout;
}

test('a change loses no key that another store made in between', async () => {
  const other = await open();
  const one = await other.generate(NEW_KEY);
  const two = await store.generate(NEW_KEY);
  expect(await kids()).toEqual(expect.arrayContaining([one.kid, two.kid]));
  expect(store.publicKeys()).toHaveLength(4);
});

test('changes at once of one store are all kept', async () => {
  const made = await Promise.all([1, 2, 3].map(() => store.generate(NEW_KEY)));
  expect(await kids()).toEqual(expect.arrayContaining(made.map(({ kid }) => kid)));
  expect(store.publicKeys()).toHaveLength(5);
});

test('changes at once of two stores in one process are all kept', async () => {
  const other = await open();
  const made = await Promise.all([store, other, store, other, store, other].map((one) => one.generate(NEW_KEY)));
  expect(await kids()).toEqual(expect.arrayContaining(made.map(({ kid }) => kid)));
});

test('two activations at once leave one active key', async () => {
  const other = await open();
  const one = await store.generate(NEW_KEY);
  const two = await store.generate(NEW_KEY);
  await Promise.all([store.activate(one.kid), other.activate(two.kid)]);
  const active = (await open()).publicKeys().filter(({ alg, state }) => alg === 'Ed25519' && state === 'active');
  expect(active).toHaveLength(1);
});

test('changes at once of three processes are all kept', async () => {
  const lines = `for (const n of [1, 2, 3, 4]) console.log((await store.generate(${JSON.stringify(NEW_KEY)})).kid);`;
  const [one, two, mine] = await Promise.all([
    inAnotherProcess(lines),
    inAnotherProcess(lines),
    Promise.all([1, 2, 3, 4].map(() => store.generate(NEW_KEY))),
  ]);
  const made = [...`${one}${two}`.trim().split('\n'), ...mine.map(({ kid }) => kid)];
  expect(new Set(made).size).toBe(12);
  expect(await kids()).toEqual(expect.arrayContaining(made));
}, 30_000);

test('a process that died with the lock in its hand stops nobody', async () => {
  const path = join(keys, 'node.key.lock');
  const died = inAnotherProcess(
    `await underLock(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'));`,
  );
  await expect(died).rejects.toMatchObject({ signal: 'SIGKILL' });
  expect(await readdir(keys)).toContain('node.key.lock');
  await store.generate(NEW_KEY);
  expect(await kids()).toHaveLength(3);
});

test('what a change that fails throws is thrown, and the next change is made', async () => {
  const path = join(keys, 'node.key.lock');
  await expect(underLock(path, () => Promise.reject(new Error('canary')))).rejects.toThrow('canary');
  expect(await underLock(path, async () => 'done')).toBe('done');
});

describe('drafts that a crash left behind', () => {
  const drafts = ['node.key.0123456789ab.new', 'identity.key.0123456789ab.new'].map((name) => [name] as const);
  const left = async () => (await readdir(keys)).filter((name) => name.endsWith('.new'));
  const leave = (name: string) => copyFile(join(keys, name.replace(/\..{12}\.new$/, '')), join(keys, name));

  test.each(drafts)('do not outlive the next opening of the store: %s', async (name) => {
    await leave(name);
    await open();
    expect(await left()).toEqual([]);
  });

  test.each(drafts)('do not outlive the destruction of a private part: %s', async (name) => {
    await leave(name);
    const [{ kid = '' } = {}] = store.publicKeys();
    expect(isRefusal(await store.revoke(kid, { revokedAt: NOW, reason: 'stolen' }))).toBe(false);
    expect(await left()).toEqual([]);
    expect((await (await open()).openIdentity()) !== undefined).toBe(true);
  });

  test('are told from the draft of a process that writes at this moment', async () => {
    const name = 'node.key.0123456789ab.new';
    const { promise: written, resolve: write } = Promise.withResolvers<void>();
    const writing = underLock(join(keys, 'node.key.lock'), async () => {
      await leave(name);
      await written;
      await rename(join(keys, name), join(keys, 'node.key'));
    });
    await expect.poll(left).toEqual([name]);
    const opening = open();
    await pause(200);
    expect(await left()).toEqual([name]);
    write();
    await writing;
    expect((await opening).publicKeys()).toHaveLength(2);
  });

  test('are nothing else that lies there', async () => {
    const others = ['node.key.backup.new', 'node.key.0123456789abc.new', 'other.key.0123456789ab.new'];
    for (const name of others) await writeFile(join(keys, name), 'kept', { mode: 0o600 });
    await store.generate(NEW_KEY);
    await open();
    expect((await left()).sort()).toEqual(others.sort());
  });
});
