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

test('a new store has an identity, an active signing key and an active encryption key, all different', async () => {
  const store = await create();
  const [sig, enc, ...others] = store.publicKeys();
  expect(others).toEqual([]);
  const life = { nbf: NOW, exp: NOW + KEY_LIFE, state: 'active' };
  expect(sig).toMatchObject({ alg: 'Ed25519', use: 'sig', jwk: { kty: 'OKP', crv: 'Ed25519' }, ...life });
  expect(enc).toMatchObject({ alg: 'ECDH-ES', use: 'enc', jwk: { kty: 'OKP', crv: 'X25519' }, ...life });
  expect(sig?.kid).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(store.signer()?.kid).toBe(sig?.kid);
  expect(store.decrypter(enc?.kid ?? '')?.kid).toBe(enc?.kid);
  expect(new Set([store.identity?.kid, sig?.kid, enc?.kid]).size).toBe(3);
});

test('a signature has the header alg, typ, kid in that order and verifies with the public key', async () => {
  const store = await create();
  const signer = store.signer();
  const compact = (await signer?.sign('secevent+jwt', Buffer.from('{"a":1}'))) ?? '';
  expect(Buffer.from(compact.split('.')[0] ?? '', 'base64url').toString()).toBe(
    `{"alg":"Ed25519","typ":"secevent+jwt","kid":"${signer?.kid}"}`,
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
  expect(second.publicKeys()).toEqual(first.publicKeys());
  expect(second.signer()?.kid).toBe(first.signer()?.kid);
  expect(second.identity).toEqual(first.identity);
  expect(Buffer.from(second.vault.open(second.vault.unwrap(wrapped, 'owner'), place, sealed)).toString()).toBe(
    'canary',
  );
});

test('public keys show no private member', async () => {
  const store = await create();
  const made = await store.generate({ alg: 'ML-DSA-65', nbf: NOW, exp: NOW + KEY_LIFE });
  await store.activate(made.kid);
  expect(JSON.stringify([store.publicKeys(), store.identity])).not.toMatch(/"d"|"priv"|"private"/);
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

  test('are not made beside an identity key that is here already', async () => {
    await create();
    await rm(join(keys, 'node.key'));
    expect(codeOf(await createKeyStore(keys, WORDS, { now: NOW, cost: COST }))).toBe('state-conflict');
    expect(await readdir(keys)).toEqual(['identity.key']);
  });

  test('are refused with a laxer mode: node.key when the store is opened, identity.key when it is', async () => {
    const store = await create();
    for (const mode of [0o640, 0o604, 0o660]) {
      await chmod(join(keys, 'identity.key'), mode);
      expect(codeOf(await openKeyStore(keys, WORDS))).toBe('taken');
      expect(codeOf(await store.openIdentity())).toBe('file-mode-lax');
      await chmod(join(keys, 'node.key'), mode);
      expect(codeOf(await openKeyStore(keys, WORDS))).toBe('file-mode-lax');
      await chmod(join(keys, 'node.key'), 0o600);
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
    expect((await open()).publicKeys()).toHaveLength(3);
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
