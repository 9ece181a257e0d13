import { afterAll, beforeAll, expect, test } from 'vitest';
import { isRefusal } from '../../../src/domain/refusal.ts';
import { confirmPartner } from '../../../src/exchange/confirm.ts';
import { checkPartner } from '../../../src/exchange/doctor/check-partner.ts';
import { addPartner } from '../../../src/exchange/enrol.ts';
import { setPolicy } from '../../../src/exchange/policies.ts';
import { type TestExchange, testExchange } from '../../support/exchange.ts';
import { policyFor } from '../../support/foreign-partner.ts';
import { keyEntry, makeCard, makeKeySet } from '../../support/introductions.ts';
import { freePort } from '../../support/ports.ts';
import { type Json, now, testKey } from '../../support/tokens.ts';

// Partners at ports of this machine where nobody listens; the node does not run, so that no round trip is tried.

const DAY = 86_400;
let own: TestExchange;
let clock = now * 1000;
beforeAll(async () => {
  own = await testExchange({ issuer: 'http://127.0.0.1:1', clock: () => clock });
});
afterAll(() => own.close());

async function partner(changes: Json = {}, policy: Json = {}): Promise<string> {
  const issuer = `http://127.0.0.1:${await freePort()}`;
  const key = testKey();
  const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
  const claims = { iss: issuer, endpoints, keys: [keyEntry(testKey())], encryption: 'none', ...changes };
  const key_set = makeKeySet(claims, { key });
  await addPartner(own.exchange, makeCard({ iss: issuer, identity_key: key.jwk, key_set }, { key }));
  const confirmed = await confirmPartner(own.exchange, { issuer, fingerprint: key.kid });
  if (isRefusal(confirmed)) throw new Error(confirmed.message);
  await setPolicy(own.exchange, issuer, policyFor(issuer, policy));
  return issuer;
}

async function told(issuer: string): Promise<string[]> {
  const check = await checkPartner(own.exchange, issuer, false);
  if (isRefusal(check)) throw new Error(check.message);
  expect(check.well).toBe(!check.findings.some(({ level }) => level === 'bad'));
  return check.findings.map(({ level, code }) => `${level} ${code}`);
}

test('a partner that cannot be reached is bad, and everything else about it is told as well', async () => {
  expect(await told(await partner())).toEqual([
    'bad partner-unreachable',
    'note round-trip-skipped',
    'note encryption',
    'ok policy',
    'ok key-set',
    'ok algorithm',
    'ok signing-key',
  ]);
});

test('one that nobody knows is refused', async () => {
  expect(await checkPartner(own.exchange, 'http://127.0.0.1:2', false)).toMatchObject({ code: 'partner-unknown' });
});

test('one that verifies nothing that we sign with is bad', async () => {
  expect(await told(await partner({ algs: ['ML-DSA-65'] }))).toContain('bad algorithm-not-shared');
});

test('one whose keys our policy does not allow is bad', async () => {
  expect(await told(await partner({}, { security: { algs: ['ES256'] } }))).toContain('bad signing-key-missing');
});

test('one that must be encrypted to and has no key for it is bad', async () => {
  const issuer = await partner({}, { security: { encryption: 'required' } });
  expect(await told(issuer)).toContain('bad encryption-key-missing');
});

test('one without a policy is told', async () => {
  const issuer = await partner();
  await own.exchange.store.db.deleteFrom('policy').where('partner', '=', issuer).execute();
  await own.exchange.store.db.updateTable('node').set({ directory_version: 999 }).execute();
  expect(await told(issuer)).toContain('warn policy-missing');
});

test('a key set that nobody could ask for in a week is bad, one that failed lately is a warning', async () => {
  const issuer = await partner();
  const { db } = own.exchange.store;
  await db.updateTable('partner').set({ refresh_failures: 2 }).where('issuer', '=', issuer).execute();
  expect(await told(issuer)).toContain('warn key-set');
  clock += 8 * DAY * 1000;
  expect(await told(issuer)).toContain('bad key-set-stale');
});
