import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import type { Signing } from '../../src/exchange/acts.ts';
import { isDraft } from '../../src/exchange/acts.ts';
import { type Confirmation, confirmPartner } from '../../src/exchange/confirm.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { keepReplacement } from '../../src/store/replacements.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { spokenFingerprint } from '../../src/wire/fingerprint.ts';
import { encryptionKeyPair } from '../support/encrypted.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { keyEntry, makeCard, makeKeySet } from '../support/introductions.ts';
import { actAs, claimsOf, type Person, person, register, signed } from '../support/operators.ts';
import { type Json, now, testKey } from '../support/tokens.ts';

// A node that is not loopback: whom it may confirm without encryption, and that two operators hear the fingerprint.

const DAY = 86_400;
let own: TestExchange;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  own = await testExchange({ issuer: 'https://node.hotline-own.example' });
});
afterAll(() => own.close());
beforeEach(async () => {
  const { db } = own.exchange.store;
  for (const table of ['act_signature', 'act', 'operator'] as const) await db.deleteFrom(table).execute();
  [ada, ben] = [person('ada'), person('ben')];
});

function encEntry(changes: Json = {}): Json {
  const { kid, jwk } = encryptionKeyPair();
  return { ...jwk, kid, alg: 'ECDH-ES', use: 'enc', nbf: now - DAY, exp: now + 90 * DAY, ...changes };
}

let count = 0;

function cardOf(
  issuer: string,
  { enc = [encEntry()], encryption = 'required' as 'required' | 'none' | undefined } = {},
) {
  const key = testKey();
  const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
  const claims = { iss: issuer, endpoints, keys: [keyEntry(testKey()), ...enc], encryption };
  const organisation = { name: 'Unit of the tests', type: 'law-enforcement', jurisdictions: ['NL', 'DE'] };
  const card = makeCard(
    { iss: issuer, organisation, identity_key: key.jwk, key_set: makeKeySet(claims, { key }) },
    { key },
  );
  return { card, key };
}

async function introduced(shape: Parameters<typeof cardOf>[1] = {}) {
  count += 1;
  const issuer = `https://node-${count}.example`;
  const { card, key } = cardOf(issuer, shape);
  const added = await addPartner(own.exchange, card);
  if (isRefusal(added)) throw new Error(added.message);
  return { issuer, fingerprint: key.kid };
}

const confirm = (given: Confirmation, signing?: Signing) => confirmPartner(own.exchange, given, signing);
const confirmAs = (who: Person, given: Confirmation) => actAs(own.exchange, who, (signing) => confirm(given, signing));
const row = (issuer: string) =>
  own.exchange.store.db.selectFrom('partner').selectAll().where('issuer', '=', issuer).executeTakeFirstOrThrow();

describe('encryption', () => {
  test('a partner with a current encryption key is confirmed', async () => {
    expect(await confirm(await introduced())).toMatchObject({
      state: 'active',
      foreign: false,
      recordedNotEnforced: true,
    });
  });

  test.each([
    ['no encryption key', []],
    ['one that has ended', [encEntry({ nbf: now - 9 * DAY, exp: now - DAY })]],
    ['one that ends before three refreshes', [encEntry({ exp: now + 3 * 3600 - 60 })]],
    ['one that begins after three refreshes', [encEntry({ nbf: now + 3 * 3600 + 60 })]],
    ['one that was revoked', [encEntry({ revoked: { revoked_at: now - 60, reason: 'key-compromise' } })]],
  ])('a partner with %s is refused, with the next step', async (_what, enc) => {
    const given = await introduced({ enc });
    expect(await confirm(given)).toMatchObject({
      code: 'encryption-required',
      pointer: '/issuer',
      next: expect.stringContaining(`caseref partner check ${given.issuer}`),
    });
    expect(await row(given.issuer)).toMatchObject({ state: 'pending', confirmed_at: null });
  });

  test('one that begins within three refreshes is enough', async () => {
    const enc = [encEntry({ nbf: now + 3 * 3600 - 60 })];
    expect(await confirm(await introduced({ enc }))).toMatchObject({ state: 'active' });
  });

  test('a foreign client needs none, by the operator’s word', async () => {
    const given = await introduced({ enc: [], encryption: 'none' });
    expect(await confirm({ ...given, foreign: true })).toMatchObject({ state: 'active', foreign: true });
  });

  test('one whose key set says that encryption is required, and names no key for it, is no foreign client', async () => {
    const refused = await confirm({ ...(await introduced({ enc: [] })), foreign: true });
    expect(refused).toMatchObject({ code: 'encryption-required', pointer: '/foreign' });
  });
});

describe('what the operator types', () => {
  test('a misheard fingerprint confirms nothing, in either spelling', async () => {
    const given = await introduced();
    for (const fingerprint of [testKey().kid, spokenFingerprint(testKey().kid)])
      expect(await confirm({ ...given, fingerprint })).toMatchObject({ code: 'fingerprint-mismatch' });
    expect(await confirm({ ...given, fingerprint: 'WHAT YOU HEARD' })).toMatchObject({ code: 'usage-invalid' });
    expect(await row(given.issuer)).toMatchObject({ state: 'pending' });
    const spoken = spokenFingerprint(given.fingerprint);
    expect(await confirm({ ...given, fingerprint: spoken })).toMatchObject({ state: 'active' });
  });

  test('a partner that is active already is not confirmed again', async () => {
    const given = await introduced();
    await confirm(given);
    expect(await confirm(given)).toMatchObject({ code: 'state-conflict', pointer: '/issuer' });
  });

  test('an instant of suspicion is refused where no key is replaced', async () => {
    const given = { ...(await introduced()), suspectSince: new Date(0) };
    expect(await confirm(given)).toMatchObject({ code: 'usage-invalid', pointer: '/suspectSince' });
  });
});

describe('with two operators', () => {
  beforeEach(() => register(own.exchange, ada, ben));

  test('a confirmation is refused without a signature', async () => {
    const given = await introduced();
    expect(await confirm(given)).toMatchObject({ code: 'operator-required' });
    expect(await row(given.issuer)).toMatchObject({ state: 'pending' });
  });

  test('the first one leaves the partner pending, the second one makes it active; both are recorded', async () => {
    const given = { ...(await introduced()), type: 'hotline', jurisdictions: ['DE', 'NL'] };
    const first = await confirmAs(ada, { ...given, verifiedBy: 'A. Invented, by telephone' });
    expect(first).toMatchObject({ state: 'pending', author: 'ada' });
    expect(await row(given.issuer)).toMatchObject({ state: 'pending', type: 'law-enforcement', confirmed_at: null });
    const fingerprint = spokenFingerprint(given.fingerprint);
    const second = await confirmAs(ben, {
      ...given,
      jurisdictions: ['NL', 'DE'],
      fingerprint,
      verifiedBy: 'B. Invented',
    });
    expect(second).toMatchObject({ state: 'active', author: 'ada', approver: 'ben', type: 'hotline' });
    expect(second).not.toHaveProperty('recordedNotEnforced');
    expect(await row(given.issuer)).toMatchObject({
      state: 'active',
      type: 'hotline',
      verified_by: 'A. Invented, by telephone; B. Invented',
    });
    const types = await own.exchange.store.db
      .selectFrom('event')
      .select('type')
      .where('partner', '=', given.issuer)
      .execute();
    expect(types.map(({ type }) => type)).toEqual(['partner.added', 'partner.confirmed']);
  });

  test('who confirmed stands in the feed', async () => {
    const given = await introduced();
    await confirmAs(ada, given);
    await confirmAs(ben, given);
    const { body } = await own.exchange.store.db
      .selectFrom('event')
      .select('body')
      .where('partner', '=', given.issuer)
      .where('type', '=', 'partner.confirmed')
      .executeTakeFirstOrThrow();
    expect(body).toMatchObject({ type: 'law-enforcement', author: 'ada', approver: 'ben' });
  });

  test('other facts take the place of the first one’s where they name what they end', async () => {
    const given = await introduced();
    const first = (await confirmAs(ada, given)) as { digest: string };
    const other = { ...given, type: 'hotline' };
    expect(await confirmAs(ben, other)).toMatchObject({
      code: 'state-conflict',
      next: expect.stringContaining(`--instead-of ${first.digest}`),
    });
    expect(await confirmAs(ben, { ...other, insteadOf: first.digest })).toMatchObject({
      state: 'pending',
      author: 'ben',
      superseded: { author: 'ada' },
    });
    expect(await confirmAs(ada, other)).toMatchObject({ state: 'active', author: 'ben', approver: 'ada' });
  });

  test.each(['read out by desk@node.example', 'see https://gallery.example/1', 'ICCAM 4711'])(
    'a word on who compared is no place for %j',
    async (verifiedBy) => {
      const refused = await confirmAs(ada, { ...(await introduced()), verifiedBy });
      expect(refused).toMatchObject({ code: 'usage-invalid', pointer: '/verifiedBy' });
    },
  );

  test('the first one does not confirm for the second', async () => {
    const given = await introduced();
    await confirmAs(ada, given);
    expect(await confirmAs(ada, given)).toMatchObject({ code: 'approval-own' });
    expect(await row(given.issuer)).toMatchObject({ state: 'pending' });
  });

  test('what the second one misheard confirms nothing', async () => {
    const given = await introduced();
    await confirmAs(ada, given);
    const refused = await confirmAs(ben, { ...given, fingerprint: testKey().kid });
    expect(refused).toMatchObject({ code: 'fingerprint-mismatch' });
  });

  test('other facts of the second one are refused, and the difference is shown', async () => {
    const given = await introduced();
    await confirmAs(ada, { ...given, type: 'hotline' });
    const refused = await confirmAs(ben, { ...given, type: 'regulator', local: true });
    expect(refused).toMatchObject({ code: 'state-conflict', pointer: '/type' });
    const { message } = refused as { message: string };
    expect(message).toContain('--as: hotline, and you regulator');
    expect(message).toContain('--local: no, and you yes');
    expect(message).not.toContain('--jurisdiction');
    expect(await row(given.issuer)).toMatchObject({ state: 'pending' });
  });

  test('the first one may correct what it said; then that is what the second one confirms', async () => {
    const given = await introduced();
    await confirmAs(ada, { ...given, type: 'hotline' });
    expect(await confirmAs(ada, { ...given, type: 'regulator' })).toMatchObject({ state: 'pending' });
    expect(await confirmAs(ben, { ...given, type: 'hotline' })).toMatchObject({ code: 'state-conflict' });
    expect(await confirmAs(ben, { ...given, type: 'regulator' })).toMatchObject({ state: 'active', type: 'regulator' });
  });

  test('a signature for the confirmation of another partner confirms nothing', async () => {
    const [one, other] = [await introduced(), await introduced()];
    const draft = await confirm(one, { by: ada.key.kid });
    if (!isDraft(draft)) throw new Error('there is nothing to sign');
    const refused = await confirm(other, await signed(own.exchange, ada, claimsOf(draft)));
    expect(refused).toMatchObject({ code: 'approval-invalid', pointer: '/signature/subject' });
    const named = await signed(own.exchange, ada, { ...claimsOf(draft), subject: other.issuer });
    expect(await confirm(other, named)).toMatchObject({ code: 'approval-invalid', pointer: '/signature/digest' });
  });
});

describe('another identity key of a partner that is active', () => {
  async function replaced() {
    const old = await introduced();
    await confirm(old);
    const { card, key } = cardOf(old.issuer);
    const offer = { issuer: old.issuer, card, card_iat: now, identity_kid: key.kid, added_at: new Date(now * 1000) };
    await inTransaction(own.exchange.store.db, (trx) => keepReplacement(trx, offer));
    return { issuer: old.issuer, old: old.fingerprint, fingerprint: key.kid };
  }

  test('takes the place of the pinned one when its fingerprint is confirmed', async () => {
    const { issuer, old, fingerprint } = await replaced();
    const done = await confirm({ issuer, fingerprint, suspectSince: 'unknown' });
    expect(done).toMatchObject({ state: 'active', fingerprint, replaced: old, recordedNotEnforced: true });
    expect(await row(issuer)).toMatchObject({ identity_kid: fingerprint });
  });

  test('waits for the second operator, and changes nothing before', async () => {
    const { issuer, old, fingerprint } = await replaced();
    await register(own.exchange, ada, ben);
    const given = { issuer, fingerprint, suspectSince: new Date((now - DAY) * 1000) };
    expect(await confirmAs(ada, given)).toMatchObject({ state: 'pending', replaced: old });
    expect(await row(issuer)).toMatchObject({ identity_kid: old, state: 'active' });
    const sooner = { ...given, suspectSince: new Date((now - 2 * DAY) * 1000) };
    const refused = await confirmAs(ben, sooner);
    expect(refused).toMatchObject({ code: 'state-conflict', message: expect.stringContaining('--suspect-since') });
    expect(await confirmAs(ben, given)).toMatchObject({ state: 'active', approver: 'ben', replaced: old });
    expect(await row(issuer)).toMatchObject({ identity_kid: fingerprint });
  });

  test('is not confirmed by the fingerprint of the old one, nor without the instant of suspicion', async () => {
    const { issuer, old, fingerprint } = await replaced();
    expect(await confirm({ issuer, fingerprint: old, suspectSince: 'unknown' })).toMatchObject({
      code: 'fingerprint-mismatch',
    });
    expect(await confirm({ issuer, fingerprint })).toMatchObject({ code: 'usage-invalid', pointer: '/suspectSince' });
    expect(await row(issuer)).toMatchObject({ identity_kid: old });
  });
});
