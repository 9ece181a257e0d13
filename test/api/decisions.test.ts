// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document and of the call
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addDeny, removeDeny } from '../../src/exchange/denies.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { submission, type TestApi, testApi } from '../support/api.ts';
import { befriend, clientToken } from '../support/exchange.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { honestClaims, makeToken, operational, self, sender } from '../support/tokens.ts';

// POST /v1/decisions:batch: analysts decide with a token what a rule left to a person.

let api: TestApi;
let analyst: string;

beforeAll(async () => {
  api = await testApi({}, self);
  analyst = await clientToken(api.exchange, ['decisions:write']);
  await befriend(api.exchange, sender, {}, operational);
  const set = await setPolicy(api.exchange, sender, {
    partner: sender,
    legal: { basis: 'Invented act, section 1', transfer: 'none', route: 'own-police' },
    send: { rules: [{ id: 'by-hand', when: { category: ['*'] }, then: 'hold' }] },
    receive: { rules: [{ id: 'in-by-hand', when: { category: ['*'] }, then: 'hold' }] },
  });
  expect(Array.isArray(set) ? set : []).toEqual([]);
});
afterAll(() => api.close());

async function shared(changes = {}): Promise<string> {
  const answer = await api.call('POST', '/v1/references', { body: submission(changes) });
  expect(answer.statusCode, answer.body).toBe(201);
  return answer.json().reference.id;
}

async function arrived(): Promise<string> {
  const id = crypto.randomUUID();
  const claims = honestClaims({
    jti: freshJti(),
    sub_id: { format: 'iss_sub', iss: sender, sub: id },
    events: { 'urn:caseref:event:1:submitted': wireReference({ url: `https://host.example/${id}` }) },
  });
  expect(await createReceive(api.exchange)(Buffer.from(makeToken({ payload: claims })))).toEqual({ status: 'taken' });
  return id;
}

const decide = (body: unknown, token: string | null = analyst) =>
  api.call('POST', '/v1/decisions:batch', { body, token });

test('everything that a rule held is decided, and who decided stands beside it', async () => {
  const ids = [await shared(), await shared()].sort();
  const answer = await decide({ partner: sender, rule: 'by-hand', direction: 'out', then: 'send' });
  expect(answer.statusCode, answer.body).toBe(200);
  const body = answer.json();
  expect(body).toMatchObject({ then: 'send', decided: 2, kept: 0, remaining: 0, unlisted: 0 });
  expect(body.decidedBy).toMatch(/^Client 1 \(client [0-9a-f-]{36}\)$/);
  expect(body.results.map(({ id }: { id: string }) => id).sort()).toEqual(ids);
  expect(body.results[0]).toMatchObject({ originator: self, partner: sender, outcome: 'decided', rule: 'by-hand' });
  const shown = await api.call('GET', `/v1/references/${ids[0]}/decisions`);
  expect(shown.json().items).toMatchObject([{ effect: 'send', decidedBy: body.decidedBy }]);
});

test('what came is accepted by its id alone, and is in the list of what is held until then', async () => {
  const [wanted, left] = [await arrived(), await arrived()];
  const held = async () => {
    const { items } = (await api.call('GET', '/v1/references?state=held')).json();
    return items.map(({ id }: { id: string }) => id).sort();
  };
  expect(await held()).toEqual([wanted, left].sort());
  const answer = await decide({ partner: sender, references: [{ id: wanted }], then: 'accept' });
  expect(answer.json()).toMatchObject({
    decided: 1,
    remaining: 0,
    results: [{ originator: sender, id: wanted, outcome: 'decided' }],
  });
  expect(await held()).toEqual([left]);
  await decide({ partner: sender, then: 'refuse' });
});

test('of several named ones each is answered: decided, not held any more, never there', async () => {
  const [open, done] = [await shared(), await shared()];
  await decide({ partner: sender, references: [{ id: done }], then: 'withhold' });
  const nowhere = crypto.randomUUID();
  const references = [{ id: open }, { id: done }, { originator: self, id: nowhere }];
  const { results } = (await decide({ partner: sender, references, then: 'send' })).json();
  expect(results).toMatchObject([
    { id: open, outcome: 'decided' },
    { id: done, outcome: 'not-held', effect: 'withhold', decidedBy: expect.stringContaining('Client 1') },
    { id: nowhere, outcome: 'not-held' },
  ]);
  expect(results[2]).not.toHaveProperty('effect');
});

test('what a deny holds is kept, and said to be', async () => {
  const deny = await addDeny(api.exchange, { id: 'unknown-site', ground: 'legal', when: { 'site.type': ['forum'] } });
  expect(Array.isArray(deny) ? deny : []).toEqual([]);
  const id = await shared();
  expect((await decide({ partner: sender, then: 'send' })).json()).toMatchObject({
    decided: 0,
    kept: 1,
    remaining: 1,
    results: [{ id, outcome: 'kept', rule: 'deny:unknown-site' }],
  });
  await removeDeny(api.exchange, 'unknown-site');
  await decide({ partner: sender, then: 'withhold' });
});

test('two analysts at once decide each reference once', async () => {
  for (let n = 0; n < 20; n += 1) await shared();
  const second = await clientToken(api.exchange, ['decisions:write', 'events:read']);
  const answers = await Promise.all([
    decide({ partner: sender, then: 'withhold' }),
    decide({ partner: sender, then: 'withhold' }, second),
  ]);
  const decided = answers.map((answer) => (answer.statusCode === 200 ? answer.json().decided : 0));
  expect(decided.reduce((sum, n) => sum + n, 0)).toBe(20);
});

test('a limit is kept to, and what remains is told', async () => {
  for (let n = 0; n < 3; n += 1) await shared();
  const answer = (await decide({ partner: sender, then: 'withhold', limit: 2 })).json();
  expect(answer).toMatchObject({ decided: 2, remaining: 1 });
  expect((await decide({ partner: sender, then: 'withhold' })).json()).toMatchObject({ decided: 1, remaining: 0 });
});

describe('is refused', () => {
  test.each([
    ['a partner that there is not', { partner: 'https://node.nobody.example', then: 'send' }, 404, 'partner-unknown'],
    ['a partner that is missing', { then: 'send' }, 422, 'schema-invalid'],
    ['a decision that there is not', { partner: sender, then: 'hold' }, 422, 'schema-invalid'],
    ['a decision for the other direction', { partner: sender, direction: 'in', then: 'send' }, 422, 'schema-invalid'],
    ['an unknown member', { partner: sender, then: 'send', all: true }, 422, 'schema-invalid'],
    ['a member named for media', { partner: sender, then: 'send', thumbnail: 'x' }, 422, 'media-refused'],
    ['a rule that is a digest', { partner: sender, then: 'send', rule: 'ab'.repeat(32) }, 422, 'fingerprint-refused'],
    ['an empty list', { partner: sender, then: 'send', references: [] }, 422, 'schema-invalid'],
    [
      'a list too long',
      { partner: sender, then: 'send', references: Array(501).fill({ id: crypto.randomUUID() }) },
      422,
      'schema-invalid',
    ],
    ['an id that is none', { partner: sender, then: 'send', references: [{ id: 'x' }] }, 422, 'schema-invalid'],
    ['a limit of none', { partner: sender, then: 'send', limit: 0 }, 422, 'schema-invalid'],
    ['a queue with nothing in it', { partner: sender, rule: 'no-such-rule', then: 'send' }, 404, 'not-found'],
    ['a body that is no JSON', '{', 400, 'json-invalid'],
  ])('%s', async (_, body, status, code) => {
    const answer = await decide(body);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
  });

  test('what somebody decided before, naming how it stands', async () => {
    const id = await shared();
    await decide({ partner: sender, references: [{ id }], then: 'withhold' });
    const again = await decide({ partner: sender, references: [{ id }], then: 'send' });
    expect([again.statusCode, again.json().code]).toEqual([409, 'state-conflict']);
    expect(again.json().detail).toContain('withhold by Client 1');
  });

  test('a client without the scope', async () => {
    const writer = await clientToken(api.exchange, ['references:write', 'references:read']);
    const answer = await decide({ partner: sender, then: 'send' }, writer);
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'scope-missing']);
  });
});
