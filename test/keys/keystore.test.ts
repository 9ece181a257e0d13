import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compactVerify, importJWK, type JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { createKeyStore, KEY_LIFE, type KeyStore, openKeyStore } from '../../src/keys/keystore.ts';

const WORDS = 'seven invented words for a test';
const COST = 2 ** 14;
const NOW = 1_795_000_000;
let folder: string;
let keys: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caseref-keys-'));
  keys = join(folder, 'keys');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function opened(answer: Awaited<ReturnType<typeof openKeyStore>>): KeyStore {
  if (isRefusal(answer)) throw new Error(`refused: ${answer.code} ${answer.message}`);
  return answer;
}

const create = async () => opened(await createKeyStore(keys, WORDS, { now: NOW, cost: COST }));
const open = async () => opened(await openKeyStore(keys, WORDS, COST));
const codeOf = (answer: unknown) => (isRefusal(answer) ? answer.code : 'taken');

test('a new store has an identity key and one active operational key, and they differ', async () => {
  const store = await create();
  const [key, ...others] = store.publicKeys();
  expect(others).toEqual([]);
  expect(key).toMatchObject({ alg: 'Ed25519', use: 'sig', nbf: NOW, exp: NOW + KEY_LIFE, state: 'active' });
  expect(key?.kid).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(store.signer().kid).toBe(key?.kid);
  expect(store.identity?.kid).not.toBe(key?.kid);
});

test('a signature has the header alg, typ, kid in that order and verifies with the public key', async () => {
  const store = await create();
  const compact = await store.signer().sign('secevent+jwt', Buffer.from('{"a":1}'));
  const { kid } = store.signer();
  expect(Buffer.from(compact.split('.')[0] ?? '', 'base64url').toString()).toBe(
    `{"alg":"Ed25519","typ":"secevent+jwt","kid":"${kid}"}`,
  );
  const { jwk } = store.publicKeys()[0] ?? {};
  const { payload } = await compactVerify(compact, await importJWK({ ...jwk } as JWK, 'Ed25519'));
  expect(Buffer.from(payload).toString()).toBe('{"a":1}');
});

test('opened again it has the same keys and opens what was sealed before', async () => {
  const first = await create();
  const { key, wrapped } = first.vault.newDataKey('owner');
  const place = { table: 'reference', row: '1', column: 'url' };
  const sealed = first.vault.seal(key, place, Buffer.from('canary'));
  const second = await open();
  expect(second.signer().kid).toBe(first.signer().kid);
  expect(second.identity?.kid).toBe(first.identity?.kid);
  expect(Buffer.from(second.vault.open(second.vault.unwrap(wrapped, 'owner'), place, sealed)).toString()).toBe(
    'canary',
  );
});

test('with the identity file taken offline messages are signed and key sets are not', async () => {
  await create();
  await rename(join(keys, 'identity.key'), join(folder, 'identity.key'));
  const store = await open();
  expect(store.identity).toBeUndefined();
  expect(await store.signer().sign('secevent+jwt', Buffer.from('{}'))).toContain('.');
});

test('public keys show no private member', async () => {
  const store = await create();
  await store.generate({ alg: 'Ed25519', nbf: NOW, exp: NOW + KEY_LIFE });
  expect(JSON.stringify([store.publicKeys(), store.identity?.jwk])).not.toMatch(/"d"|"private"/);
});

describe('files', () => {
  test('are for their owner alone, and nothing is left beside them', async () => {
    await create();
    expect((await stat(keys)).mode & 0o777).toBe(0o700);
    expect((await readdir(keys)).sort()).toEqual(['identity.key', 'node.key']);
    for (const name of await readdir(keys)) expect((await stat(join(keys, name))).mode & 0o777).toBe(0o600);
  });

  test('hold no key and no passphrase in the clear', async () => {
    await create();
    const text =
      (await readFile(join(keys, 'node.key'), 'utf8')) + (await readFile(join(keys, 'identity.key'), 'utf8'));
    expect(text).toContain('scrypt');
    expect(text).not.toMatch(/"d":|master|seven/);
  });

  test('are never overwritten by a second making', async () => {
    await create();
    const before = await readFile(join(keys, 'identity.key'), 'utf8');
    expect(codeOf(await createKeyStore(keys, WORDS, { now: NOW, cost: COST }))).toBe('state-conflict');
    expect(await readFile(join(keys, 'identity.key'), 'utf8')).toBe(before);
  });

  test.each(['identity.key', 'node.key'])('%s is refused with a laxer mode', async (name) => {
    await create();
    for (const mode of [0o640, 0o604, 0o660]) {
      await chmod(join(keys, name), mode);
      expect(codeOf(await openKeyStore(keys, WORDS))).toBe('file-mode-lax');
    }
  });

  test('a directory that others can enter is refused, before anything is written into it', async () => {
    await mkdir(keys, { mode: 0o755 });
    expect(codeOf(await createKeyStore(keys, WORDS, { now: NOW, cost: COST }))).toBe('file-mode-lax');
    expect(await readdir(keys)).toEqual([]);
  });

  test('a symbolic link is refused', async () => {
    await create();
    await rename(join(keys, 'node.key'), join(folder, 'moved'));
    await symlink(join(folder, 'moved'), join(keys, 'node.key'));
    expect(codeOf(await openKeyStore(keys, WORDS))).toBe('file-mode-lax');
  });

  test('a draft that a crash left behind does not stop the next write', async () => {
    const store = await create();
    await writeFile(join(keys, `node.key.${process.pid}.new`), 'half', { mode: 0o600 });
    await store.generate({ alg: 'Ed25519', nbf: NOW, exp: NOW + KEY_LIFE });
    expect((await open()).publicKeys()).toHaveLength(2);
  });
});

describe('a passphrase', () => {
  test('that is wrong is an answer, not a failure', async () => {
    await create();
    expect(codeOf(await openKeyStore(keys, 'seven other words for a test'))).toBe('passphrase-wrong');
  });

  test.each(['', 'short', 'elevenchars'])('of %o is refused at creation, and nothing is written', async (words) => {
    expect(codeOf(await createKeyStore(keys, words, { now: NOW, cost: COST }))).toBe('setting-invalid');
    await expect(stat(keys)).rejects.toThrow('ENOENT');
  });

  test('opens the store in either spelling of its letters', async () => {
    opened(await createKeyStore(keys, 'caf\u00e9 sieben W\u00f6rter', { now: NOW, cost: COST }));
    expect(codeOf(await openKeyStore(keys, 'cafe\u0301 sieben Wo\u0308rter'))).toBe('taken');
  });
});

describe('generate', () => {
  test('keeps a future key and does not sign with it', async () => {
    const store = await create();
    const active = store.signer().kid;
    const made = await store.generate({ alg: 'ES256', nbf: NOW + 10, exp: NOW + KEY_LIFE });
    expect(made).toMatchObject({ state: 'future', alg: 'ES256', nbf: NOW + 10 });
    expect(made).not.toHaveProperty('private');
    expect((await open()).publicKeys().map(({ kid }) => kid)).toEqual([active, made.kid]);
    expect((await open()).signer().kid).toBe(active);
  });

  test('loses no key that another process made in between', async () => {
    const first = await create();
    const second = await open();
    const one = await second.generate({ alg: 'Ed25519', nbf: NOW, exp: NOW + KEY_LIFE });
    const two = await first.generate({ alg: 'Ed25519', nbf: NOW, exp: NOW + KEY_LIFE });
    const kids = (await open()).publicKeys().map(({ kid }) => kid);
    expect(kids).toContain(one.kid);
    expect(kids).toContain(two.kid);
  });

  test('called twice at once keeps both', async () => {
    const store = await create();
    const key = { alg: 'Ed25519', nbf: NOW, exp: NOW + KEY_LIFE } as const;
    await Promise.all([store.generate(key), store.generate(key)]);
    expect((await open()).publicKeys()).toHaveLength(3);
  });
});
