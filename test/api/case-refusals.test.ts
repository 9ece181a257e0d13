import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiListener } from '../../src/api/listener.ts';
import { MOST_STATEMENTS } from '../../src/exchange/case/log.ts';
import { createAuthenticate, scopes } from '../../src/exchange/clients.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { createShare } from '../../src/exchange/share.ts';
import { addUnit } from '../../src/exchange/units.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { type LostKeyBench, lostKeyBench } from '../exchange/lost-key.ts';
import { submission } from '../support/api.ts';
import { clientToken } from '../support/exchange.ts';
import { freshJti } from '../support/foreign-partner.ts';
import { person, register } from '../support/operators.ts';
import { type Json, self, sender } from '../support/tokens.ts';

// A hotline's software says something about a reference and is refused: each refusal once, named by its code.

const HOUR = 3_600_000;
let bench: LostKeyBench;
let app: FastifyInstance;
let token: string;

beforeAll(async () => {
  bench = await lostKeyBench();
  const { exchange } = bench.node;
  app = await apiListener({
    ...{ exchange, authenticate: createAuthenticate(exchange), healthy: async () => true },
    ...{ share: createShare(exchange), revise: createRevise(exchange) },
  });
  token = await clientToken(exchange, scopes);
  await trust({ mayHold: true });
});
afterAll(async () => {
  await app.close();
  await bench.node.close();
});

const instant = (ms = bench.now()) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
const rule = (then: string) =>
  Object.fromEntries([...Object.entries({ id: 'all', when: { category: ['*'] } }), ['then', then]]);

/** The policy for the partner, which is police. */
async function trust(receive: Json, legal: Json | null = { basis: 'Invented act', transfer: 'none' }) {
  const set = await setPolicy(bench.node.exchange, sender, {
    ...{ partner: sender, send: { rules: [rule('send')] }, receive: { rules: [rule('accept')], ...receive } },
    ...(legal && { legal }),
  });
  expect(set).not.toHaveProperty('refused');
}

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  app.inject({
    ...{ method: 'POST', url },
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });
const about = (id: string, path: string, originator?: string) =>
  `/v1/references/${id}/${path}${originator === undefined ? '' : `?originator=${encodeURIComponent(originator)}`}`;

/** Says something about an own reference, or with `theirs` about one of the partner's. */
const say = (id: string, path: string, body: unknown) => post(about(id, path), body);
const answer = (id: string, path: string, body: unknown) => post(about(id, path, sender), body);

async function refused(call: ReturnType<typeof post>, status: number, code: string, pointer?: string) {
  const { statusCode, headers, json } = await call;
  expect([statusCode, json().code]).toEqual([status, code]);
  expect(headers['content-type']).toContain('application/problem+json');
  if (pointer !== undefined) expect(json().errors[0].pointer).toBe(pointer);
}

/** An own reference, which the partner was sent. */
async function ours(): Promise<string> {
  const made = await post('/v1/references', submission({ jurisdiction: { hosting: 'DE' } }));
  expect(made.statusCode).toBe(201);
  return made.json().reference.id;
}
const theirs = async () => (await bench.submit()).id;

/** The partner says something about a reference. */
async function hears(event: string, payload: Json, id: string, originator: string, at = bench.now()) {
  const jti = freshJti();
  const sub_id = { format: 'iss_sub', iss: originator, sub: id };
  await bench.push(event, payload, { id, jti, at }, { sub_id });
  expect((await bench.message(jti)).outcome).toBe('accepted');
  bench.later(2000);
  return jti;
}

const final = (changes: Json = {}) => ({ action: 'removed', at: instant(), standing: 'final', ...changes });
const hold = () => ({
  ...{ step: 'placed', until: instant(bench.now() + 24 * HOUR), ground: 'investigation', authority: 'police' },
});
const asked = () => ({ step: 'requested', deadline: instant(bench.now() + HOUR) });

/** One body that each route takes as far as its form goes. */
const bodies: Readonly<Record<string, () => Json>> = {
  assessments: () => ({ scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed', at: instant() }),
  actions: final,
  handovers: () => ({ step: 'offered', to: sender }),
  holds: hold,
  clearances: asked,
  feedback: () => ({ code: 'useful' }),
  acknowledgement: () => ({ at: instant() }),
};
const paths = Object.keys(bodies);

describe.each(paths)('%s', (path) => {
  const body = (more: Json = {}) => ({ ...bodies[path]?.(), ...more });

  test('media-refused: media, before anything else is looked at', async () => {
    await refused(say(crypto.randomUUID(), path, body({ thumbnail: 'x' })), 422, 'media-refused', '/thumbnail');
  });

  test('fingerprint-refused: a digest, wherever it stands', async () => {
    const digest = 'd41d8cd98f00b204e9800998ecf8427e';
    await refused(say(await ours(), path, body({ code: digest })), 422, 'fingerprint-refused', '/code');
  });

  test('schema-invalid: a member that is not in the schema', async () => {
    await refused(answer(await theirs(), path, body({ comment: 'x' })), 422, 'schema-invalid', '/comment');
  });

  test('not-found: a reference that is not here, or not that originator’s', async () => {
    await refused(say(crypto.randomUUID(), path, body()), 404, 'not-found');
    await refused(say(await theirs(), path, body()), 404, 'not-found');
    await refused(say('no-uuid', path, body()), 404, 'not-found');
  });

  test('reference-withdrawn: a reference that was taken back', async () => {
    const id = await ours();
    await post(`/v1/references/${id}/withdrawal`, { reason: 'legal', purge: true });
    await refused(say(id, path, body()), 409, 'reference-withdrawn');
  });
});

test.each([
  ['assessments', { scheme: 'home-made' }, '/scheme'],
  ['assessments', { method: 'guessed' }, '/method'],
  ['actions', { action: 'vanished' }, '/action'],
  ['actions', { reason: 'because' }, '/reason'],
  ['holds', { ground: 'curiosity' }, '/ground'],
  ['holds', { authority: 'mayor' }, '/authority'],
  ['feedback', { code: 'nice' }, '/code'],
])('code-unknown: %s with %j', async (path, changes, pointer) => {
  await refused(answer(await theirs(), path, { ...bodies[path]?.(), ...changes }), 422, 'code-unknown', pointer);
});

test('code-unknown: a unit that is not on the list', async () => {
  const toldBy = { channel: 'phone', unit: 'Unit nowhere' };
  await refused(say(await ours(), 'holds', { ...hold(), toldBy }), 422, 'code-unknown', '/toldBy/unit');
});

test('json-invalid: a member twice', async () => {
  await refused(say(await ours(), 'feedback', '{"code":"useful","code":"useful"}'), 400, 'json-invalid');
});

test('media-type-unsupported: no JSON', async () => {
  const call = post(about(await ours(), 'feedback'), 'code=useful', { 'content-type': 'text/plain' });
  await refused(call, 415, 'media-type-unsupported');
});

test('too-large: a body over 64 KiB', async () => {
  await refused(say(await ours(), 'feedback', { code: 'x'.repeat(70_000) }), 413, 'too-large');
});

test('too-large: a log that is full', async () => {
  const id = await ours();
  expect((await say(id, 'clearances', asked())).statusCode).toBe(201);
  const [row] = await bench.db.selectFrom('case_statement').selectAll().where('reference_id', '=', id).execute();
  if (!row) throw new Error('nothing was recorded');
  const { position: _, ...kept } = row;
  const full = Array.from({ length: MOST_STATEMENTS - 1 }, () => ({
    ...{ ...kept, id: crypto.randomUUID(), state: 'refused' as const, code: 'schema-invalid', payload: null },
  }));
  await bench.db.insertInto('case_statement').values(full).execute();
  await refused(say(id, 'assessments', bodies.assessments?.()), 413, 'too-large');
});

test('query-invalid: an originator that is none, a key with a space', async () => {
  const id = await ours();
  await refused(
    post(about(id, 'feedback', 'ftp://host.example'), { code: 'useful' }),
    400,
    'query-invalid',
    '/originator',
  );
  await refused(
    post(about(id, 'feedback'), { code: 'useful' }, { 'idempotency-key': 'two words' }),
    400,
    'query-invalid',
  );
});

test('jurisdiction-invalid: UK, which is GB', async () => {
  await refused(answer(await theirs(), 'feedback', { code: 'forwarded', country: 'UK' }), 422, 'jurisdiction-invalid');
});

test('handle-invalid: a number of a police system from a hotline', async () => {
  const note = { at: instant(), ownReference: { system: 'siena', id: '4711' } };
  await refused(answer(await theirs(), 'acknowledgement', note), 422, 'handle-invalid', '/ownReference/system');
});

test('schema-invalid: what has not happened yet', async () => {
  const ahead = final({ at: instant(bench.now() + HOUR) });
  await refused(say(await ours(), 'actions', ahead), 422, 'schema-invalid', '/at');
});

test('not-assignee: an outcome of who does not hold the pen', async () => {
  await refused(answer(await theirs(), 'actions', final()), 422, 'not-assignee', '/standing');
});

test('handover-pending: an outcome of who was only offered the pen', async () => {
  const id = await theirs();
  await hears('handover', { step: 'offered', to: self }, id, sender);
  await refused(answer(id, 'actions', final()), 409, 'handover-pending', '/standing');
});

test('partner-unknown, state-conflict: the pen offered to who would never hear of it', async () => {
  const offer = (to: string) => ({ step: 'offered', to });
  await refused(say(await ours(), 'handovers', offer('https://nobody.example')), 404, 'partner-unknown', '/to');
  const { exchange } = bench.node;
  const withheld = { partner: sender, send: { rules: [rule('withhold')] }, receive: { rules: [rule('accept')] } };
  expect(await setPolicy(exchange, sender, withheld)).not.toHaveProperty('refused');
  const id = await ours();
  await trust({ mayHold: true });
  await refused(say(id, 'handovers', offer(sender)), 409, 'state-conflict', '/to');
});

test('pen-conflict: an outcome while two hold the pen', async () => {
  const id = await theirs();
  const another = 'https://node.hotline-c.example';
  const before = bench.now() + 1000;
  const jti = await hears('handover', { step: 'offered', to: another }, id, sender);
  const body = { step: 'accepted', accepts: jti };
  const digest = `S256:${'A'.repeat(43)}`;
  await hears('relayed', { by: another, event: 'handover', jti: freshJti(), digest, body }, id, sender);
  await hears('handover', { step: 'confirmed', to: another }, id, sender);
  await hears('handover', { step: 'offered', to: self }, id, sender, before);
  expect((await answer(id, 'handovers', { step: 'accepted' })).statusCode).toBe(201);
  await hears('handover', { step: 'confirmed', to: self }, id, sender);
  await refused(answer(id, 'actions', final()), 409, 'pen-conflict', '/standing');
  const shown = await app.inject({
    ...{ method: 'GET', url: `/v1/references/${id}?originator=${encodeURIComponent(sender)}` },
    headers: { authorization: `Bearer ${token}` },
  });
  expect(shown.json().case).toMatchObject({
    pen: { holders: [another, self].sort() },
    conflicts: [{ kind: 'pen-conflict', between: [another, self].sort() }],
  });
});

test('already-final: a second outcome', async () => {
  const id = await ours();
  expect((await say(id, 'actions', final())).statusCode).toBe(201);
  bench.later(2000);
  await refused(say(id, 'actions', final({ action: 'not-illegal' })), 409, 'already-final', '/action');
});

test('hold-active: telling the host under a hold, or before the clearance that was asked', async () => {
  const id = await ours();
  await hears('hold', hold(), id, self);
  await refused(say(id, 'actions', final({ action: 'reported-to-isp' })), 409, 'hold-active', '/action');
  const other = await ours();
  expect((await say(other, 'clearances', asked())).statusCode).toBe(201);
  await refused(say(other, 'actions', final({ action: 'reported-to-site-owner' })), 409, 'hold-active', '/action');
});

test('hold-not-competent: a hold by a hotline', async () => {
  const call = say(await ours(), 'holds', hold());
  await refused(call, 422, 'hold-not-competent');
  expect((await call).json().errors[0].next).toContain('--told-by');
});

test('not-competent: clearance given by a hotline, an outcome of police, feedback to oneself', async () => {
  await refused(say(await ours(), 'clearances', { step: 'granted' }), 422, 'not-competent', '/step');
  await refused(answer(await theirs(), 'feedback', { code: 'investigation-opened' }), 422, 'not-competent', '/code');
  await refused(say(await ours(), 'feedback', { code: 'useful' }), 422, 'not-competent');
  await refused(say(await ours(), 'acknowledgement', { at: instant() }), 422, 'not-competent');
});

test('state-conflict: an answer to nothing, a request that waits already', async () => {
  const id = await ours();
  await refused(say(id, 'handovers', { step: 'confirmed' }), 409, 'state-conflict', '/step');
  expect((await say(id, 'clearances', asked())).statusCode).toBe(201);
  bench.later(2000);
  await refused(say(id, 'clearances', asked()), 409, 'state-conflict', '/step');
});

describe('about a reference of a partner that cannot be told', () => {
  async function inState(state: 'removed' | 'pending' | 'active') {
    await bench.db.updateTable('partner').set({ state }).where('issuer', '=', sender).execute();
    await bench.directoryMoved();
  }

  test.each([
    ['partner-unknown', 'removed', 404],
    ['partner-pending', 'pending', 409],
  ] as const)('%s: it is %s', async (code, state, status) => {
    const id = await theirs();
    await inState(state);
    await refused(answer(id, 'feedback', { code: 'useful' }), status, code);
    await inState('active');
  });

  test('legal-basis-missing: its policy names none', async () => {
    const id = await theirs();
    await trust({}, null);
    await refused(answer(id, 'feedback', { code: 'useful' }), 422, 'legal-basis-missing');
    await trust({ mayHold: true });
  });
});

test('operator-required: what a unit told, where two operators have to sign', async () => {
  const { exchange } = bench.node;
  const unit = { name: 'Unit 7', jurisdiction: 'DE' };
  expect(await addUnit(exchange, unit)).not.toHaveProperty('refused');
  const toldBy = { channel: 'phone', unit: unit.name };
  const id = await ours();
  const first = await say(id, 'holds', { ...hold(), toldBy });
  expect([first.statusCode, first.json().code]).toEqual([201, undefined]);
  await register(exchange, person('ada'), person('ben'));
  await refused(say(await ours(), 'holds', { ...hold(), toldBy }), 422, 'operator-required', '/toldBy');
});

test('what was refused leaves nothing', async () => {
  const rows = await inTransaction(bench.db, (trx) =>
    trx
      .selectFrom('case_statement')
      .selectAll()
      .where('event', '=', 'feedback')
      .where('direction', '=', 'out')
      .execute(),
  );
  expect(rows).toEqual([]);
});
