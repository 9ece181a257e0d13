import { afterAll, beforeAll, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { listAlerts } from '../../src/exchange/alerts.ts';
import { type Confirmation, confirmPartner } from '../../src/exchange/confirm.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { takeKeySet } from '../../src/exchange/key-sets.ts';
import { showPartner } from '../../src/exchange/partner-directory.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { suspendPartners } from '../../src/exchange/suspend.ts';
import { updatePartner } from '../../src/exchange/update-partner.ts';
import { spokenFingerprint } from '../../src/wire/fingerprint.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti, policyFor, wireReference } from '../support/foreign-partner.ts';
import { keyEntry, makeCard, makeKeySet } from '../support/introductions.ts';
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

// A partner lost its identity key, or somebody pretends that it did. Every test has a partner of its own.

let own: TestExchange;
let clock = now * 1000;
beforeAll(async () => {
  own = await testExchange({ issuer: self, clock: () => clock });
});
afterAll(() => own.close());

interface Holder {
  readonly issuer: string;
  readonly identity: TestKey;
  readonly signs: TestKey;
}

const holder = (issuer: string, signs = testKey()): Holder => ({ issuer, identity: testKey(), signs });
const seconds = () => Math.floor(clock / 1000);

function keySet({ issuer, identity, signs }: Holder, changes: Json = {}): string {
  const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
  const life = { seq: seconds(), iat: seconds(), exp: seconds() + 30 * 86_400 };
  const claims = { iss: issuer, endpoints, keys: [keyEntry(signs)], encryption: 'none', ...life };
  return makeKeySet({ ...claims, ...changes }, { key: identity });
}

function card(one: Holder, changes: Json = {}): string {
  const life = { iat: seconds(), exp: seconds() + 86_400 };
  const key_set = keySet(one);
  return makeCard(
    { iss: one.issuer, identity_key: one.identity.jwk, key_set, ...life, ...changes },
    { key: one.identity },
  );
}

async function done<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const value = await answer;
  const [refusal] = Array.isArray(value) ? value : [value];
  if (isRefusal(refusal)) throw new Error(`${refusal.code} ${refusal.pointer} ${refusal.message}`);
  return value;
}

const confirm = (given: Confirmation) => confirmPartner(own.exchange, given);

/** A partner with a policy, and a card of a new identity for it a minute later. */
async function lost(name: string): Promise<{ before: Holder; after: Holder }> {
  const before = holder(`https://${name}.example`);
  await done(addPartner(own.exchange, card(before)));
  await done(
    confirm({ issuer: before.issuer, fingerprint: before.identity.kid, foreign: true, type: 'law-enforcement' }),
  );
  await done(setPolicy(own.exchange, before.issuer, policyFor(before.issuer)));
  clock += 60_000;
  return { before, after: holder(before.issuer) };
}

let sent = 0;
async function push({ issuer, signs }: Holder): Promise<{ jti: string; answer: unknown }> {
  const jti = freshJti();
  const sub_id = { format: 'iss_sub', iss: issuer, sub: crypto.randomUUID() };
  const events = { 'urn:caseref:event:1:submitted': wireReference() };
  sent += 1;
  const seq = { epoch: '3f1b8a52-7f0e-4a55-9c1d-5a2e6c7d8e9f', n: sent };
  const payload = honestClaims({ iss: issuer, aud: self, iat: seconds(), jti, sub_id, events, 'urn:caseref:seq': seq });
  const token = makeToken({ key: signs, header: honestHeader(signs), payload });
  return { jti, answer: await createReceive(own.exchange)(Buffer.from(token)) };
}

async function shown(issuer: string) {
  const partner = await showPartner(own.exchange, issuer);
  if (isRefusal(partner)) throw new Error(partner.message);
  return partner;
}

async function alertsFor(issuer: string): Promise<string[]> {
  return (await listAlerts(own.exchange)).filter(({ partner }) => partner === issuer).map(({ code }) => code);
}

test.each([
  ['add', addPartner],
  ['update', updatePartner],
] as const)('another identity key by %s waits, alerts, and the old one stays in force', async (way, give) => {
  const { before, after } = await lost(`waits-${way}`);
  const offered = await done<unknown>(give(own.exchange, card(after)));
  expect(offered).toEqual({
    issuer: before.issuer,
    state: 'active',
    fingerprint: after.identity.kid,
    spoken: spokenFingerprint(after.identity.kid),
    replaces: before.identity.kid,
    organisation: { name: 'Hotline A', type: 'hotline', jurisdictions: ['DE'] },
  });
  expect(await alertsFor(before.issuer)).toEqual(['identity-changed']);
  expect(await shown(before.issuer)).toMatchObject({
    fingerprint: before.identity.kid,
    replacement: { fingerprint: after.identity.kid },
  });
  expect((await push(before)).answer).toEqual({ status: 'taken' });
  expect((await push(after)).answer).toMatchObject({ refusal: { reason: 'kid-unknown' } });
  expect(await takeKeySet(own.exchange, keySet(after, { seq: seconds() + 1 }))).toMatchObject({
    reason: 'not-identity-key',
  });
});

test('a newer card of the old identity is taken and leaves the replacement waiting', async () => {
  const { before, after } = await lost('both');
  await done(addPartner(own.exchange, card(after)));
  clock += 60_000;
  expect(await done(updatePartner(own.exchange, card(before)))).toMatchObject({ updated: true });
  expect(await shown(before.issuer)).toMatchObject({ replacement: { fingerprint: after.identity.kid } });
});

test('a third card takes the place of the one that waits; an older one of the same key does not', async () => {
  const { before, after } = await lost('third');
  const third = holder(before.issuer);
  const early = card(third);
  clock += 60_000;
  await done(addPartner(own.exchange, card(after)));
  await done(addPartner(own.exchange, card(third)));
  expect(await shown(before.issuer)).toMatchObject({ replacement: { fingerprint: third.identity.kid } });
  expect(await addPartner(own.exchange, early)).toMatchObject({ code: 'card-invalid', pointer: '/iat' });
});

test('a confirmation is refused without the right fingerprint and without the instant of the loss', async () => {
  const { before, after } = await lost('refusals');
  const { issuer } = before;
  expect(await confirm({ issuer, fingerprint: after.identity.kid })).toMatchObject({ code: 'state-conflict' });
  await done(addPartner(own.exchange, card(after)));
  const since = { suspectSince: new Date(clock) };
  const old = await confirm({ issuer, fingerprint: before.identity.kid, ...since });
  expect(old).toMatchObject({ code: 'fingerprint-mismatch', message: expect.stringContaining('old identity key') });
  const wrong = await confirm({ issuer, fingerprint: testKey().kid, ...since });
  expect(wrong).toMatchObject({ code: 'fingerprint-mismatch' });
  expect(await confirm({ issuer, fingerprint: 'WHAT YOU HEARD', ...since })).toMatchObject({ code: 'usage-invalid' });
  const fingerprint = after.identity.kid;
  expect(await confirm({ issuer, fingerprint })).toMatchObject({
    code: 'usage-invalid',
    pointer: '/suspectSince',
    next: expect.stringContaining('--suspect-since unknown'),
  });
  const future = await confirm({ issuer, fingerprint, suspectSince: new Date(clock + 60_000) });
  expect(future).toMatchObject({ code: 'usage-invalid', pointer: '/suspectSince' });
  expect(await shown(issuer)).toMatchObject({ fingerprint: before.identity.kid, state: 'active' });
});

test('confirmed, the old keys verify nothing, what they signed since is suspect, and what was recorded stays', async () => {
  const { before, after } = await lost('confirmed');
  const { issuer } = before;
  await push(before);
  clock += 60_000;
  const suspectSince = new Date(clock);
  clock += 60_000;
  const { jti } = await push(before);
  const lateSet = keySet(before, { seq: seconds() + 500 });
  clock += 60_000;
  await done(updatePartner(own.exchange, card(after)));
  const spoken = spokenFingerprint(after.identity.kid).replaceAll(' ', '\n');
  expect(await done(confirm({ issuer, fingerprint: spoken, suspectSince, verifiedBy: 'A. Invented' }))).toMatchObject({
    state: 'active',
    type: 'law-enforcement',
    fingerprint: after.identity.kid,
    replaced: before.identity.kid,
    foreign: true,
    suspect: 1,
  });
  expect(await shown(issuer)).toMatchObject({
    fingerprint: after.identity.kid,
    verifiedBy: 'A. Invented',
    suspect: { count: 1, items: [{ jti, event: 'submitted' }] },
    keys: expect.arrayContaining([
      expect.objectContaining({ kid: before.signs.kid, revokedReason: 'identity-replaced' }),
      expect.objectContaining({ kid: after.signs.kid }),
    ]),
  });
  expect(await shown(issuer)).not.toHaveProperty('replacement');
  expect((await push(before)).answer).toMatchObject({ refusal: { err: 'invalid_key' } });
  expect((await push(after)).answer).toEqual({ status: 'taken' });
  expect(await takeKeySet(own.exchange, lateSet)).toMatchObject({ reason: 'not-identity-key' });
  expect(await alertsFor(issuer)).toEqual(['messages-suspect']);
  const thief = await addPartner(own.exchange, card(before));
  expect(thief).toMatchObject({
    code: 'card-invalid',
    message: expect.stringContaining('has replaced the identity key'),
  });
  expect(await alertsFor(issuer)).toContain('identity-changed');
});

test('where nobody knows when, everything since the confirmation of the old identity is suspect', async () => {
  const { before, after } = await lost('unknown');
  await push(before);
  await push(before);
  await done(addPartner(own.exchange, card(after)));
  const { issuer } = before;
  const replaced = await done(confirm({ issuer, fingerprint: after.identity.kid, suspectSince: 'unknown' }));
  expect(replaced).toMatchObject({ suspect: 2 });
});

test('the new card is the floor of its key sets, however low its number', async () => {
  const { before, after } = await lost('floor');
  const seq = seconds() - 86_400;
  await done(addPartner(own.exchange, card(after, { key_set: keySet(after, { seq }) })));
  const { issuer } = before;
  await done(confirm({ issuer, fingerprint: after.identity.kid, suspectSince: new Date(clock) }));
  expect((await shown(issuer)).keySet.seq).toBe(seq);
  expect(await takeKeySet(own.exchange, keySet(after, { seq: seq + 1 }))).toMatchObject({ seq: seq + 1 });
  expect(await takeKeySet(own.exchange, keySet(after, { seq: seq - 1 }))).toMatchObject({ reason: 'seq-below-floor' });
});

test('a suspended partner stays suspended', async () => {
  const { before, after } = await lost('suspended');
  const { issuer } = before;
  await done(suspendPartners(own.exchange, { issuer, reason: 'it lost its key' }));
  await done(addPartner(own.exchange, card(after)));
  const since = { suspectSince: new Date(clock) };
  expect(await done(confirm({ issuer, fingerprint: after.identity.kid, ...since }))).toMatchObject({
    state: 'suspended',
  });
  expect((await push(after)).answer).toMatchObject({ refusal: { reason: 'partner-suspended' } });
});

test('of two cards for a pending partner the fingerprint decides, and nothing can be suspect', async () => {
  const [first, second] = [holder('https://two-cards.example'), holder('https://two-cards.example')];
  const { issuer } = first;
  await done(addPartner(own.exchange, card(first)));
  await done(addPartner(own.exchange, card(second)));
  const { kid } = second.identity;
  const confirmed = await done(confirm({ issuer, fingerprint: kid, foreign: true }));
  expect(confirmed).toMatchObject({
    state: 'active',
    fingerprint: kid,
    suspect: 0,
    fromCard: ['type', 'jurisdictions'],
  });
});

test('a new card that says encryption is required makes no foreign client of its sender', async () => {
  const { before, after } = await lost('strict');
  const key_set = keySet(after, { encryption: 'required' });
  await done(addPartner(own.exchange, card(after, { key_set })));
  const given = { issuer: before.issuer, fingerprint: after.identity.kid, suspectSince: new Date(clock) };
  expect(await confirm({ ...given, foreign: true })).toMatchObject({
    code: 'encryption-required',
    pointer: '/foreign',
  });
  expect(await done(confirm(given))).toMatchObject({ foreign: false });
});
