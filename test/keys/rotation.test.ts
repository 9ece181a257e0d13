import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompactEncrypt, compactVerify, importJWK, type JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { unlockSecrets } from '../../src/keys/container.ts';
import { createKeyStore, KEY_LIFE, type KeyStore, openKeyStore, type PublicKey } from '../../src/keys/keystore.ts';

const WORDS = 'seven invented words for a test';
const COST = 2 ** 14;
const NOW = 1_795_000_000;
const LIFE = { nbf: NOW, exp: NOW + KEY_LIFE };
let keys: string;
let store: KeyStore;

beforeEach(async () => {
  keys = await mkdtemp(join(tmpdir(), 'caseref-rotation-'));
  store = taken(await createKeyStore(keys, WORDS, { now: NOW, cost: COST }));
});
afterEach(() => rm(keys, { recursive: true, force: true }));

function taken<Answer>(answer: Answer): Exclude<Answer, { refused: true }> {
  if (isRefusal(answer)) throw new Error(`refused: ${answer.code} ${answer.message}`);
  return answer as Exclude<Answer, { refused: true }>;
}

const open = async () => taken(await openKeyStore(keys, WORDS, COST));
const codeOf = (answer: unknown) => (isRefusal(answer) ? answer.code : 'taken');
const privateParts = async () => {
  const file = (await unlockSecrets('node', await readFile(join(keys, 'node.key'), 'utf8'), WORDS)) as {
    keys: { kid: string; private?: { d?: string; priv?: string } }[];
  };
  return new Map(file.keys.map((key) => [key.kid, key.private?.d ?? key.private?.priv]));
};
const find = (kid: string, where = store) => where.publicKeys().find((key) => key.kid === kid);
const first = (use: PublicKey['use']) => store.publicKeys().find((key) => key.use === use)?.kid ?? '';

async function encryptTo(kid: string): Promise<string> {
  const key = await importJWK({ ...find(kid)?.jwk } as JWK, 'ECDH-ES');
  const header = { alg: 'ECDH-ES', enc: 'A256GCM', kid };
  return await new CompactEncrypt(Buffer.from('canary')).setProtectedHeader(header).encrypt(key);
}

describe('a signing key', () => {
  test.each(['Ed25519', 'EdDSA', 'ES256', 'ML-DSA-65'] as const)(
    'of %s is made, activated, kept and signs',
    async (alg) => {
      const { kid } = await store.generate({ alg, ...LIFE });
      expect(find(kid)).toMatchObject({ alg, use: 'sig', state: 'future' });
      taken(await store.activate(kid));
      const signer = (await open()).signer([alg]);
      expect(signer).toMatchObject({ kid, alg });
      const compact = (await signer?.sign('secevent+jwt', Buffer.from('{}'))) ?? '';
      const { payload } = await compactVerify(compact, await importJWK({ ...find(kid)?.jwk, alg } as JWK, alg));
      expect(Buffer.from(payload).toString()).toBe('{}');
    },
  );

  test('for the future is not chosen', async () => {
    const before = store.signer()?.kid;
    await store.generate({ alg: 'ES256', ...LIFE, plan: { activateAt: NOW + 10 } });
    expect(store.signer()?.kid).toBe(before);
    expect(store.signer(['ES256'])).toBeUndefined();
    expect((await open()).publicKeys().at(-1)).toMatchObject({ state: 'future', plan: { activateAt: NOW + 10 } });
  });

  test('is chosen by algorithm, the newest activated first, and ML-DSA only by its name', async () => {
    const older = store.signer()?.kid;
    const es = await store.generate({ alg: 'ES256', ...LIFE });
    const pq = await store.generate({ alg: 'ML-DSA-65', ...LIFE });
    for (const { kid } of [es, pq]) taken(await store.activate(kid));
    for (const one of [store, await open()]) {
      expect(one.signer()?.kid).toBe(es.kid);
      expect(one.signer(['Ed25519'])?.kid).toBe(older);
      expect(one.signer(['Ed25519', 'ES256', 'ML-DSA-65'])?.kid).toBe(pq.kid);
      expect(one.signer(['EdDSA'])).toBeUndefined();
      expect(one.signer([])).toBeUndefined();
    }
  });

  test('that was replaced is chosen no more and keeps its private part until it is retired', async () => {
    const old = first('sig');
    const secret = (await privateParts()).get(old);
    const { kid } = await store.generate({ alg: 'Ed25519', ...LIFE });
    taken(await store.activate(kid, { nbf: NOW + 5, retireReplacedAt: NOW + 50 }));
    expect(find(old)).toMatchObject({ state: 'replaced', retireAt: NOW + 50 });
    expect(find(kid)).toMatchObject({ state: 'active', nbf: NOW + 5 });
    expect(store.signer()?.kid).toBe(kid);
    expect((await privateParts()).get(old)).toBe(secret);
    expect(taken(await store.retire(old, { exp: NOW + 90 }))).toMatchObject({ state: 'retired', exp: NOW + 90 });
    expect((await privateParts()).get(old)).toBeUndefined();
    expect(find(old)).not.toHaveProperty('retireAt');
  });

  test.each(['retired', 'revoked'] as const)('that is %s is gone from the file, and may be the last', async (end) => {
    const kid = first('sig');
    const secret = (await privateParts()).get(kid) ?? '';
    expect(secret).toMatch(/^[\w-]{43}$/);
    const answer =
      end === 'retired'
        ? await store.retire(kid, { exp: NOW + 90 })
        : await store.revoke(kid, { revokedAt: NOW, reason: 'stolen' });
    expect(taken(answer)).toMatchObject({ kid, state: end });
    expect(answer).not.toHaveProperty('private');
    const file = await unlockSecrets('node', await readFile(join(keys, 'node.key'), 'utf8'), WORDS);
    expect(JSON.stringify(file)).not.toContain(secret);
    for (const one of [store, await open()]) {
      expect(one.signer()).toBeUndefined();
      expect(find(kid, one)).toMatchObject({ state: end, use: 'sig' });
    }
  });

  test('cannot come back', async () => {
    const kid = first('sig');
    await store.retire(kid, { exp: NOW + 90 });
    const before = await stat(join(keys, 'node.key'));
    expect(codeOf(await store.activate(kid))).toBe('state-conflict');
    expect(codeOf(await store.retire(kid, { exp: NOW + 95 }))).toBe('state-conflict');
    expect(codeOf(await store.activate('no-such-kid'))).toBe('not-found');
    expect((await stat(join(keys, 'node.key'))).ino).toBe(before.ino);
  });

  test.each(['jwk-set+jwt', 'caseref-peer+jwt', 'caseref-approval+jwt', 'SECEVENT+JWT', ''])(
    'does not sign %o',
    async (typ) => {
      await expect(store.signer()?.sign(typ, Buffer.from('{}'))).rejects.toThrow(TypeError);
    },
  );

  test('signs bundle manifests as well', async () => {
    expect(await store.signer()?.sign('caseref-bundle+jwt', Buffer.from('{}'))).toContain('.');
  });

  test('that would end before it begins is not made', async () => {
    await expect(store.generate({ alg: 'Ed25519', nbf: NOW, exp: NOW })).rejects.toThrow(RangeError);
  });
});

describe('an encryption key', () => {
  test('opens what was encrypted to it while it is for the future, active or replaced', async () => {
    const old = first('enc');
    const { kid } = await store.generate({ alg: 'ECDH-ES', ...LIFE });
    const compact = { old: await encryptTo(old), next: await encryptTo(kid) };
    const opens = async (one: KeyStore, which: string, what: string) =>
      Buffer.from((await one.decrypter(which)?.decrypt(what)) ?? 'nothing').toString();
    expect(await opens(store, kid, compact.next)).toBe('canary');
    taken(await store.activate(kid, { retireReplacedAt: NOW + 50 }));
    for (const one of [store, await open()]) {
      expect(await opens(one, old, compact.old)).toBe('canary');
      expect(await opens(one, kid, compact.next)).toBe('canary');
    }
    taken(await store.retire(old, { exp: NOW + 90 }));
    expect(store.decrypter(old)).toBeUndefined();
    expect((await privateParts()).get(old)).toBeUndefined();
    expect(await opens(store, kid, compact.next)).toBe('canary');
  });

  test('never signs, and a signing key never decrypts', async () => {
    expect(store.signer(['ECDH-ES'])).toBeUndefined();
    expect(store.decrypter(first('sig'))).toBeUndefined();
    expect(store.decrypter('no-such-kid')).toBeUndefined();
  });
});

describe('reload', () => {
  test('takes over what another store changed, and costs nothing where nothing changed', async () => {
    const other = await open();
    expect(await store.reload()).toBe(false);
    const kept = store.signer();
    const { kid } = await other.generate({ alg: 'ES256', ...LIFE });
    taken(await other.activate(kid));
    expect(find(kid)).toBeUndefined();
    expect(await store.reload()).toBe(true);
    expect(store.publicKeys()).toEqual(other.publicKeys());
    expect(store.signer()?.kid).toBe(kid);
    expect(store.signer(['Ed25519'])).toBe(kept);
    expect(await store.reload()).toBe(false);
    const begin = performance.now();
    for (let time = 0; time < 100; time += 1) await store.reload();
    expect(performance.now() - begin).toBeLessThan(1000);
  });

  test('forgets a key that another store destroyed', async () => {
    const enc = first('enc');
    const other = await open();
    taken(await other.revoke(enc, { revokedAt: NOW, reason: 'stolen' }));
    taken(await other.revoke(first('sig'), { revokedAt: NOW, reason: 'stolen' }));
    expect(await store.reload()).toBe(true);
    expect(store.signer()).toBeUndefined();
    expect(store.decrypter(enc)).toBeDefined();
    const secret = (await privateParts()).get(enc) ?? '';
    taken(await other.destroy(enc));
    expect(await store.reload()).toBe(true);
    expect(store.decrypter(enc)).toBeUndefined();
    const file = await unlockSecrets('node', await readFile(join(keys, 'node.key'), 'utf8'), WORDS);
    expect([secret.length, JSON.stringify(file).includes(secret)]).toEqual([43, false]);
  });

  test('still sees the change of another store after an own change was refused', async () => {
    const { kid } = await (await open()).generate({ alg: 'ES256', ...LIFE });
    expect(codeOf(await store.activate('no-such-kid'))).toBe('not-found');
    expect(await store.reload()).toBe(true);
    expect(find(kid)).toBeDefined();
  });

  test.each([
    ['gone', (path: string) => rm(path), 'missing'],
    ['damaged', (path: string) => writeFile(path, '{}'), 'damaged'],
  ])('tells once that the file is %s, and the node goes on', async (_name, spoil, message) => {
    const signer = store.signer();
    await spoil(join(keys, 'node.key'));
    await expect(store.reload()).rejects.toThrow(message);
    expect(await store.reload()).toBe(false);
    expect(store.signer()).toBe(signer);
    await expect(store.generate({ alg: 'ES256', ...LIFE })).rejects.toThrow('cannot be opened any more');
  });
});
