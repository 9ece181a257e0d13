import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { confirmPartner } from '../../src/exchange/confirm.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { takeKeySet } from '../../src/exchange/key-sets.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { removePartner } from '../../src/exchange/remove-partner.ts';
import { seal } from '../../src/exchange/seal.ts';
import { createShare } from '../../src/exchange/share.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { claimDeliveries, settleAttempts } from '../../src/store/outbox.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti, policyFor, wireReference } from '../support/foreign-partner.ts';
import { keyEntry, makeCard, makeKeySet } from '../support/introductions.ts';
import { inventedReference } from '../support/invented.ts';
import {
  honestClaims,
  honestHeader,
  type Json,
  makeToken,
  now,
  self,
  type TestKey,
  testKey,
} from '../support/tokens.ts';

// Lost keys of partners that were introduced, removed, asked and answered. Every test has a partner of its own.

let own: TestExchange;
let clock = now * 1000;
beforeAll(async () => {
  own = await testExchange({ issuer: self, clock: () => clock });
});
afterAll(() => own.close());

const seconds = () => Math.floor(clock / 1000);

function keySet(issuer: string, identity: TestKey, keys: Json[]): string {
  const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
  const life = { seq: seconds(), iat: seconds(), exp: seconds() + 30 * 86_400 };
  return makeKeySet({ iss: issuer, endpoints, keys, encryption: 'none', ...life }, { key: identity });
}

async function done<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const value = await answer;
  if (isRefusal(value)) throw new Error(value.message);
  return value;
}

async function meet(issuer: string, identity: TestKey, keys: Json[], perMinute?: number): Promise<void> {
  const life = { iat: seconds(), exp: seconds() + 86_400 };
  const card = { iss: issuer, identity_key: identity.jwk, key_set: keySet(issuer, identity, keys), ...life };
  await done(addPartner(own.exchange, makeCard(card, { key: identity })));
  await done(confirmPartner(own.exchange, { issuer, fingerprint: identity.kid, foreign: true }));
  const policy = policyFor(issuer);
  const receive = { ...(policy.receive as Json), ...(perMinute !== undefined && { perMinute }) };
  await setPolicy(own.exchange, issuer, { ...policy, receive });
}

function say(
  issuer: string,
  key: TestKey,
  event: string,
  payload: Json,
  subject: { iss: string; sub: string } = { iss: issuer, sub: randomUUID() },
) {
  const sub_id = { format: 'iss_sub', ...subject };
  const events = { [`urn:caseref:event:1:${event}`]: payload };
  const claims = honestClaims({ iss: issuer, aud: self, iat: seconds(), jti: freshJti(), sub_id, events });
  return Buffer.from(makeToken({ key, header: honestHeader(key), payload: claims }));
}

const revoked = (key: TestKey, revoked_at: number) => keyEntry(key, { revoked: { revoked_at, reason: 'compromised' } });

test('a revocation that comes with the card of a partner that is introduced again marks what that key signed', async () => {
  const issuer = 'https://back.example';
  const [identity, key] = [testKey(), testKey()];
  await meet(issuer, identity, [keyEntry(key)]);
  const receive = createReceive(own.exchange);
  const id = randomUUID();
  clock += 60_000;
  await receive(say(issuer, key, 'submitted', wireReference(), { iss: issuer, sub: id }));
  const instant = seconds();
  clock += 60_000;
  const withdrawn = { reason: 'sent-in-error', purge: true };
  await receive(say(issuer, key, 'withdrawn', withdrawn, { iss: issuer, sub: id }));
  await done(removePartner(own.exchange, { issuer, yes: true }));
  clock += 60_000;
  await meet(issuer, identity, [revoked(key, instant), keyEntry(testKey())]);
  const { db } = own.exchange.store;
  const messages = await db
    .selectFrom('message')
    .select(['event', 'suspect_at'])
    .where('issuer', '=', issuer)
    .execute();
  expect(messages.filter(({ suspect_at }) => suspect_at !== null).map(({ event }) => event)).toEqual([
    'urn:caseref:event:1:withdrawn',
  ]);
  const row = await db.selectFrom('reference').select('state').where('id', '=', id).executeTakeFirst();
  expect(row?.state).toBe('open');
});

/** Sends what waits for a partner, as the delivery worker does. */
async function send(issuer: string): Promise<void> {
  const { db } = own.exchange.store;
  const { version, partners } = await own.exchange.directory.within(db);
  const partner = partners.get(issuer);
  const signer = own.exchange.keys.signer();
  if (!partner || !signer) throw new Error('nobody to send to');
  const lease = randomUUID();
  const claim = { partner: issuer, suspended: false, basis: version, limit: 100, lease };
  const times = { now: new Date(clock + 1000), leaseUntil: new Date(clock + 2000) };
  const claimed = await claimDeliveries(db, { ...claim, ...times });
  const { sealed } = await seal(own.exchange, partner, claimed, signer, version);
  const attempts = sealed.map(({ delivery: { id } }) => {
    return { id, lease, state: 'sent' as const, code: null, nextAt: new Date(clock) };
  });
  await settleAttempts(db, attempts, new Date(clock));
}

test('a forged receipt counts no more once its key is known to be lost, and a genuine one is heard', async () => {
  const issuer = 'https://receipts.example';
  const [identity, lost, good] = [testKey(), testKey(), testKey()];
  await meet(issuer, identity, [keyEntry(lost), keyEntry(good)]);
  const { id } = await done(createShare(own.exchange)(inventedReference(3), {}) as Promise<{ id: string }>);
  await send(issuer);
  clock += 5000;
  await done(withdraw(own.exchange, id, { reason: 'sent-in-error', purge: true }));
  clock += 5000;
  await send(issuer);
  const { db } = own.exchange.store;
  const row = () => {
    const query = db.selectFrom('delivery').selectAll().where('partner', '=', issuer);
    return query.where('event', '=', 'withdrawn').executeTakeFirstOrThrow();
  };
  const { jti, digest } = await row();
  const receive = createReceive(own.exchange);
  const receipt = (key: TestKey, outcome: string) => {
    const receivedAt = new Date(clock).toISOString().replace(/\.\d+Z/, 'Z');
    const subject = { iss: self, sub: id };
    return receive(say(issuer, key, 'receipt', { for: { jti }, digest: digest ?? '', receivedAt, outcome }, subject));
  };
  expect(await receipt(good, 'sealed')).toEqual({ status: 'taken' });
  clock += 60_000;
  const instant = seconds() - 1;
  expect(await receipt(lost, 'purged')).toEqual({ status: 'taken' });
  expect(await row()).toMatchObject({ state: 'receipted', outcome: 'purged' });
  clock += 60_000;
  await takeKeySet(own.exchange, keySet(issuer, identity, [revoked(lost, instant), keyEntry(good)]));
  expect(await row()).toMatchObject({ state: 'receipted', outcome: 'sealed' });
  clock += 1000;
  expect(await receipt(good, 'purged')).toEqual({ status: 'taken' });
  expect(await row()).toMatchObject({ state: 'receipted', outcome: 'purged' });
});

test('a message whose only receipt was forged waits for one again, and the receipt counts when it is attested', async () => {
  const issuer = 'https://only-receipt.example';
  const [identity, lost, good] = [testKey(), testKey(), testKey()];
  await meet(issuer, identity, [keyEntry(lost), keyEntry(good)]);
  const { id } = await done(createShare(own.exchange)(inventedReference(4), {}) as Promise<{ id: string }>);
  await send(issuer);
  const { db } = own.exchange.store;
  const row = () => {
    const query = db.selectFrom('delivery').selectAll().where('partner', '=', issuer);
    return query.where('reference_id', '=', id).executeTakeFirstOrThrow();
  };
  const { jti, digest } = await row();
  const receivedAt = new Date(clock).toISOString().replace(/\.\d+Z/, 'Z');
  const receipt = { for: { jti }, digest: digest ?? '', receivedAt, outcome: 'accepted' };
  const sub_id = { format: 'iss_sub', iss: self, sub: id };
  const events = { 'urn:caseref:event:1:receipt': receipt };
  const claims = honestClaims({ iss: issuer, aud: self, iat: seconds(), jti: freshJti(), sub_id, events });
  const receive = createReceive(own.exchange);
  const by = (key: TestKey) => receive(Buffer.from(makeToken({ key, header: honestHeader(key), payload: claims })));
  const instant = seconds() - 1;
  await by(lost);
  clock += 60_000;
  await takeKeySet(own.exchange, keySet(issuer, identity, [revoked(lost, instant), keyEntry(good)]));
  expect(await row()).toMatchObject({ state: 'sent', outcome: null, receipt_jti: null, settled_at: null });
  clock += 1000;
  await by(good);
  expect(await row()).toMatchObject({ state: 'receipted', outcome: 'accepted' });
});

test('a message that is repeated does not use up the quota of its sender', async () => {
  const issuer = 'https://quota.example';
  const [identity, key] = [testKey(), testKey()];
  clock += 60_000 - (clock % 60_000);
  await meet(issuer, identity, [keyEntry(key)], 5);
  clock += 60_000;
  const receive = createReceive(own.exchange);
  const recorded = say(issuer, key, 'submitted', wireReference());
  for (let n = 0; n < 20; n += 1) expect(await receive(recorded)).toEqual({ status: 'taken' });
  for (let n = 0; n < 4; n += 1)
    expect(await receive(say(issuer, key, 'submitted', wireReference()))).toEqual({ status: 'taken' });
  expect(await receive(say(issuer, key, 'submitted', wireReference()))).toMatchObject({ status: 'limited' });
});
