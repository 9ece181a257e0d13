import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compactVerify, importJWK, type JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { lockSecrets, unlockSecrets } from '../../src/keys/container.ts';
import { createKeyStore, KEY_LIFE, type KeyStore, openKeyStore } from '../../src/keys/keystore.ts';

const WORDS = 'seven invented words for a test';
const OTHER_WORDS = 'seven other words for the same test';
const COST = 2 ** 14;
const NOW = 1_795_000_000;
let folder: string;
let keys: string;
let store: KeyStore;
const file = (name: string) => join(keys, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caseref-identity-'));
  keys = join(folder, 'keys');
  store = taken(await createKeyStore(keys, WORDS, { now: NOW, cost: COST }));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function taken<Answer>(answer: Answer): Exclude<Answer, { refused: true } | undefined> {
  if (isRefusal(answer)) throw new Error(`refused: ${answer.code} ${answer.message}`);
  if (answer === undefined) throw new Error('there is nothing');
  return answer as Exclude<Answer, { refused: true } | undefined>;
}

const open = async (words = WORDS) => taken(await openKeyStore(keys, words, COST));
const codeOf = (answer: unknown) => (isRefusal(answer) ? answer.code : 'taken');
const unlock = async (name: 'node' | 'identity', words = WORDS) =>
  unlockSecrets(name, await readFile(file(`${name}.key`), 'utf8'), words);
const lock = async (name: 'node' | 'identity', secrets: unknown, words = WORDS) =>
  writeFile(file(`${name}.key`), await lockSecrets(name, secrets, words, COST), { mode: 0o600 });

/** What an earlier release wrote: one signing key and the master key. */
async function makeOld(): Promise<void> {
  const { master, keys: all } = (await unlock('node')) as { master: string; keys: { use: string }[] };
  const [key] = all.filter(({ use }) => use === 'sig');
  await lock('node', { master, keys: [{ ...key, activation: undefined }] });
}

describe('the identity key', () => {
  test('signs key sets and peer cards, and verifies with the public part', async () => {
    const signer = taken(await store.openIdentity());
    expect(signer.kid).toBe(store.identity?.kid);
    for (const typ of ['jwk-set+jwt', 'caseref-peer+jwt']) {
      const compact = await signer.sign(typ, Buffer.from('{}'));
      const key = await importJWK({ ...store.identity?.jwk } as JWK, 'Ed25519');
      expect((await compactVerify(compact, key)).protectedHeader).toEqual({ alg: 'Ed25519', typ, kid: signer.kid });
    }
  });

  test.each(['secevent+jwt', 'caseref-bundle+jwt', 'caseref-approval+jwt', 'JWK-SET+JWT', ''])(
    'does not sign %o',
    async (typ) => {
      await expect(taken(await store.openIdentity()).sign(typ, Buffer.from('{}'))).rejects.toThrow(TypeError);
    },
  );

  test('may be taken offline: the node opens, knows who it is and signs messages', async () => {
    await rename(file('identity.key'), join(folder, 'identity.key'));
    const offline = await open();
    expect(offline.identity).toEqual(store.identity);
    expect(await offline.openIdentity()).toBeUndefined();
    expect(await offline.signer()?.sign('secevent+jwt', Buffer.from('{}'))).toContain('.');
    expect(taken(await offline.openIdentity({ path: join(folder, 'identity.key') })).kid).toBe(store.identity?.kid);
  });

  test('may have a passphrase of its own', async () => {
    await lock('identity', await unlock('identity'), OTHER_WORDS);
    const node = await open();
    expect(codeOf(await node.openIdentity())).toBe('passphrase-wrong');
    expect(taken(await node.openIdentity({ passphrase: OTHER_WORDS })).kid).toBe(store.identity?.kid);
  });

  test('of another node is refused', async () => {
    const other = join(folder, 'other');
    await createKeyStore(other, WORDS, { now: NOW, cost: COST });
    expect(codeOf(await store.openIdentity({ path: join(other, 'identity.key') }))).toBe('state-conflict');
  });

  test('cannot be node.key under another name', async () => {
    expect(codeOf(await store.openIdentity({ path: file('node.key') }))).toBe('setting-invalid');
  });
});

describe('a node.key of an earlier release', () => {
  test('learns the identity from the file beside it, and keeps it', async () => {
    await makeOld();
    expect((await open()).identity).toEqual(store.identity);
    await rm(file('identity.key'));
    const later = await open();
    expect(later.identity).toEqual(store.identity);
    expect(later.signer()?.kid).toBe(store.signer()?.kid);
    expect(later.publicKeys()).toHaveLength(1);
  });

  test('opens without an identity file, and learns the identity when it is brought', async () => {
    await makeOld();
    await rename(file('identity.key'), join(folder, 'identity.key'));
    const offline = await open();
    expect(offline.identity).toBeUndefined();
    expect(offline.signer()?.kid).toBe(store.signer()?.kid);
    taken(await offline.openIdentity({ path: join(folder, 'identity.key') }));
    expect(offline.identity).toEqual(store.identity);
    expect((await open()).identity).toEqual(store.identity);
  });

  test('opens where the identity file has another passphrase', async () => {
    await makeOld();
    await lock('identity', await unlock('identity'), OTHER_WORDS);
    expect((await open()).identity).toBeUndefined();
  });

  test('rotates its key without an order of activation', async () => {
    await makeOld();
    const node = await open();
    const old = node.signer()?.kid;
    const { kid } = await node.generate({ alg: 'ES256', nbf: NOW, exp: NOW + KEY_LIFE });
    taken(await node.activate(kid));
    expect(node.signer()?.kid).toBe(kid);
    expect(node.signer(['Ed25519'])?.kid).toBe(old);
  });
});

describe('a lost identity key', () => {
  test('is replaced: another kid at once and after opening, the old file aside under its kid', async () => {
    const old = taken(store.identity);
    const made = taken(await store.replaceIdentity());
    expect(made.kid).not.toBe(old.kid);
    for (const node of [store, await open()]) {
      expect(node.identity).toEqual(made);
      expect(taken(await node.openIdentity()).kid).toBe(made.kid);
      expect(node.signer()?.kid).toBe(store.signer()?.kid);
    }
    expect(await readdir(keys)).toContain(`identity-${old.kid}.old`);
    expect(codeOf(await store.openIdentity({ path: file(`identity-${old.kid}.old`) }))).toBe('state-conflict');
  });

  test('is replaced where no file is here, under a passphrase of its own if asked', async () => {
    await rm(file('identity.key'));
    const made = taken(await store.replaceIdentity({ passphrase: OTHER_WORDS }));
    expect(codeOf(await store.openIdentity())).toBe('passphrase-wrong');
    expect(taken(await store.openIdentity({ passphrase: OTHER_WORDS })).kid).toBe(made.kid);
    expect((await readdir(keys)).sort()).toEqual(['identity.key', 'node.key', 'node.key.lock']);
  });

  test('that another process replaced is opened by a store that did not know yet', async () => {
    const made = taken(await (await open()).replaceIdentity());
    expect(taken(await store.openIdentity()).kid).toBe(made.kid);
    expect(store.identity).toEqual(made);
  });

  test('is not replaced under a short passphrase', async () => {
    expect(codeOf(await store.replaceIdentity({ passphrase: 'short' }))).toBe('setting-invalid');
    expect(taken(await store.openIdentity()).kid).toBe(store.identity?.kid);
  });

  test('whose replacement broke off before node.key named it is replaced again, and no file is overwritten', async () => {
    const before = await readFile(file('node.key'));
    const old = taken(store.identity);
    await store.replaceIdentity();
    await writeFile(file('node.key'), before, { mode: 0o600 });
    const node = await open();
    expect(node.identity).toEqual(old);
    expect(codeOf(await node.openIdentity())).toBe('state-conflict');
    const made = taken(await node.replaceIdentity());
    expect(taken(await node.openIdentity()).kid).toBe(made.kid);
    expect((await readdir(keys)).filter((name) => name.startsWith(`identity-${old.kid}.old`))).toHaveLength(2);
  });
});

describe('the passphrase', () => {
  test('is changed for both files, and the running store goes on with the new one', async () => {
    expect(await store.changePassphrase(WORDS, OTHER_WORDS)).toEqual({ identity: 'changed' });
    expect(codeOf(await openKeyStore(keys, WORDS))).toBe('passphrase-wrong');
    expect(codeOf(await unlock('identity'))).toBe('passphrase-wrong');
    await store.generate({ alg: 'Ed25519', nbf: NOW, exp: NOW + KEY_LIFE });
    const node = await open(OTHER_WORDS);
    expect(node.publicKeys()).toEqual(store.publicKeys());
    for (const one of [store, node]) expect(taken(await one.openIdentity()).kid).toBe(store.identity?.kid);
    expect(await store.reload()).toBe(false);
  });

  test.each([
    ['the wrong current one', 'seven wrong words for a test', OTHER_WORDS, 'passphrase-wrong'],
    ['a short next one', WORDS, 'elevenchars', 'setting-invalid'],
  ])('is not changed with %s, and no file is touched', async (_name, current, next, code) => {
    const before = [await readFile(file('node.key')), await readFile(file('identity.key'))];
    expect(codeOf(await store.changePassphrase(current, next))).toBe(code);
    expect([await readFile(file('node.key')), await readFile(file('identity.key'))]).toEqual(before);
  });

  test('is changed where the identity file is elsewhere or has its own', async () => {
    await lock('identity', await unlock('identity'), 'seven words of the identity alone');
    expect(await store.changePassphrase(WORDS, OTHER_WORDS)).toEqual({ identity: 'own-passphrase' });
    expect(codeOf(await unlock('identity', 'seven words of the identity alone'))).toBe('taken');
    await rm(file('identity.key'));
    expect(await store.changePassphrase(OTHER_WORDS, WORDS)).toEqual({ identity: 'absent' });
    expect((await open()).publicKeys()).toEqual(store.publicKeys());
  });

  test('is not changed for node.key where the identity file is refused', async () => {
    await chmod(file('identity.key'), 0o640);
    expect(codeOf(await store.changePassphrase(WORDS, OTHER_WORDS))).toBe('file-mode-lax');
    expect((await open()).publicKeys()).toEqual(store.publicKeys());
  });

  test('whose change broke off between the files is changed by the same call again', async () => {
    await lock('identity', await unlock('identity'), OTHER_WORDS);
    const node = await open();
    expect(await node.changePassphrase(WORDS, OTHER_WORDS)).toEqual({ identity: 'changed' });
    expect(taken(await (await open(OTHER_WORDS)).openIdentity()).kid).toBe(store.identity?.kid);
  });

  test('changed by another process is told, and the node goes on with the keys that it has', async () => {
    const other = await open();
    const { kid } = await other.generate({ alg: 'ES256', nbf: NOW, exp: NOW + KEY_LIFE });
    await other.changePassphrase(WORDS, OTHER_WORDS);
    await expect(store.reload()).rejects.toThrow('passphrase');
    expect(store.signer()).toBeDefined();
    expect(other.publicKeys().map((key) => key.kid)).toContain(kid);
  });
});

test('a directory in the place of the identity file is refused, not read', async () => {
  await rm(file('identity.key'));
  await mkdir(file('identity.key'));
  expect(codeOf(await store.openIdentity())).toBe('file-mode-lax');
});
