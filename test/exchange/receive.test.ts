import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createReceive, type Receive } from '../../src/exchange/receive.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { honestClaims, type Json, makeToken, operational, self, sender } from '../support/tokens.ts';

// Messages of a partner that means harm or is merely odd: each has its answer, and none keeps another back.

let own: TestExchange;
let receive: Receive;

beforeAll(async () => {
  own = await testExchange({ issuer: self });
  await befriend(own.exchange, sender, {}, operational);
  receive = createReceive(own.exchange);
});
afterAll(() => own.close());
afterEach(() => own.exchange.store.db.deleteFrom('delivery').execute());

function token(payload: Json, event = 'submitted', changes: Json = {}): Buffer {
  const sub_id = { format: 'iss_sub', iss: sender, sub: crypto.randomUUID() };
  const events = { [`urn:caseref:event:1:${event}`]: payload };
  return Buffer.from(makeToken({ payload: honestClaims({ jti: freshJti(), sub_id, events, ...changes }) }));
}

async function receipts() {
  const rows = await own.exchange.store.db
    .selectFrom('delivery')
    .select('payload')
    .where('event', '=', 'receipt')
    .execute();
  return rows.map(({ payload }) => (payload as unknown as { content: Json }).content);
}

describe('a message that is taken', () => {
  test('may have the highest revision that the schema allows', async () => {
    expect(await receive(token(wireReference({ revision: Number.MAX_SAFE_INTEGER })))).toEqual({ status: 'taken' });
    expect(await receipts()).toMatchObject([{ outcome: 'accepted' }]);
  });

  test.each(['1000-01-01T00:00:00Z', '2999-12-31T23:59:59Z'])('may be received from the public at %s', async (at) => {
    const [day] = at.split('T');
    const odd = wireReference({ receivedAt: at, observedAt: at, retainUntil: day });
    expect(await receive(token(odd))).toEqual({ status: 'taken' });
    expect(await receipts()).toMatchObject([{ outcome: 'accepted' }]);
  });
});

describe('a member name that no store can hold', () => {
  test.each([
    ['at the top', { '\u0000hash': 1 }, 'fingerprint-refused', undefined],
    ['of a plain word', { 'x\u0000y': 1 }, 'schema-invalid', undefined],
    ['inside', { site: { 'x\u0000thumbnail': 1 } }, 'media-refused', '/site'],
    ['above a digest', { 'a\u0000b': 'd41d8cd98f00b204e9800998ecf8427e' }, 'fingerprint-refused', undefined],
    ['in another script', { 'ключ-hash': 1 }, 'fingerprint-refused', undefined],
    [
      'above a digest in another script',
      { ключ: 'd41d8cd98f00b204e9800998ecf8427e' },
      'fingerprint-refused',
      undefined,
    ],
    ['of an event that takes no members', { 'x\u0000y': 1 }, 'schema-invalid', undefined, 'verify'],
  ])('%s is refused by a receipt whose pointer stays printable', async (_where, odd, code, pointer, event?: string) => {
    const opaque = freshJti();
    const message =
      event === 'verify'
        ? token(odd, 'verify', { jti: opaque, sub_id: { format: 'opaque', id: opaque } })
        : token({ ...wireReference(), ...odd });
    const [answer, other] = await Promise.all([receive(message), receive(token(wireReference()))]);
    expect([answer, other]).toEqual([{ status: 'taken' }, { status: 'taken' }]);
    const [refused] = (await receipts()).filter(({ outcome }) => outcome === 'refused');
    expect(refused).toMatchObject({ outcome: 'refused', code });
    expect(refused?.pointer).toBe(pointer);
  });
});

describe('a reference of somebody else', () => {
  test.each([
    ['our own', self],
    ['a third one', 'https://node.third.example'],
  ])('is not entered: %s', async (_whose, iss) => {
    const sub_id = { format: 'iss_sub', iss, sub: crypto.randomUUID() };
    expect(await receive(token(wireReference(), 'submitted', { sub_id }))).toEqual({ status: 'taken' });
    expect(await receipts()).toMatchObject([{ outcome: 'refused', code: 'not-originator' }]);
  });
});

describe('one message at many times', () => {
  test('is entered once and has one receipt', async () => {
    const one = token(wireReference());
    const answers = await Promise.all(Array.from({ length: 20 }, () => receive(one)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['taken']));
    expect(await receipts()).toHaveLength(1);
  });

  test('brings a receipt that was given up back into the outbox', async () => {
    const one = token(wireReference());
    await receive(one);
    await own.exchange.store.db.updateTable('delivery').set({ state: 'dead' }).execute();
    await receive(one);
    const rows = await own.exchange.store.db.selectFrom('delivery').select(['state']).execute();
    expect(rows).toEqual([{ state: 'queued' }]);
  });
});
