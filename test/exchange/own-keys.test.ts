import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { followKeyPlan } from '../../src/exchange/key-plan.ts';
import { activateKey, retireKey } from '../../src/exchange/key-state.ts';
import { generateKey, ownKeys } from '../../src/exchange/own-keys.ts';
import { publishKeys } from '../../src/exchange/publish.ts';
import { revokeKey } from '../../src/exchange/revoke-key.ts';
import { planRotation, rotateKeys } from '../../src/exchange/rotate.ts';
import type { KeyStore } from '../../src/keys/keystore.ts';
import {
  activeKey,
  BEGIN,
  claimsOf,
  DAY,
  done,
  eventsOf,
  HOUR,
  iso,
  type KeyBench,
  keyBench,
  refusalOf,
} from '../support/own-keys.ts';

let bench: KeyBench;

beforeAll(async () => {
  bench = await keyBench();
});
afterAll(() => bench.close());
beforeEach(() => bench.renew());

const entryOf = async (kid: string) => (await claimsOf(bench.exchange)).keys.find((key) => key.kid === kid);
const keyOf = async (kid: string) => (await ownKeys(bench.exchange)).find((key) => key.kid === kid);

describe('a key is made', () => {
  test('to begin three refresh periods from now, without being used', async () => {
    const made = done(await generateKey(bench.exchange, { alg: 'ES256' }));
    expect(made).toMatchObject({
      alg: 'ES256',
      use: 'sig',
      state: 'future',
      notBefore: iso(BEGIN + 3 * HOUR),
      published: false,
    });
    expect(bench.exchange.keys.signer()?.alg).toBe('Ed25519');
    expect(await eventsOf(bench.exchange, 'keys.generated')).toMatchObject([{ kid: made.kid, alg: 'ES256' }]);
  });

  test('earlier with a reason only, which the feed keeps', async () => {
    const from = iso(BEGIN + HOUR);
    expect(refusalOf(await generateKey(bench.exchange, { from }))).toBe('state-conflict /from');
    const made = done(await generateKey(bench.exchange, { from, reason: 'The old one ends tonight' }));
    expect(made.notBefore).toBe(from);
    expect(await eventsOf(bench.exchange, 'keys.generated')).toMatchObject([
      { kid: made.kid, reason: 'The old one ends tonight' },
    ]);
  });

  test('for encryption, of the one algorithm that there is', async () => {
    expect(done(await generateKey(bench.exchange, { use: 'enc' }))).toMatchObject({ alg: 'ECDH-ES', use: 'enc' });
    expect(refusalOf(await generateKey(bench.exchange, { use: 'enc', alg: 'ES256' }))).toBe('usage-invalid /alg');
  });

  test.each([
    ['in the past', { from: iso(BEGIN - 60), reason: 'why not' }, 'usage-invalid /from'],
    ['in two years', { from: iso(BEGIN + 730 * DAY) }, 'usage-invalid /from'],
    ['with a fingerprint for a reason', { reason: 'd41d8cd98f00b204e9800998ecf8427e' }, 'fingerprint-refused /reason'],
  ])('never %s', async (_name, wish, refusal) => {
    const before = bench.exchange.keys.publicKeys().length;
    expect(refusalOf(await generateKey(bench.exchange, wish))).toBe(refusal);
    expect(bench.exchange.keys.publicKeys()).toHaveLength(before);
  });
});

describe('a key is activated', () => {
  test('once it is published and has begun; the other one is replaced', async () => {
    const old = await activeKey(bench.exchange);
    const { kid } = done(await generateKey(bench.exchange));
    expect(refusalOf(await activateKey(bench.exchange, { kid }))).toBe('state-conflict /kid');
    done(await publishKeys(bench.exchange));
    expect(refusalOf(await activateKey(bench.exchange, { kid }))).toBe('state-conflict /kid');
    bench.now += 3 * HOUR;
    expect(done(await activateKey(bench.exchange, { kid }))).toMatchObject({ state: 'active', replaces: old.kid });
    expect(bench.exchange.keys.signer()?.kid).toBe(kid);
    expect(await keyOf(old.kid)).toMatchObject({ state: 'replaced', retireAt: iso(bench.now + HOUR) });
    expect(await eventsOf(bench.exchange, 'keys.activated')).toMatchObject([{ kid, replaces: old.kid }]);
  });

  test('earlier with a reason: it begins now and is published at once', async () => {
    const { kid } = done(await generateKey(bench.exchange));
    const forced = done(await activateKey(bench.exchange, { kid, reason: 'Somebody saw the old one' }));
    expect(forced).toMatchObject({ state: 'active', notBefore: iso(BEGIN), publication: { told: [], attested: 0 } });
    expect(await entryOf(kid)).toMatchObject({ nbf: BEGIN });
    expect(await eventsOf(bench.exchange, 'keys.activated')).toMatchObject([
      { kid, reason: 'Somebody saw the old one' },
    ]);
  });

  test('never twice, and never one that is not ours', async () => {
    const { kid } = await activeKey(bench.exchange);
    expect(refusalOf(await activateKey(bench.exchange, { kid }))).toBe('state-conflict');
    expect(refusalOf(await activateKey(bench.exchange, { kid: 'A'.repeat(43) }))).toBe('not-found /kid');
  });
});

describe('a rotation', () => {
  test('is planned without anything being done', async () => {
    const old = await activeKey(bench.exchange);
    expect(done(await planRotation(bench.exchange, {}))).toEqual({
      alg: 'Ed25519',
      use: 'sig',
      replaces: old.kid,
      publishes: true,
      tells: [],
      activateAt: iso(BEGIN + 3 * HOUR),
      retireAt: iso(BEGIN + 4 * HOUR),
      verifiedUntil: iso(BEGIN + 4 * HOUR + 100 * DAY),
    });
    expect(bench.exchange.keys.publicKeys()).toHaveLength(2);
  });

  test('of the signing key is carried out by the worker, step by step', async () => {
    const [old, woken] = [await activeKey(bench.exchange), bench.woken()];
    const { kid } = done(await rotateKeys(bench.exchange, {}));
    expect(await entryOf(kid)).toMatchObject({ nbf: BEGIN + 3 * HOUR });
    expect(refusalOf(await rotateKeys(bench.exchange, {}))).toBe('state-conflict');

    bench.now += 3 * HOUR - 1;
    await followKeyPlan(bench.exchange);
    expect(bench.exchange.keys.signer()?.kid).toBe(old.kid);
    bench.now += 1;
    await followKeyPlan(bench.exchange);
    expect(bench.exchange.keys.signer()?.kid).toBe(kid);
    expect(bench.woken()).toBe(woken + 1);

    bench.now += HOUR - 1;
    await followKeyPlan(bench.exchange);
    expect(await keyOf(old.kid)).toMatchObject({ state: 'replaced' });
    bench.now += 1;
    await followKeyPlan(bench.exchange);
    const { state, expiresAt } = (await keyOf(old.kid)) ?? {};
    expect(state).toBe('retired');
    expect(Date.parse(expiresAt ?? '') / 1000).toBeGreaterThanOrEqual(bench.now + 90 * DAY);
    expect(await eventsOf(bench.exchange, 'keys.retired')).toMatchObject([{ kid: old.kid, reason: 'replaced' }]);
    done(await publishKeys(bench.exchange));
    expect(await entryOf(old.kid)).toBeDefined();
  });

  test('of the encryption key keeps the old one for fourteen days', async () => {
    const old = await activeKey(bench.exchange, 'enc');
    const { kid } = done(await rotateKeys(bench.exchange, { use: 'enc' }));
    bench.now += 3 * HOUR;
    await followKeyPlan(bench.exchange);
    expect(await activeKey(bench.exchange, 'enc')).toMatchObject({ kid });
    bench.now += 14 * DAY - 1;
    await followKeyPlan(bench.exchange);
    expect(bench.exchange.keys.decrypter(old.kid)).toBeDefined();
    bench.now += 1;
    await followKeyPlan(bench.exchange);
    expect(bench.exchange.keys.decrypter(old.kid)).toBeUndefined();
    expect(bench.exchange.keys.decrypter(kid)).toBeDefined();
  });

  test('to a first key of another algorithm replaces nothing', async () => {
    const plan = done(await planRotation(bench.exchange, { alg: 'ES256' }));
    expect([plan.replaces, plan.retireAt]).toEqual([undefined, undefined]);
    done(await rotateKeys(bench.exchange, { alg: 'ES256' }));
    bench.now += 3 * HOUR;
    await followKeyPlan(bench.exchange);
    expect(bench.exchange.keys.signer(['Ed25519'])?.alg).toBe('Ed25519');
    expect(bench.exchange.keys.signer(['ES256'])?.alg).toBe('ES256');
  });

  test('publishes the old key for long enough, though it would end before', async () => {
    const old = await activeKey(bench.exchange);
    bench.now += 394 * DAY;
    done(await rotateKeys(bench.exchange, {}));
    expect((await entryOf(old.kid))?.exp).toBeGreaterThanOrEqual(bench.now + 4 * HOUR + 90 * DAY);
  });
});

describe('a key is retired', () => {
  test('never where nothing would stand in its place', async () => {
    for (const use of ['sig', 'enc'] as const) {
      expect(refusalOf(await retireKey(bench.exchange, { kid: (await activeKey(bench.exchange, use)).kid }))).toBe(
        'state-conflict /kid',
      );
    }
  });

  test('where a published one has begun, which takes over', async () => {
    const old = await activeKey(bench.exchange);
    const { kid } = done(await generateKey(bench.exchange));
    done(await publishKeys(bench.exchange));
    expect(refusalOf(await retireKey(bench.exchange, { kid: old.kid }))).toBe('state-conflict /kid');
    bench.now += 3 * HOUR;
    expect(done(await retireKey(bench.exchange, { kid: old.kid }))).toMatchObject({ kid: old.kid, state: 'retired' });
    expect(bench.exchange.keys.signer()?.kid).toBe(kid);
    expect(refusalOf(await retireKey(bench.exchange, { kid: old.kid }))).toBe('state-conflict');
  });

  test('before it was used, which takes a rotation back', async () => {
    const { kid } = done(await rotateKeys(bench.exchange, {}));
    expect(done(await retireKey(bench.exchange, { kid, reason: 'not now' }))).toMatchObject({ state: 'retired' });
    bench.now += 4 * HOUR;
    await followKeyPlan(bench.exchange);
    expect((await activeKey(bench.exchange)).kid).not.toBe(kid);
    expect(done(await planRotation(bench.exchange, {})).alg).toBe('Ed25519');
  });
});

/** The same keys, of which what is destroyed is up to the test. */
function withDestroy(keys: KeyStore, destroy: KeyStore['destroy']): KeyStore {
  return new Proxy(keys, {
    get: (target, name) => (name === 'destroy' ? destroy : Reflect.get(target, name)),
  });
}

describe('a key is revoked', () => {
  test('and another takes its place that began when it did, published at once', async () => {
    const lost = await activeKey(bench.exchange);
    bench.now += 5 * DAY;
    const since = iso(bench.now - DAY);
    const answer = done(await revokeKey(bench.exchange, { kid: lost.kid, reason: 'compromised', since }));
    expect(answer).toMatchObject({ state: 'revoked', revokedAt: since, revokedReason: 'compromised', published: true });
    expect(answer.successor?.made).toBe(true);
    expect(bench.exchange.keys.signer()?.kid).toBe(answer.successor?.kid);
    expect((await entryOf(lost.kid))?.revoked).toEqual({ revoked_at: bench.now - DAY, reason: 'compromised' });
    expect(await entryOf(answer.successor?.kid ?? '')).toMatchObject({ nbf: BEGIN });
    expect(await eventsOf(bench.exchange, 'keys.revoked')).toMatchObject([
      { kid: lost.kid, reason: 'compromised', since },
    ]);
  });

  test('and a published one that has begun takes its place', async () => {
    const lost = await activeKey(bench.exchange);
    const { kid } = done(await generateKey(bench.exchange));
    done(await publishKeys(bench.exchange));
    bench.now += 3 * HOUR;
    const answer = done(await revokeKey(bench.exchange, { kid: lost.kid, reason: 'compromised' }));
    expect(answer.successor).toEqual({ kid, made: false });
    expect(await entryOf(kid)).toMatchObject({ nbf: BEGIN });
  });

  test('while one that partners would refuse yet is left for later', async () => {
    const lost = await activeKey(bench.exchange);
    const coming = done(await rotateKeys(bench.exchange, {}));
    const { successor } = done(await revokeKey(bench.exchange, { kid: lost.kid, reason: 'compromised' }));
    expect(successor).toMatchObject({ made: true });
    expect(successor?.kid).not.toBe(coming.kid);
  });

  test('for encryption, and the new one begins now', async () => {
    const lost = await activeKey(bench.exchange, 'enc');
    bench.now += DAY;
    const { successor } = done(await revokeKey(bench.exchange, { kid: lost.kid, reason: 'compromised' }));
    expect(await activeKey(bench.exchange, 'enc')).toMatchObject({ kid: successor?.kid, notBefore: iso(bench.now) });
    expect(bench.exchange.keys.decrypter(lost.kid)).toBeUndefined();
  });

  test('for encryption with the identity key elsewhere, and opens what partners send until they are told', async () => {
    const { exchange, folder } = bench;
    const lost = await activeKey(exchange, 'enc');
    await rename(join(folder, 'identity.key'), join(folder, '..', 'identity.key'));
    expect(done(await revokeKey(exchange, { kid: lost.kid, reason: 'compromised' }))).toMatchObject({ opens: true });
    const offered = (await claimsOf(exchange)).keys.filter(({ use, revoked }) => use === 'enc' && !revoked);
    expect(offered.map(({ kid }) => [kid, exchange.keys.decrypter(kid)?.kid])).toEqual([[lost.kid, lost.kid]]);
    await followKeyPlan(exchange);
    expect(exchange.keys.decrypter(lost.kid)).toBeDefined();
    expect((await bench.second()).keys.decrypter(lost.kid)).toBeDefined();
    await rename(join(folder, '..', 'identity.key'), join(folder, 'identity.key'));
    done(await publishKeys(exchange));
    expect(exchange.keys.decrypter(lost.kid)).toBeUndefined();
    expect(await keyOf(lost.kid)).toMatchObject({ state: 'revoked' });
  });

  test('for encryption, and a process that died after the publication destroys the rest when it is back', async () => {
    const lost = await activeKey(bench.exchange, 'enc');
    await rename(join(bench.folder, 'identity.key'), join(bench.folder, '..', 'identity.key'));
    done(await revokeKey(bench.exchange, { kid: lost.kid, reason: 'compromised' }));
    await rename(join(bench.folder, '..', 'identity.key'), join(bench.folder, 'identity.key'));
    const { exchange } = bench;
    const killed = () => Promise.reject(new Error('killed'));
    await expect(publishKeys({ ...exchange, keys: withDestroy(exchange.keys, killed) })).rejects.toThrow('killed');
    const restarted = await bench.second();
    expect(restarted.keys.decrypter(lost.kid)).toBeDefined();
    await followKeyPlan(restarted);
    expect(restarted.keys.decrypter(lost.kid)).toBeUndefined();
  });

  test('for encryption before anybody was offered it, and is gone at once', async () => {
    const { kid } = done(await generateKey(bench.exchange, { use: 'enc' }));
    expect(done(await revokeKey(bench.exchange, { kid, reason: 'compromised' })).opens).toBeUndefined();
    expect(bench.exchange.keys.decrypter(kid)).toBeUndefined();
  });

  test('after it was replaced, and the key that had replaced it is destroyed some day', async () => {
    const old = await activeKey(bench.exchange);
    done(await rotateKeys(bench.exchange, {}));
    bench.now += 3 * HOUR;
    await followKeyPlan(bench.exchange);
    const second = await activeKey(bench.exchange);
    bench.now += 60;
    done(await revokeKey(bench.exchange, { kid: old.kid, reason: 'compromised' }));
    expect(await keyOf(second.kid)).toMatchObject({ state: 'replaced', retireAt: iso(bench.now + HOUR) });
    bench.now += HOUR;
    await followKeyPlan(bench.exchange);
    expect(await keyOf(second.kid)).toMatchObject({ state: 'retired' });
  });

  test('so long after it was replaced that the one in use can say again whatever is still said', async () => {
    const old = await activeKey(bench.exchange);
    done(await rotateKeys(bench.exchange, {}));
    bench.now += 3 * HOUR;
    await followKeyPlan(bench.exchange);
    const second = await activeKey(bench.exchange);
    bench.now += 91 * DAY;
    const revoked = done(await revokeKey(bench.exchange, { kid: old.kid, reason: 'compromised' }));
    expect(revoked.successor).toBeUndefined();
    expect(await activeKey(bench.exchange)).toMatchObject({ kid: second.kid });
  });

  test('after it was replaced, and what it signed can still be said again', async () => {
    const lost = await activeKey(bench.exchange);
    done(await rotateKeys(bench.exchange, {}));
    bench.now += 3 * HOUR;
    await followKeyPlan(bench.exchange);
    const { successor } = done(await revokeKey(bench.exchange, { kid: lost.kid, reason: 'compromised' }));
    expect(bench.exchange.keys.signer()?.kid).toBe(successor?.kid);
    expect(await entryOf(successor?.kid ?? '')).toMatchObject({ nbf: BEGIN });
  });

  test('from its begin on where the instant lies before it, and the answer says so', async () => {
    const { kid } = await activeKey(bench.exchange);
    const wish = { kid, reason: 'compromised', since: iso(BEGIN - DAY) };
    expect(done(await revokeKey(bench.exchange, wish))).toMatchObject({ revokedAt: iso(BEGIN), sinceBegin: true });
    expect((await entryOf(kid))?.revoked?.revoked_at).toBe(BEGIN);
  });

  test('in words of our own, of which partners read that it is compromised', async () => {
    const { kid } = await activeKey(bench.exchange);
    done(await revokeKey(bench.exchange, { kid, reason: 'the laptop was stolen' }));
    expect(await entryOf(kid)).toMatchObject({ revoked: { reason: 'compromised' } });
  });

  test('again from an earlier instant, never from a later one', async () => {
    const { kid } = await activeKey(bench.exchange);
    bench.now += 5 * DAY;
    done(await revokeKey(bench.exchange, { kid, reason: 'compromised', since: iso(bench.now - HOUR) }));
    const again = { kid, reason: 'compromised' };
    expect(refusalOf(await revokeKey(bench.exchange, { ...again, since: iso(bench.now) }))).toBe('state-conflict /kid');
    const earlier = done(await revokeKey(bench.exchange, { ...again, since: iso(bench.now - DAY) }));
    expect(earlier.successor).toBeUndefined();
    expect((await entryOf(kid))?.revoked?.revoked_at).toBe(bench.now - DAY);
  });

  test.each([
    ['in the future', { since: iso(BEGIN + 1) }, 'usage-invalid /since'],
    ['with a digest in its reason', { reason: 'd41d8cd98f00b204e9800998ecf8427e' }, 'fingerprint-refused /reason'],
  ])('never %s', async (_name, wish, refusal) => {
    const { kid } = await activeKey(bench.exchange);
    expect(refusalOf(await revokeKey(bench.exchange, { kid, reason: 'compromised', ...wish }))).toBe(refusal);
    expect(await activeKey(bench.exchange)).toMatchObject({ kid });
  });
});
