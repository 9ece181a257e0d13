// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { browseReferences, showDecisions } from '../../src/exchange/browse.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createReceive, type Receive } from '../../src/exchange/receive.ts';
import { type TestApi, testApi } from '../support/api.ts';
import { befriend } from '../support/exchange.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { honestClaims, type Json, makeToken, operational, self, sender } from '../support/tokens.ts';

// A node of type industry takes the reduced form and nothing else; every other node takes whole references and nothing else.

const reduced: Json = {
  revision: 1,
  url: 'https://host.example/path',
  category: 'csam',
  requested: 'remove',
  legalBasis: 'notice-and-action',
  marking: { tlp: 'AMBER', notifyHost: 'may' },
};
const digest = `S256:${'A'.repeat(43)}`;

let api: TestApi;
let industry: Receive;
let hotline: Receive;
let id: string;

beforeAll(async () => {
  api = await testApi({}, self);
  const { exchange } = api;
  await befriend(exchange, sender, {}, operational);
  industry = createReceive({ ...exchange, settings: { ...exchange.settings, type: 'industry' } });
  hotline = createReceive(exchange);
});
afterAll(() => api.close());
beforeEach(() => {
  id = crypto.randomUUID();
});

async function say(payload: Json, event = 'submitted', receive = industry) {
  const sub_id = { format: 'iss_sub', iss: sender, sub: id };
  const jti = freshJti();
  const events = { [`urn:caseref:event:1:${event}`]: payload };
  const token = makeToken({ payload: honestClaims({ jti, sub_id, events }) });
  expect(await receive(Buffer.from(token))).toEqual({ status: 'taken' });
  const { db } = api.exchange.store;
  const row = await db.selectFrom('message').selectAll().where('jti', '=', jti).executeTakeFirstOrThrow();
  return { outcome: row.outcome, code: row.code, pointer: row.pointer, kept: row.body !== null };
}

const show = (path = '') => api.call('GET', `/v1/references/${id}${path}?originator=${encodeURIComponent(sender)}`);
const isStored = async () =>
  (await api.exchange.store.db.selectFrom('reference').select('id').where('id', '=', id).execute()).length === 1;

describe('an industry node', () => {
  test('takes the reduced form and shows what is requested and on what basis', async () => {
    expect(await say(reduced)).toMatchObject({ outcome: 'accepted', kept: true });
    const answer = await show();
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ ...reduced, state: 'open', direction: 'in', originator: sender });
    expect(answer.json()).not.toHaveProperty('jurisdiction');
  });

  test('lists it, finds it by its address, and masks that for who may not locate', async () => {
    await say({ ...reduced, url: 'https://host.example/found' });
    const found = await api.call('POST', '/v1/references:search', { body: { url: 'https://host.example/found' } });
    expect(found.json<{ items: Json[] }>().items).toMatchObject([{ id, requested: 'remove' }]);
    const page = await browseReferences(api.exchange, { direction: 'in' }, { limit: 100 }, 'masked');
    const listed = 'items' in page ? page.items.find((one) => one.id === id) : undefined;
    expect(listed).toMatchObject({ legalBasis: 'notice-and-action' });
    expect(JSON.stringify(listed)).not.toContain('host.example');
  });

  test('decides by its policy, with a trace that compares codes', async () => {
    await say(reduced);
    const decisions = await showDecisions(api.exchange, sender, id);
    expect(decisions).toMatchObject({
      items: [
        {
          direction: 'in',
          effect: 'accept',
          rule: 'all',
          trace: [{ compared: [{ member: 'category', found: ['csam'] }] }],
        },
      ],
    });
  });

  test('does not match a rule that asks for what the reduced form does not say', async () => {
    const rule = (name: string, when: Json, then: string) => ({ id: name, when, then });
    const document = {
      partner: sender,
      legal: { basis: 'Invented act, section 1', transfer: 'none' },
      send: { rules: [rule('none', { category: ['*'] }, 'withhold')] },
      receive: {
        rules: [rule('placed', { 'jurisdiction.hosting': ['*'] }, 'refuse'), rule('rest', { category: ['*'] }, 'hold')],
      },
    };
    await setPolicy(api.exchange, sender, document);
    expect(await say(reduced)).toMatchObject({ outcome: 'held', code: 'policy-held' });
    const open = { ...document, receive: { rules: [rule('all', { category: ['*'] }, 'accept')] } };
    await setPolicy(api.exchange, sender, open);
    expect(await say({ ...reduced, revision: 2 })).toMatchObject({ outcome: 'accepted' });
  });

  test('takes its revision and its withdrawal', async () => {
    await say(reduced);
    const next = { ...reduced, revision: 2, requested: 'preserve' };
    expect(await say({ ...next, supersedes: digest }, 'revised')).toMatchObject({ outcome: 'accepted' });
    expect((await show()).json()).toMatchObject({ revision: 2, requested: 'preserve' });
    expect((await show()).json()).not.toHaveProperty('supersedes');
    const withdrawn = await say({ reason: 'sent-in-error', purge: true }, 'withdrawn');
    expect(withdrawn).toMatchObject({ outcome: 'sealed' });
    expect((await show()).json()).not.toHaveProperty('requested');
    expect(await say({ ...reduced, revision: 3 })).toMatchObject({ outcome: 'refused', code: 'reference-withdrawn' });
  });

  test.each([
    ['revision-conflict', { ...reduced, requested: 'preserve' }, '/revision'],
    ['url-immutable', { ...reduced, revision: 2, url: 'https://host.example/other' }, '/url'],
  ])('answers %s as for whole references', async (code, second, pointer) => {
    await say(reduced);
    expect(await say(second)).toMatchObject({ outcome: 'refused', code, pointer });
  });

  test.each([
    ['a whole reference', wireReference(), 'submitted', 'schema-invalid'],
    ['a whole reference with an instruction', { ...wireReference(), ...reduced }, 'submitted', 'schema-invalid'],
    [
      'a reduced one with a handle',
      { ...reduced, handles: [{ system: 'own', id: 'R-1' }] },
      'submitted',
      'schema-invalid',
    ],
    ['a reduced one with an assessment', { ...reduced, assessments: [] }, 'submitted', 'schema-invalid'],
    [
      'a reduced one with a source',
      { ...reduced, source: { iss: self, sub: crypto.randomUUID() } },
      'submitted',
      'schema-invalid',
    ],
    [
      'a revision with a whole reference',
      { ...wireReference({ revision: 2 }), supersedes: digest },
      'revised',
      'schema-invalid',
    ],
    ['a reduced one that supersedes, as submitted', { ...reduced, supersedes: digest }, 'submitted', 'schema-invalid'],
    ['one without a basis', { ...reduced, legalBasis: undefined }, 'submitted', 'schema-invalid'],
    ['one with a fingerprint', { ...reduced, md5: 'x' }, 'submitted', 'fingerprint-refused'],
    ['one without a host', { ...reduced, url: 'https://10.0.0.1/x' }, 'submitted', 'url-quarantined'],
    [
      'one with a closed label and an open portal',
      { ...reduced, marking: { tlp: 'RED', portal: 'national' } },
      'submitted',
      'marking-invalid',
    ],
  ])('refuses %s, and keeps nothing of it', async (_what, payload, event, code) => {
    expect(await say(payload, event)).toMatchObject({ outcome: 'refused', code, kept: false });
    expect(await isStored()).toBe(false);
  });
});

describe('every other node', () => {
  test.each([
    ['submitted', reduced],
    ['revised', { ...reduced, supersedes: digest }],
  ])('refuses the reduced form as %s, and keeps nothing of it', async (event, payload) => {
    expect(await say(payload, event, hotline)).toMatchObject({
      outcome: 'refused',
      code: 'schema-invalid',
      kept: false,
    });
    expect(await isStored()).toBe(false);
  });

  test('refuses it at the node API, and so does an industry node', async () => {
    const { revision: _, ...body } = reduced;
    expect((await api.call('POST', '/v1/references', { body })).json()).toMatchObject({ code: 'schema-invalid' });
  });
});
