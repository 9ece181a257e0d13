import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { listAlerts } from '../../src/exchange/alerts.ts';
import { examineKeys, readOwnKeys } from '../../src/exchange/doctor/keys.ts';
import { createKeyPlan } from '../../src/exchange/key-plan.ts';
import { writeCard } from '../../src/exchange/own-card.ts';
import { generateKey } from '../../src/exchange/own-keys.ts';
import { draftKeySet, publishKeys } from '../../src/exchange/publish.ts';
import { revokeKey } from '../../src/exchange/revoke-key.ts';
import { rotateKeys } from '../../src/exchange/rotate.ts';
import { signerFor } from '../../src/exchange/signing-key.ts';
import { consultWitness } from '../../src/exchange/witness.ts';
import { wellKnownRoutes } from '../../src/peer/well-known.ts';
import { befriend } from '../support/exchange.ts';
import { activeKey, BEGIN, claimsOf, done, HOUR, type KeyBench, keyBench, refusalOf } from '../support/own-keys.ts';

// The store is put back and the key file is not, or a process dies between the change of a key and its publication.

let bench: KeyBench;
beforeAll(async () => {
  bench = await keyBench();
});
afterAll(() => bench.close());
beforeEach(async () => {
  await bench.renew();
  const { db } = bench.exchange.store;
  await db.deleteFrom('alert').execute();
  await db.updateTable('node').set({ identity_seq: 0, identity_at: null }).execute();
  bench.now += HOUR;
});

const here = () => join(bench.folder, 'identity.key');
const elsewhere = () => join(bench.folder, '..', 'identity.key');
const away = () => rename(here(), elsewhere());
const back = () => rename(elsewhere(), here());

const look = () => createKeyPlan(bench.exchange)();
const entryOf = async (kid: string) => (await claimsOf(bench.exchange)).keys.find((key) => key.kid === kid);
const openAlerts = async () =>
  (await listAlerts(bench.exchange)).map(({ code, subject }) => [code, subject].join(' ').trim());
const findings = async () =>
  examineKeys(await readOwnKeys(bench.exchange), bench.now)
    .filter(({ level }) => level === 'bad')
    .map(({ code }) => code);

/** Keeps what the store says of the published key set; the answer puts it back. */
async function backup(): Promise<() => Promise<unknown>> {
  const { db } = bench.exchange.store;
  const kept = await db.selectFrom('node').select(['key_set', 'key_set_seq', 'card']).executeTakeFirstOrThrow();
  return () => db.updateTable('node').set(kept).execute();
}

async function revoked(use: 'sig' | 'enc' = 'sig') {
  const { kid } = await activeKey(bench.exchange, use);
  const { successor } = done(await revokeKey(bench.exchange, { kid, reason: 'compromised' }));
  if (!successor) throw new Error('no successor');
  return { lost: kid, next: successor.kid };
}

describe('a store that was put back to before', () => {
  test.each(['sig', 'enc'] as const)(
    'a revocation (%s) is caught up with, above every number that was published',
    async (use) => {
      const putBack = await backup();
      const { lost, next } = await revoked(use);
      const { seq } = await claimsOf(bench.exchange);
      bench.now += HOUR;
      await putBack();
      expect(await entryOf(lost)).not.toHaveProperty('revoked');
      await look();
      expect(await entryOf(lost)).toHaveProperty('revoked');
      expect(await entryOf(next)).toBeDefined();
      expect((await claimsOf(bench.exchange)).seq).toBeGreaterThan(seq);
      expect(await openAlerts()).toEqual([]);
    },
  );

  test('a rotation that was planned since, which goes on in time', async () => {
    const putBack = await backup();
    const { kid } = done(await rotateKeys(bench.exchange, {}));
    await putBack();
    await look();
    expect(await entryOf(kid)).toBeDefined();
    bench.now += 3 * HOUR;
    await look();
    expect((await activeKey(bench.exchange)).kid).toBe(kid);
  });

  test('a rotation that was carried out since', async () => {
    const putBack = await backup();
    const { kid } = done(await rotateKeys(bench.exchange, {}));
    bench.now += 3 * HOUR;
    await look();
    bench.now += 2 * HOUR;
    await look();
    await putBack();
    await look();
    expect(await entryOf(kid)).toBeDefined();
    expect(await openAlerts()).toEqual([]);
  });

  test('nothing that the keys know of is left alone', async () => {
    const { seq } = await claimsOf(bench.exchange);
    done(await generateKey(bench.exchange));
    bench.now += HOUR;
    await look();
    expect((await claimsOf(bench.exchange)).seq).toBe(seq);
    expect([await openAlerts(), await findings()]).toEqual([[], []]);
  });
});

describe('where the identity key is elsewhere', () => {
  test('a lost revocation is told at once, named, until somebody publishes', async () => {
    const putBack = await backup();
    const { lost } = await revoked();
    await putBack();
    await away();
    await look();
    await look();
    expect(await openAlerts()).toEqual([`key-set-behind ${lost}`]);
    expect(await findings()).toEqual(['revocation-unpublished', 'key-unpublished']);
    expect(isRefusal(await draftKeySet(bench.exchange))).toBe(false);
    await back();
    done(await publishKeys(bench.exchange));
    await look();
    expect([await openAlerts(), await findings()]).toEqual([[], []]);
  });

  test('a successor that nobody was told of is told as well, and a rotation that waits for its publication is not', async () => {
    await away();
    done(await rotateKeys(bench.exchange, {}));
    await look();
    expect(await openAlerts()).toEqual([]);
    await back();
    const putBack = await backup();
    await look();
    bench.now += 5 * HOUR;
    await look();
    const { kid } = await activeKey(bench.exchange);
    await away();
    await putBack();
    await look();
    expect(await openAlerts()).toEqual([`key-set-behind ${kid}`]);
    await back();
  });

  test('one that is published signs before one that is not', async () => {
    const { kid } = await activeKey(bench.exchange);
    const other = await bench.exchange.keys.generate({ alg: 'ES256', nbf: BEGIN, exp: BEGIN + 900 * HOUR });
    await bench.exchange.keys.activate(other.kid);
    const signs = async (algs: string[]) => signerFor(bench.exchange, algs, bench.now);
    expect(await signs(['Ed25519', 'ES256'])).toMatchObject({ kid });
    expect(await signs(['ES256'])).toMatchObject({ kid: other.kid });
    done(await publishKeys(bench.exchange));
    expect(await signs(['Ed25519', 'ES256'])).toMatchObject({ kid: other.kid });
  });
});

describe('a process that died between the steps', () => {
  test('of a revocation: the next one publishes it', async () => {
    const { kid } = await activeKey(bench.exchange);
    const { keys } = bench.exchange;
    const next = await keys.generate({ alg: 'Ed25519', nbf: BEGIN, exp: BEGIN + 900 * HOUR });
    await keys.activate(next.kid);
    await look();
    expect(await entryOf(next.kid)).toBeDefined();
    await keys.revoke(kid, { revokedAt: bench.now, reason: 'compromised' });
    await look();
    expect(await entryOf(kid)).toHaveProperty('revoked');
  });

  test('of a rotation', async () => {
    const nbf = bench.now + 3 * HOUR;
    const life = { nbf, exp: nbf + 900 * HOUR, plan: { activateAt: nbf } };
    const { kid } = await bench.exchange.keys.generate({ alg: 'Ed25519', ...life });
    await look();
    expect(await entryOf(kid)).toBeDefined();
  });

  test('of a new identity: the key set is signed by the one of today', async () => {
    done(await bench.exchange.keys.replaceIdentity());
    const { seq } = await claimsOf(bench.exchange);
    await look();
    const after = (await claimsOf(bench.exchange)).seq;
    expect(after).toBeGreaterThan(seq);
    const { db } = bench.exchange.store;
    const { identity_seq } = await db.selectFrom('node').select('identity_seq').executeTakeFirstOrThrow();
    expect(identity_seq).toBe(after);
    await look();
    expect((await claimsOf(bench.exchange)).seq).toBe(after);
  });

  test('of which two see it: it is published once', async () => {
    const { kid } = await activeKey(bench.exchange);
    await bench.exchange.keys.revoke(kid, { revokedAt: bench.now, reason: 'compromised' });
    await Promise.all([look(), createKeyPlan(await bench.second())()]);
    expect((await claimsOf(bench.exchange)).seq).toBe(bench.now);
  });
});

describe('until it is published, a revoked key is offered to nobody', () => {
  const get = async (url: string, etag = '') => {
    const app = fastify();
    wellKnownRoutes(app, bench.exchange);
    const answer = await app.inject({ url, headers: { 'if-none-match': etag } });
    await app.close();
    return answer;
  };

  test('by the key set, the plain keys or the card', async () => {
    const { seq } = await claimsOf(bench.exchange);
    const putBack = await backup();
    const { lost } = await revoked();
    await putBack();
    for (const etag of ['', `"${seq}"`]) {
      expect((await get('/.well-known/caseref-keys', etag)).statusCode).toBe(503);
    }
    expect((await get('/jwks.json')).body).not.toContain(lost);
    expect(refusalOf(await writeCard(bench.exchange))).toBe('state-conflict');
    await look();
    expect((await get('/.well-known/caseref-keys')).statusCode).toBe(200);
    expect(isRefusal(await writeCard(bench.exchange))).toBe(false);
  });
});

describe('a key file that is older than the key set', () => {
  test('publishes nothing by itself: a revocation would be taken back', async () => {
    const file = join(bench.folder, 'node.key');
    const old = await readFile(file);
    const { lost } = await revoked();
    await writeFile(file, old, { mode: 0o600 });
    bench.now += HOUR;
    const { seq } = await claimsOf(bench.exchange);
    await look();
    expect((await claimsOf(bench.exchange)).seq).toBe(seq);
    expect(await openAlerts()).toEqual([`key-file-behind ${lost}`]);
    expect(await findings()).toEqual(['key-file-behind', 'key-file-behind']);
  });
});

describe('a publication that no key tells of', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'caseref-witness-'));
    return () => rm(directory, { recursive: true });
  });

  test('is known by the witness, and made anew above it though the clock went back', async () => {
    const putBack = await backup();
    bench.now += HOUR;
    done(await publishKeys(bench.exchange));
    const { seq } = await claimsOf(bench.exchange);
    await consultWitness(bench.exchange, directory);
    await putBack();
    bench.now -= HOUR;
    await consultWitness(bench.exchange, directory);
    await away();
    await look();
    expect([await openAlerts(), await findings()]).toEqual([['key-set-behind'], ['key-set-behind']]);
    await back();
    await look();
    expect((await claimsOf(bench.exchange)).seq).toBe(seq + 1);
    expect([await openAlerts(), await findings()]).toEqual([[], []]);
  });

  test('is not asked of anybody where the store lost something else', async () => {
    await consultWitness(bench.exchange, directory);
    const file = join(directory, 'witness.json');
    const seen = JSON.parse(await readFile(file, 'utf8')) as { position: number };
    await writeFile(file, JSON.stringify({ ...seen, position: seen.position + 1 }), { mode: 0o600 });
    await consultWitness(bench.exchange, directory);
    await away();
    await look();
    expect(await openAlerts()).toEqual([]);
    await back();
  });
});

describe('a partner that was not reached', () => {
  const partner = 'https://node.police-b.example';
  const toldAt = async () => {
    const { db } = bench.exchange.store;
    const row = await db
      .selectFrom('partner')
      .select('told_at')
      .where('issuer', '=', partner)
      .executeTakeFirstOrThrow();
    return row.told_at?.getTime();
  };

  test('is told again by a node that nobody can ask, and else asks by itself', async () => {
    await befriend(bench.exchange, partner);
    const { exchange } = bench;
    await createKeyPlan(exchange)();
    expect(await toldAt()).toBeUndefined();
    const settings = { ...exchange.settings, pollOnly: true as const };
    await createKeyPlan({ ...exchange, settings })();
    expect(await toldAt()).toBe(bench.now * 1000);
    const { seq } = await claimsOf(exchange);
    await exchange.store.db.updateTable('partner').set({ told_seq: seq }).execute();
    const before = await toldAt();
    bench.now += HOUR;
    await createKeyPlan({ ...exchange, settings })();
    expect(await toldAt()).toBe(before);
  });
});
