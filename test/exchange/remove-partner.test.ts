import { afterAll, beforeAll, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { confirmPartner } from '../../src/exchange/confirm.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { listPartners, showPartner } from '../../src/exchange/partner-directory.ts';
import { setPolicy, showPolicy } from '../../src/exchange/policies.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { removePartner } from '../../src/exchange/remove-partner.ts';
import { createShare, type Share } from '../../src/exchange/share.ts';
import type { Shared } from '../../src/exchange/sharing.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { claimDeliveries } from '../../src/store/outbox.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti, policyFor, wireReference } from '../support/foreign-partner.ts';
import { keyEntry, makeCard, makeKeySet } from '../support/introductions.ts';
import { inventedReference } from '../support/invented.ts';
import { honestClaims, honestHeader, type Json, makeToken, now, self, testKey } from '../support/tokens.ts';

// A partner that is no partner any more. The tests go on from each other.

const issuer = 'https://node.gone.example';
const identity = testKey();
const signs = testKey();
let own: TestExchange;
let share: Share;
let clock = now * 1000;
beforeAll(async () => {
  own = await testExchange({ issuer: self, clock: () => clock });
  share = createShare(own.exchange);
});
afterAll(() => own.close());

function card(changes: Json = {}, key = identity, keySet: Json = {}): string {
  const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
  const claims = { iss: issuer, endpoints, keys: [keyEntry(signs)], encryption: 'none', ...keySet };
  const key_set = makeKeySet(claims, { key });
  return makeCard({ iss: issuer, identity_key: key.jwk, key_set, ...changes }, { key });
}

async function befriend(given: string, key = identity): Promise<void> {
  const added = await addPartner(own.exchange, given);
  if (isRefusal(added)) throw new Error(added.message);
  const confirmed = await confirmPartner(own.exchange, { issuer, fingerprint: key.kid, foreign: true });
  if (isRefusal(confirmed)) throw new Error(confirmed.message);
  await setPolicy(own.exchange, issuer, policyFor(issuer));
}

async function shared(n: number): Promise<string> {
  const answer = await share(inventedReference(n), {});
  if (Array.isArray(answer)) throw new Error(JSON.stringify(answer));
  return (answer as Shared).id;
}

const deliveries = () =>
  own.exchange.store.db.selectFrom('delivery').selectAll().where('partner', '=', issuer).orderBy('position').execute();

/** Numbers what waits, as a worker does before it sends. */
async function claim(): Promise<void> {
  const { version } = await own.exchange.directory.within(own.exchange.store.db);
  await claimDeliveries(own.exchange.store.db, {
    partner: issuer,
    suspended: false,
    basis: version,
    limit: 100,
    now: new Date(clock + 1000),
    lease: crypto.randomUUID(),
    leaseUntil: new Date(clock + 2000),
  });
}

function token(): Buffer {
  const sub_id = { format: 'iss_sub', iss: issuer, sub: crypto.randomUUID() };
  const events = { 'urn:caseref:event:1:submitted': wireReference() };
  const payload = honestClaims({ iss: issuer, aud: self, iat: now, jti: freshJti(), sub_id, events });
  return Buffer.from(makeToken({ key: signs, header: honestHeader(signs), payload }));
}

let withdrawn = '';

test('without --yes nothing is done, and what it holds and what it still owes is said', async () => {
  await befriend(card());
  const ids = [await shared(1), await shared(2), await shared(3)];
  await claim();
  await own.exchange.store.db
    .updateTable('delivery')
    .set({ state: 'sent' })
    .where('reference_id', 'in', ids.slice(0, 2))
    .execute();
  withdrawn = ids[0] ?? '';
  await withdraw(own.exchange, withdrawn, { reason: 'sent-in-error', purge: true });
  const before = await deliveries();
  const refused = await removePartner(own.exchange, { issuer });
  expect(refused).toMatchObject({
    code: 'usage-invalid',
    message: expect.stringMatching(new RegExp(`holds 2 of our references.*${withdrawn}.*Nothing was done`)),
    next: expect.stringContaining(`caseref partner suspend ${issuer}`),
  });
  expect(await deliveries()).toEqual(before);
  expect(await showPartner(own.exchange, issuer)).toMatchObject({ state: 'active' });
});

test('one that is no partner cannot be removed', async () => {
  expect(await removePartner(own.exchange, { issuer: 'https://nobody.example', yes: true })).toMatchObject({
    code: 'partner-unknown',
  });
});

test('from its removal on it is no partner: nothing is taken, nothing waits, and nothing of it is shown', async () => {
  expect(await createReceive(own.exchange)(token())).toEqual({ status: 'taken' });
  const removed = await removePartner(own.exchange, { issuer, yes: true });
  expect(removed).toMatchObject({
    state: 'removed',
    holds: 2,
    owed: [{ reference: withdrawn, state: 'queued' }],
  });
  expect(await createReceive(own.exchange)(token())).toMatchObject({ refusal: { err: 'invalid_issuer' } });
  expect((await deliveries()).filter(({ state }) => state === 'queued')).toEqual([]);
  expect(await showPartner(own.exchange, issuer)).toMatchObject({ code: 'not-found' });
  expect(await listPartners(own.exchange, { limit: 50 })).toMatchObject({ items: [] });
  expect(await showPolicy(own.exchange, issuer)).toMatchObject({ code: 'not-found' });
  expect(await removePartner(own.exchange, { issuer, yes: true })).toMatchObject({ code: 'partner-unknown' });
  const { decisions } = (await share(inventedReference(9), {})) as Shared;
  expect(decisions).toEqual([]);
  const kept = await own.exchange.store.db
    .selectFrom('reference')
    .select('id')
    .where('originator', '=', issuer)
    .execute();
  expect(kept).toHaveLength(1);
});

test('introduced anew, an older card and an older key set of the same identity are refused', async () => {
  clock += 60_000;
  expect(await addPartner(own.exchange, card({ iat: now - 60 }))).toMatchObject({
    code: 'card-invalid',
    pointer: '/iat',
  });
  const older = card({ iat: now + 10 }, identity, { seq: now - 10 });
  expect(await addPartner(own.exchange, older)).toMatchObject({ code: 'card-invalid', pointer: '/key_set' });
  const fork = card({ iat: now + 10 }, identity, { keys: [keyEntry(testKey())] });
  expect(await addPartner(own.exchange, fork)).toMatchObject({ code: 'card-invalid', pointer: '/key_set' });
});

test('introduced anew, it is pending, without its policy, and numbered from one in a new epoch', async () => {
  const stream = () => own.exchange.store.db.selectFrom('partner_stream').selectAll().executeTakeFirstOrThrow();
  const before = await stream();
  expect(await addPartner(own.exchange, card())).toMatchObject({ state: 'pending', formerly: identity.kid });
  const after = await stream();
  expect(after).toMatchObject({ n: 0 });
  expect(after.epoch).not.toBe(before.epoch);
  expect(await createReceive(own.exchange)(token())).toMatchObject({ refusal: { err: 'access_denied' } });
  expect(await showPolicy(own.exchange, issuer)).toMatchObject({ code: 'not-found' });
});

test('the numbers that were dropped with it are voided once, as one range', async () => {
  const queued = (await deliveries()).filter(({ state }) => state === 'queued');
  expect(queued).toMatchObject([{ event: 'voided', payload: { reason: 'dropped', ranges: [[3, 3]] } }]);
  await removePartner(own.exchange, { issuer, yes: true });
  await addPartner(own.exchange, card());
  expect((await deliveries()).filter(({ event, state }) => event === 'voided' && state === 'queued')).toEqual([]);
});

test('it may come back under another identity', async () => {
  await removePartner(own.exchange, { issuer, yes: true });
  const other = testKey();
  expect(await addPartner(own.exchange, card({}, other))).toMatchObject({ state: 'pending', formerly: identity.kid });
  const confirmed = await confirmPartner(own.exchange, { issuer, fingerprint: other.kid, foreign: true });
  expect(confirmed).toMatchObject({ state: 'active' });
});
