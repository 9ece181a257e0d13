import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { showReference } from '../../src/exchange/browse.ts';
import { decideHeldReferences } from '../../src/exchange/decide-held.ts';
import { createReceive, type Receive } from '../../src/exchange/receive.ts';
import { submission, type TestApi, testApi } from '../support/api.ts';
import { befriend } from '../support/exchange.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import {
  honestClaims,
  type Json,
  makeToken,
  operational,
  self,
  sender,
  type TestKey,
  testKey,
} from '../support/tokens.ts';

// A reference that came from a partner never leaves again; and what a partner passes on is its account, nobody else's word.

const third = 'https://node.hotline-c.example';
const thirdKey = testKey();

let api: TestApi;
let receive: Receive;
let id: string;

beforeAll(async () => {
  api = await testApi({}, self);
  await befriend(api.exchange, sender, {}, operational);
  await befriend(api.exchange, third, {}, thirdKey);
  receive = createReceive(api.exchange);
});
afterAll(() => api.close());
beforeEach(async () => {
  id = crypto.randomUUID();
  await say(wireReference());
});

async function say(payload: Json, given: { event?: string; iss?: string; sub?: string; key?: TestKey } = {}) {
  const { event = 'submitted', iss = sender, sub = id, key = operational } = given;
  const sub_id = { format: 'iss_sub', iss, sub };
  const events = { [`urn:caseref:event:1:${event}`]: payload };
  const jti = freshJti();
  const token = makeToken({ key, payload: honestClaims({ iss, jti, sub_id, events }) });
  expect(await receive(Buffer.from(token))).toEqual({ status: 'taken' });
  const { db } = api.exchange.store;
  const row = await db.selectFrom('message').selectAll().where('jti', '=', jti).executeTakeFirstOrThrow();
  return { outcome: row.outcome, code: row.code, pointer: row.pointer };
}

const passOn = (
  source: Json,
  given: Parameters<typeof say>[1] = {},
  marking: Json = { tlp: 'AMBER', onward: 'national' },
) => say(wireReference({ marking, source }), { iss: third, key: thirdKey, ...given });

async function outbox() {
  const { db } = api.exchange.store;
  return db
    .selectFrom('delivery')
    .select(['partner', 'event', 'reference_id'])
    .where('event', '<>', 'receipt')
    .execute();
}

async function stored() {
  const rows = await api.exchange.store.db.selectFrom('reference').select(['originator', 'id']).execute();
  return rows.map((row) => `${row.originator} ${row.id}`);
}

describe('a reference received from a partner is not sent', () => {
  test('by its arrival, whatever the policies of others say', async () => {
    expect(await outbox()).toEqual([]);
  });

  test('as the source of a new one: onward-not-allowed', async () => {
    const before = await stored();
    const answer = await api.call('POST', '/v1/references', { body: submission({ source: { iss: sender, sub: id } }) });
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ code: 'onward-not-allowed', errors: [{ pointer: '/source' }] });
    expect(await stored()).toEqual(before);
  });

  test('as the source of a new one, with leave in the marking', async () => {
    await say(wireReference({ revision: 2, marking: { tlp: 'AMBER', onward: 'national' } }), { event: 'submitted' });
    const marking = { tlp: 'AMBER', onward: 'national' };
    const body = submission({ source: { iss: sender, sub: id }, marking });
    expect((await api.call('POST', '/v1/references', { body })).json()).toMatchObject({ code: 'onward-not-allowed' });
  });

  test('under its own id: not-originator', async () => {
    const answer = await api.call('POST', '/v1/references', { body: submission({ id }) });
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ code: 'not-originator', errors: [{ pointer: '/id' }] });
  });

  test('under its own id when it was withdrawn', async () => {
    await say({ reason: 'sent-in-error', purge: false }, { event: 'withdrawn' });
    const answer = await api.call('POST', '/v1/references', { body: submission({ id }) });
    expect(answer.json()).toMatchObject({ code: 'not-originator' });
  });

  test('as a line of a batch', async () => {
    const body = [submission({ id }), submission({ source: { iss: sender, sub: id } })].map((one) =>
      JSON.stringify(one),
    );
    const answer = await api.call('POST', '/v1/references:batch', {
      body: body.join('\n'),
      headers: { 'content-type': 'application/x-ndjson' },
    });
    const codes = answer.body
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { code?: string }).code);
    expect(codes).toEqual(['not-originator', 'onward-not-allowed']);
  });

  test('by a revision or a withdrawal of it here: not-found', async () => {
    const revised = await api.call('PUT', `/v1/references/${id}`, {
      body: submission(),
      headers: { 'if-match': '"1"' },
    });
    const body = { reason: 'sent-in-error', purge: true };
    const withdrawn = await api.call('POST', `/v1/references/${id}/withdrawal`, { body });
    expect([revised.statusCode, withdrawn.statusCode]).toEqual([404, 404]);
  });

  test('by a person’s decision to send: nothing that fits is held', async () => {
    expect(await decideHeldReferences(api.exchange, { id }, 'send', 'a person')).toMatchObject({ code: 'not-found' });
  });

  test('by any of these', async () => {
    expect((await outbox()).filter(({ reference_id }) => reference_id === id)).toEqual([]);
  });
});

describe('a submission with a source that is not here', () => {
  test('is withheld from everybody by the gate onward', async () => {
    const source = { iss: 'https://node.nobody.example', sub: crypto.randomUUID() };
    const marking = { tlp: 'AMBER', onward: 'national' };
    const answer = await api.call('POST', '/v1/references', { body: submission({ source, marking }) });
    expect(answer.statusCode).toBe(201);
    const { decisions, reference } = answer.json<{ decisions: Json[]; reference: { id: string } }>();
    expect(decisions).toHaveLength(2);
    for (const decision of decisions) expect(decision).toMatchObject({ effect: 'withhold', rule: 'onward' });
    expect((await outbox()).filter(({ reference_id }) => reference_id === reference.id)).toEqual([]);
  });

  test('does not get rid of it by a revision', async () => {
    const source = { iss: 'https://node.nobody.example', sub: crypto.randomUUID() };
    const body = submission({ source });
    const { reference } = (await api.call('POST', '/v1/references', { body })).json<{ reference: { id: string } }>();
    const { source: _, ...without } = body;
    const headers = { 'if-match': '"1"' };
    const answer = await api.call('PUT', `/v1/references/${reference.id}`, { body: without, headers });
    expect(answer.json()).toMatchObject({ code: 'revision-conflict', errors: [{ pointer: '/source' }] });
  });
});

describe('a submitted that was passed on', () => {
  const refused = (code: string, pointer: string) => ({ outcome: 'refused', code, pointer });

  test('from us to us is refused: not-originator', async () =>
    expect(await passOn({ iss: self, sub: crypto.randomUUID() })).toEqual(refused('not-originator', '/source/iss')));

  test('from its sender is refused: schema-invalid', async () =>
    expect(await passOn({ iss: third, sub: crypto.randomUUID() })).toEqual(refused('schema-invalid', '/source/iss')));

  test.each([[{ tlp: 'AMBER' }], [{ tlp: 'AMBER', onward: 'none' }], [{ tlp: 'AMBER', onward: 'unknown' }]])(
    'with the marking %j is refused: onward-not-allowed',
    async (marking) =>
      expect(await passOn({ iss: sender, sub: id }, {}, marking)).toEqual(
        refused('onward-not-allowed', '/marking/onward'),
      ),
  );

  test('by a sender of another country is refused: onward-not-allowed', async () => {
    const { exchange } = api;
    receive = createReceive({ ...exchange, settings: { ...exchange.settings, jurisdictions: ['NL'] } });
    expect(await passOn({ iss: sender, sub: id })).toEqual(refused('onward-not-allowed', '/source'));
    receive = createReceive(exchange);
  });

  test('after its originator withdrew it here is refused: reference-withdrawn', async () => {
    await say({ reason: 'sent-in-error', purge: true }, { event: 'withdrawn' });
    const copy = { sub: crypto.randomUUID() };
    expect(await passOn({ iss: sender, sub: id }, copy)).toEqual(refused('reference-withdrawn', '/source'));
  });

  test('for a tombstone is refused: reference-withdrawn', async () => {
    const never = crypto.randomUUID();
    await say({ reason: 'sent-in-error', purge: true }, { event: 'withdrawn', sub: never });
    expect(await passOn({ iss: sender, sub: never })).toEqual(refused('reference-withdrawn', '/source'));
  });

  test('with leave is taken as its sender’s account, and changes nothing of its originator’s own', async () => {
    const copy = crypto.randomUUID();
    expect(await passOn({ iss: sender, sub: id }, { sub: copy })).toMatchObject({ outcome: 'accepted' });
    const account = await showReference(api.exchange, third, copy, 'masked');
    expect(account).toMatchObject({ originator: third, source: { iss: sender, sub: id } });
    const own = await showReference(api.exchange, sender, id, 'masked');
    expect(own).toMatchObject({ originator: sender, revision: 1 });
    expect(own).not.toHaveProperty('source');
  });

  test('does not become its sender’s own word by a revision: revision-conflict', async () => {
    const copy = { sub: crypto.randomUUID() };
    await passOn({ iss: sender, sub: id }, copy);
    const given = { iss: third, key: thirdKey, ...copy };
    expect(await say(wireReference({ revision: 2 }), given)).toEqual(refused('revision-conflict', '/source'));
  });

  test('is not passed on from here', async () => {
    const copy = crypto.randomUUID();
    await passOn({ iss: sender, sub: id }, { sub: copy });
    for (const body of [submission({ source: { iss: third, sub: copy } }), submission({ id: copy })]) {
      expect((await api.call('POST', '/v1/references', { body })).statusCode).toBe(422);
    }
  });
});
