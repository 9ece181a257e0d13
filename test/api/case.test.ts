// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, openPolicy, type TestNode, testNode } from '../support/node.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

// What a hotline's and a police unit's own software say about one reference, each at its own node, over real HTTP.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let ahead = 0;
const clock = () => Date.now() + ahead;
let database: FreshDatabase;
let hotline: TestNode;
let police: TestNode;
const tokens = new Map<TestNode, string>();

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  hotline = await testNode({ name: 'Hotline A', jurisdictions: ['DE'], clock, database: database.url });
  police = await testNode({ name: 'Police B', type: 'law-enforcement', jurisdictions: ['NL'], clock });
  await befriendNode(hotline, police);
  await befriendNode(police, hotline);
  const open = openPolicy(police.issuer) as { send: object; receive: object };
  const send = { ...open.send, disclose: { assessments: true, handles: 'always' } };
  const document = { ...open, send, receive: { ...open.receive, mayHold: true } };
  await hotline.ask('policy.set', { issuer: police.issuer, document });
  const scopes = ['references:write', 'references:read', 'events:read'];
  for (const node of [hotline, police])
    tokens.set(node, (await node.ask('client.create', { name: 'Intake', scopes })).token);
}, 60_000);
afterAll(async () => {
  await Promise.all([hotline, police].map((node) => node?.remove()));
  await database?.drop();
});

const instant = (ms = clock()) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

async function call(
  node: TestNode,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const answer = await fetch(`${node.running.addresses.api}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${tokens.get(node)}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) };
}

const whose = (node: TestNode) => (node === hotline ? '' : `?originator=${hotline.issuer}`);
const say = (node: TestNode, id: string, path: string, body: unknown, headers = {}) =>
  call(node, 'POST', `/v1/references/${id}/${path}${whose(node)}`, body, headers);
const show = async (node: TestNode, id: string) => (await call(node, 'GET', `/v1/references/${id}${whose(node)}`)).body;

/** Says it a moment later than what was said before, and waits until the other node knows. */
async function told(node: TestNode, id: string, path: string, body: unknown) {
  ahead += 2000;
  const other = node === hotline ? police : hotline;
  const before = (await show(other, id)).case.timeline.length;
  const answer = await say(node, id, path, body);
  expect([answer.status, answer.body.code]).toEqual([201, undefined]);
  expect(answer.body.recipients).toEqual([{ partner: other.issuer, state: 'queued' }]);
  await eventually(`${path} at the other node`, async () => (await show(other, id)).case.timeline.length > before);
  return answer.body;
}

async function submit(changes: object = {}): Promise<string> {
  const { url: _, ...reference } = inventedReference(1);
  const body = {
    ...reference,
    url: `https://host.example/${crypto.randomUUID()}`,
    jurisdiction: { hosting: 'NL', reporting: 'DE' },
    marking: { tlp: 'AMBER', notifyHost: 'after-clearance' },
    ...changes,
  };
  const answer = await call(hotline, 'POST', '/v1/references', body);
  expect(answer.status).toBe(201);
  const { id } = answer.body.reference;
  await eventually('the submission', async () => (await show(police, id)).state === 'open');
  return id;
}

const assessed = (changes: object = {}) => ({
  ...{ scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed', at: instant() },
  ...changes,
});
/** Not a claim of the reference itself. */
const isSaid = ({ said }: { said?: string }) => said !== undefined;
const acted = (changes: object = {}) => ({ action: 'removed', at: instant(), standing: 'final', ...changes });
const held = () => ({
  step: 'placed',
  until: instant(clock() + 2 * DAY),
  ground: 'investigation',
  authority: 'police',
});

/** Types of the feed's entries about a reference. */
async function feed(node: TestNode, id: string) {
  const { body } = await call(node, 'GET', '/v1/events?limit=500');
  return body.items.filter((one: { reference?: { id: string } }) => one.reference?.id === id);
}

test('an assessment stands beside others, each under its law and by its method', async () => {
  const id = await submit();
  const recorded = await told(hotline, id, 'assessments', assessed());
  expect(recorded).toMatchObject({ originator: hotline.issuer, id, event: 'assessed' });
  await told(police, id, 'assessments', assessed({ code: 'national', law: 'NL' }));
  for (const node of [hotline, police])
    expect((await show(node, id)).history.assessments.slice(-2)).toMatchObject([
      { by: hotline.issuer, scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed' },
      { by: police.issuer, code: 'national', law: 'NL' },
    ]);
  expect((await feed(hotline, id)).at(-1)).toMatchObject({
    ...{ type: 'case.assessed', partner: police.issuer, code: 'national', detail: { by: police.issuer } },
  });
});

test('a hand-over under way is shown, moves the pen, and its new holder sets the outcome', async () => {
  const id = await submit();
  await told(hotline, id, 'handovers', { step: 'offered', to: police.issuer });
  for (const node of [hotline, police])
    expect((await show(node, id)).case.pen).toMatchObject({
      holders: [hotline.issuer],
      offers: [{ from: hotline.issuer, to: police.issuer, state: 'offered' }],
      unplaced: false,
    });
  await told(police, id, 'handovers', { step: 'accepted' });
  await told(hotline, id, 'handovers', { step: 'confirmed' });
  await told(police, id, 'actions', acted());
  await eventually('the outcome', async () => (await show(hotline, id)).state === 'removed');
  const shown = await show(hotline, id);
  expect(shown.case).toMatchObject({
    pen: { holders: [police.issuer], offers: [] },
    outcomes: [{ action: 'removed', by: police.issuer }],
    conflicts: [],
  });
  expect(shown.history.actions).toMatchObject([{ by: police.issuer, action: 'removed', standing: 'final' }]);
  const { body } = await call(hotline, 'GET', '/v1/references?state=removed');
  expect(body.items.map((one: { id: string }) => one.id)).toContain(id);
  const entries = await feed(police, id);
  expect(entries.filter(({ type }: { type: string }) => type === 'case.handover')).toMatchObject([
    { partner: hotline.issuer, detail: { by: hotline.issuer, step: 'offered', to: police.issuer } },
    { detail: { by: police.issuer, step: 'accepted' } },
    { partner: hotline.issuer, detail: { by: hotline.issuer, step: 'confirmed' } },
  ]);
  expect(await feed(hotline, id)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ type: 'case.changed', detail: { state: 'removed', former: 'open' } }),
      expect.objectContaining({
        ...{ type: 'case.acted', partner: police.issuer },
        detail: { by: police.issuer, action: 'removed', standing: 'final' },
      }),
    ]),
  );
});

test('a hold is shown with its desk, and lists find what is on hold; lifted, it has ended', async () => {
  const id = await submit();
  await told(police, id, 'holds', held());
  await eventually('the hold', async () => (await show(hotline, id)).state === 'on-hold');
  const shown = await show(hotline, id);
  expect(shown.history.holds).toMatchObject([
    {
      ...{ desk: { by: police.issuer }, binding: true, inForce: true, ground: 'investigation', authority: 'police' },
      audience: [hotline.issuer, police.issuer].sort(),
    },
  ]);
  expect(shown.case.host).toEqual({ notice: 'must-not', reason: 'hold' });
  expect((await feed(hotline, id)).find(({ type }: { type: string }) => type === 'case.hold')).toMatchObject({
    ...{ partner: police.issuer, detail: { by: police.issuer, step: 'placed', until: shown.history.holds[0].until } },
  });
  const { body } = await call(hotline, 'GET', '/v1/references?state=on-hold');
  expect(body.items.map((one: { id: string }) => one.id)).toEqual([id]);
  const refused = await say(hotline, id, 'actions', acted({ action: 'reported-to-isp' }));
  expect([refused.status, refused.body.code, refused.body.errors[0].pointer]).toEqual([409, 'hold-active', '/action']);
  await told(police, id, 'holds', { step: 'lifted' });
  await eventually('the end', async () => (await show(hotline, id)).state === 'open');
  expect((await show(hotline, id)).history.holds).toMatchObject([{ inForce: false }]);
});

test('a case that came back twice is unplaced in lists until somebody takes it or decides', async () => {
  const id = await submit();
  const listed = async (state: string) => {
    const { body } = await call(hotline, 'GET', `/v1/references?state=${state}`);
    return body.items.some((one: { id: string }) => one.id === id);
  };
  for (let round = 0; round < 2; round += 1) {
    await told(hotline, id, 'handovers', { step: 'offered', to: police.issuer });
    await told(police, id, 'handovers', { step: 'accepted' });
    await told(hotline, id, 'handovers', { step: 'confirmed' });
    await told(police, id, 'handovers', { step: 'returned', code: 'not-our-mandate' });
  }
  await eventually('unplaced', () => listed('unplaced'));
  expect((await show(hotline, id)).case.pen).toMatchObject({ unplaced: true, returns: 2, holders: [hotline.issuer] });
  for (const action of ['unavailable', 'not-illegal']) {
    await told(hotline, id, 'actions', acted({ action }));
    await eventually(action, () => listed(action));
    await told(police, id, 'actions', acted({ action: 'reappeared', standing: 'observed' }));
  }
  expect(await listed('unavailable')).toBe(false);
});

test('clearance is asked and given, and then the host may be told', async () => {
  const id = await submit();
  expect((await show(hotline, id)).case.host).toEqual({ notice: 'after-clearance', reason: 'clearance-missing' });
  await told(hotline, id, 'clearances', { step: 'requested', deadline: instant(clock() + 4 * HOUR) });
  expect((await show(hotline, id)).case).toMatchObject({
    clearance: { status: 'open', late: false },
    host: { notice: 'after-clearance', reason: 'clearance-open' },
  });
  expect((await feed(police, id)).at(-1)).toMatchObject({
    ...{ type: 'case.clearance', detail: { step: 'requested', until: expect.any(String) } },
  });
  await told(police, id, 'clearances', { step: 'granted' });
  expect((await show(hotline, id)).case).toMatchObject({
    clearance: { status: 'granted', answeredBy: { by: police.issuer }, contradicted: false },
    host: { notice: 'may', reason: 'clear' },
  });
});

test('feedback and an acknowledgement come back to the originator of an emergency, which sees who has it', async () => {
  const id = await submit({ urgency: { level: 'emergency', code: 'imminent-danger' } });
  expect((await show(hotline, id)).case.urgency).toMatchObject({
    ...{
      level: 'emergency',
      code: 'imminent-danger',
      acknowledgement: [{ recipient: police.issuer, state: 'waiting' }],
    },
  });
  await told(police, id, 'acknowledgement', { at: instant(), ownReference: { system: 'own', id: '4711-B' } });
  await told(police, id, 'feedback', { code: 'investigation-opened', country: 'NL' });
  const shown = await show(hotline, id);
  expect(shown.case).toMatchObject({
    urgency: { acknowledgement: [{ recipient: police.issuer, state: 'acknowledged' }] },
    acknowledgements: [{ by: police.issuer, ownReference: { system: 'own', id: '4711-B' } }],
    feedback: [{ by: police.issuer, code: 'investigation-opened', country: 'NL' }],
  });
});

test('the timeline has everything in the order in which it happened, each with its instants', async () => {
  const id = await submit();
  const before = instant(clock() - HOUR);
  // An instant is whole seconds, and what was sent a moment ago is not.
  ahead += 2000;
  await told(hotline, id, 'actions', acted({ action: 'online', standing: 'observed' }));
  await told(police, id, 'actions', acted({ action: 'online', standing: 'observed', at: before }));
  const { timeline } = (await show(hotline, id)).case;
  const named = timeline.map(({ event, by }: { event: string; by: string }) => [event, by]);
  expect(named.slice(-4)).toEqual([
    ['acted', police.issuer],
    ['submitted', hotline.issuer],
    ['sent', hotline.issuer],
    ['acted', hotline.issuer],
  ]);
  expect(timeline.at(-4)).toMatchObject({ at: before, status: 'taken', content: { action: 'online' } });
  expect(timeline.at(-4).said > before).toBe(true);
  expect(timeline.at(-1)).toMatchObject({ told: [police.issuer], said: expect.any(String) });
  expect((await show(hotline, id)).case.lastSeenOnline).toMatchObject({ by: hotline.issuer });
});

describe('an idempotency key', () => {
  const key = () => ({ 'idempotency-key': crypto.randomUUID() });

  test('gives the same words the stored answer and says nothing twice', async () => {
    const id = await submit();
    const headers = key();
    const body = assessed();
    const first = await say(hotline, id, 'assessments', body, headers);
    const second = await say(hotline, id, 'assessments', body, headers);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body).toEqual(first.body);
    expect([first.headers.get('idempotent-replayed'), second.headers.get('idempotent-replayed')]).toEqual([
      null,
      'true',
    ]);
    expect((await show(hotline, id)).history.assessments.filter(isSaid)).toHaveLength(1);
  });

  test.each(['other words', 'another event', 'another reference'])('refuses %s: idempotency-mismatch', async (what) => {
    const [id, another] = [await submit(), what === 'another reference' ? await submit() : ''];
    const headers = key();
    const body = { step: 'requested', deadline: instant(clock() + HOUR) };
    expect((await say(hotline, id, 'clearances', body, headers)).status).toBe(201);
    const again =
      what === 'other words'
        ? await say(hotline, id, 'clearances', { ...body, deadline: instant(clock() + 2 * HOUR) }, headers)
        : await say(hotline, another || id, another ? 'clearances' : 'holds', body, headers);
    expect([again.status, again.body.code]).toEqual([422, 'idempotency-mismatch']);
  });

  test('of a partner’s reference counts as well, and its stored answer goes with the reference', async () => {
    const id = await submit();
    const headers = key();
    const first = await say(police, id, 'feedback', { code: 'useful' }, headers);
    expect((await say(police, id, 'feedback', { code: 'useful' }, headers)).body).toEqual(first.body);
    await call(hotline, 'POST', `/v1/references/${id}/withdrawal`, { reason: 'legal', purge: true });
    await eventually('the erasure', async () => (await show(police, id)).state === 'purged');
    const after = await say(police, id, 'feedback', { code: 'useful' }, headers);
    expect([after.status, after.body.code]).toEqual([409, 'reference-withdrawn']);
    expect((await show(police, id)).case).toBeUndefined();
    expect((await show(police, id)).history).toEqual({ revisions: [] });
  });
});

test('the tag of a reference is its revision, whatever is said about it', async () => {
  const id = await submit();
  await told(hotline, id, 'assessments', assessed());
  expect((await call(hotline, 'GET', `/v1/references/${id}`)).headers.get('etag')).toBe('"1"');
});

test('a suspended partner is told when it is back, and the answer says so', async () => {
  const id = await submit();
  await hotline.ask('partner.suspend', { issuer: police.issuer, reason: 'a trial' });
  const answer = await say(hotline, id, 'assessments', assessed());
  await hotline.ask('partner.resume', { issuer: police.issuer });
  expect(answer.body.recipients).toEqual([{ partner: police.issuer, state: 'waiting', code: 'partner-suspended' }]);
  await eventually('the claim', async () => (await show(police, id)).history.assessments.some(isSaid));
});

test('what does not concern a partner is not told to it, and the answer says why', async () => {
  const id = await submit();
  const open = openPolicy(police.issuer);
  await hotline.ask('policy.set', { issuer: police.issuer, document: open });
  const answer = await say(hotline, id, 'assessments', assessed());
  expect(answer.body.recipients).toEqual([{ partner: police.issuer, state: 'not-told', code: 'not-concerned' }]);
});
