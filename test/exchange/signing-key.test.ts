import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listAlerts } from '../../src/exchange/alerts.ts';
import { createKeyPlan, findEnding, followKeyPlan } from '../../src/exchange/key-plan.ts';
import { activateKey } from '../../src/exchange/key-state.ts';
import { generateKey } from '../../src/exchange/own-keys.ts';
import { publishKeys } from '../../src/exchange/publish.ts';
import { revokeKey } from '../../src/exchange/revoke-key.ts';
import { rotateKeys } from '../../src/exchange/rotate.ts';
import { signerFor } from '../../src/exchange/signing-key.ts';
import { wayTo } from '../../src/exchange/way.ts';
import { befriend } from '../support/exchange.ts';
import { activeKey, BEGIN, claimsOf, DAY, done, HOUR, type KeyBench, keyBench } from '../support/own-keys.ts';

let bench: KeyBench;
const partner = 'https://node.police-b.example';

beforeAll(async () => {
  bench = await keyBench();
  await bench.renew();
  await befriend(bench.exchange, partner);
});
afterAll(() => bench.close());
beforeEach(() => bench.renew());

const ALGS = ['Ed25519', 'EdDSA', 'ES256'];
const here = () => join(bench.folder, 'identity.key');
const elsewhere = () => join(bench.folder, '..', 'identity.key');
const away = () => rename(here(), elsewhere());
const back = () => rename(elsewhere(), here());

/** The kid of what signs a message of that time, or why none does. */
async function signs(iat = bench.now): Promise<string> {
  const signer = await signerFor(bench.exchange, ALGS, iat);
  return typeof signer === 'string' ? signer : signer.kid;
}

async function way(iat?: number): Promise<string> {
  const entry = (await bench.exchange.directory.within(bench.exchange.store.db)).partners.get(partner);
  if (!entry) throw new Error('no partner');
  const found = await wayTo(bench.exchange, entry, iat);
  return typeof found === 'string' ? found : found.signer.kid;
}

async function openAlerts(): Promise<string[]> {
  return (await listAlerts(bench.exchange)).map(({ code }) => code);
}

describe('a message is signed by a key that partners know to have begun by its time', () => {
  test('which is the active one', async () => {
    const { kid } = await activeKey(bench.exchange);
    expect([await signs(), await signs(BEGIN - 120), await way()]).toEqual([kid, kid, kid]);
    expect([await signs(BEGIN - 121), await way(BEGIN - 121)]).toEqual(['key-unpublished', 'key-unpublished']);
  });

  test('and waits where the begin of a successor was moved back here only, until that is published', async () => {
    const lost = await activeKey(bench.exchange);
    const { kid } = done(await generateKey(bench.exchange));
    done(await publishKeys(bench.exchange));
    bench.now += HOUR;
    const iat = bench.now;
    bench.now += 3 * HOUR;
    await away();
    expect(done(await revokeKey(bench.exchange, { kid: lost.kid, reason: 'compromised' })).successor).toMatchObject({
      kid,
    });
    expect((await claimsOf(bench.exchange)).keys.find((key) => key.kid === kid)?.nbf).toBe(BEGIN + 3 * HOUR);
    expect([await signs(iat), await signs()]).toEqual(['key-unpublished', kid]);
    await back();
    done(await publishKeys(bench.exchange));
    expect(await signs(iat)).toBe(kid);
  });

  test('and not by one that was forced into use before its published begin', async () => {
    const { kid } = done(await generateKey(bench.exchange));
    done(await publishKeys(bench.exchange));
    await away();
    done(await activateKey(bench.exchange, { kid, reason: 'The old one may be lost' }));
    expect([await signs(), await way()]).toEqual(['key-unpublished', 'key-unpublished']);
    await back();
    done(await publishKeys(bench.exchange));
    expect(await signs()).toBe(kid);
  });

  test('or by one that nobody was told of: partners ask for it and take the message later', async () => {
    const lost = await activeKey(bench.exchange);
    bench.now += DAY;
    await away();
    const { successor } = done(await revokeKey(bench.exchange, { kid: lost.kid, reason: 'compromised' }));
    expect([await signs(), await signs(BEGIN)]).toEqual([successor?.kid, successor?.kid]);
  });

  test('also once the stand-in of a revoked key is replaced by one that was to begin later', async () => {
    const lost = await activeKey(bench.exchange);
    bench.now += DAY;
    const iat = bench.now;
    const { kid } = done(await rotateKeys(bench.exchange, {}));
    bench.now += HOUR;
    const { successor } = done(await revokeKey(bench.exchange, { kid: lost.kid, reason: 'compromised' }));
    expect([await signs(iat), successor?.kid]).not.toContain(kid);
    // The partner was away all the while: what the lost key signed still waits when the stand-in is gone.
    for (let hours = 0; hours < 6; hours += 1) {
      bench.now += HOUR;
      await createKeyPlan(bench.exchange)();
      await createKeyPlan(bench.exchange)();
    }
    expect(bench.exchange.keys.publicKeys().find((key) => key.kid === successor?.kid)?.state).toBe('retired');
    expect([await signs(), await signs(iat)]).toEqual([kid, kid]);
    expect((await claimsOf(bench.exchange)).keys.find((key) => key.kid === kid)?.nbf).toBe(BEGIN);
  });

  test('while one that takes over where none was revoked begins when it was announced', async () => {
    const { kid } = done(await rotateKeys(bench.exchange, {}));
    const begin = bench.now + 3 * HOUR;
    bench.now = begin + HOUR;
    await createKeyPlan(bench.exchange)();
    expect(bench.exchange.keys.publicKeys().find((key) => key.kid === kid)).toMatchObject({
      state: 'active',
      nbf: begin,
    });
  });

  test('of an algorithm that they share', async () => {
    expect(await signerFor(bench.exchange, ['ES256'], bench.now)).toBe('algorithm-not-shared');
    expect(await signerFor(bench.exchange, [], bench.now)).toBe('algorithm-not-shared');
  });
});

describe('a key that ends', () => {
  test('signs nothing from then on, neither anew nor again', async () => {
    const { kid } = await activeKey(bench.exchange);
    bench.now = BEGIN + 395 * DAY - 1;
    expect(await way()).toBe(kid);
    bench.now += 1;
    expect([await way(), await way(BEGIN)]).toEqual(['key-ended', 'key-ended']);
  });

  test('is told of 45 days ahead, once, and not where its successor is planned', async () => {
    bench.now = BEGIN + 350 * DAY - 1;
    await findEnding(bench.exchange);
    expect(await openAlerts()).toEqual([]);
    bench.now += 2;
    for (const use of ['sig', 'enc'] as const) done(await rotateKeys(bench.exchange, { use }));
    await findEnding(bench.exchange);
    expect(await openAlerts()).toEqual([]);
    bench.now += 3 * HOUR;
    await followKeyPlan(bench.exchange);
    bench.now += 350 * DAY + HOUR;
    for (let n = 0; n < 3; n += 1) await findEnding(bench.exchange);
    expect(await openAlerts()).toEqual(['key-ending']);
  });
});
