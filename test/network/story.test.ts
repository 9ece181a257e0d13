// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ShownCase } from '../../src/exchange/case/case-view.ts';
import { createClient, scopes } from '../../src/exchange/clients.ts';
import { befriendNode, eventually, openPolicy, type TestNode, testNode } from '../support/node.ts';

// The life of one reference over four real nodes, each step by the node API of whoever takes it: a hotline that reports, the
// hotline of the country that the content moves to, police who take no inbound connection, and the provider that hosts it. The
// tests are the steps of one story, in their order; time goes on where the story says so.

const HOUR = 3_600_000;

let ahead = 0;
const clock = () => Date.now() + ahead;
const instant = (ms = clock()) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

interface Party {
  readonly node: TestNode;
  readonly token: string;
}

type Seen = Pick<ShownCase, 'id' | 'state'> & {
  readonly history: Pick<ShownCase, 'assessments' | 'actions' | 'holds'>;
  readonly case: ShownCase;
};

/** Members that the answers of this story have, each where its route gives it. */
interface Body extends Seen {
  readonly reference: { readonly id: string };
  readonly items: readonly { readonly receipt?: { readonly outcome: string } }[];
  readonly duplicates: readonly object[];
  readonly decided: number;
  readonly url: string;
  readonly category: string;
  readonly marking: object;
  readonly jurisdiction: object;
}
interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly body: Body;
}

let hotline: Party;
let abroad: Party;
let police: Party;
let provider: Party;
let id: string;

async function party(given: Parameters<typeof testNode>[0]): Promise<Party> {
  const node = await testNode({ ...given, clock });
  const client = await createClient(node.running.exchange, { name: 'Desk', scopes });
  if ('code' in client) throw new Error(`refused: ${client.code}`);
  return { node, token: client.token };
}

beforeAll(async () => {
  hotline = await party({ name: 'Hotline DE', jurisdictions: ['DE'] });
  abroad = await party({ name: 'Hotline NL', jurisdictions: ['NL'] });
  police = await party({ name: 'Police DE', type: 'law-enforcement', jurisdictions: ['DE'], pollOnly: true });
  provider = await party({ name: 'Provider DE', type: 'industry', jurisdictions: ['DE'] });
  for (const { node } of [abroad, police, provider]) {
    await befriendNode(hotline.node, node);
    await befriendNode(node, hotline.node);
  }
  const { issuer } = police.node;
  const open = openPolicy(issuer) as { receive: object };
  const trusted = { ...open, receive: { ...open.receive, mayHold: true } };
  await hotline.node.ask('policy.set', { issuer, document: trusted });
  const byHand = openPolicy(provider.node.issuer);
  const rules = [{ id: 'by-hand', when: { category: ['*'] }, then: 'hold' }];
  const industry = { requested: 'remove', legalBasis: 'notice-and-action' };
  const document = { ...byHand, send: { rules, industry } };
  await hotline.node.ask('policy.set', { issuer: provider.node.issuer, document });
  for (const { node } of [abroad, police]) {
    const disclosing = openPolicy(node.issuer) as { send: object; receive: object };
    const receive = { ...disclosing.receive, ...(node === police.node && { mayHold: true }) };
    const send = { ...disclosing.send, disclose: { assessments: true } };
    await hotline.node.ask('policy.set', { issuer: node.issuer, document: { ...disclosing, send, receive } });
  }
}, 120_000);
afterAll(() => Promise.all([hotline, abroad, police, provider].map((one) => one?.node.remove())));

async function call(
  { node, token }: Party,
  method: string,
  path: string,
  given?: object,
  ifMatch?: string,
): Promise<Answer> {
  const response = await fetch(`${node.running.addresses.api}/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(given && { 'content-type': 'application/json' }),
      ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    },
    ...(given && { body: JSON.stringify(given) }),
  });
  const body = (await response.json()) as Body;
  return { status: response.status, etag: response.headers.get('etag'), body };
}

const about = (who: Party) => (who === hotline ? '' : `?originator=${encodeURIComponent(hotline.node.issuer)}`);
const show = (who: Party) => call(who, 'GET', `/references/${id}${about(who)}`);
const say = (who: Party, what: string, body: object) =>
  call(who, 'POST', `/references/${id}/${what}${about(who)}`, body);

/** Says something that is agreed to, a second of the clock after what was said before. */
async function says(who: Party, what: string, body: object): Promise<void> {
  ahead += 1000;
  const answer = await say(who, what, body);
  expect(answer.body).not.toHaveProperty('errors');
  expect(answer.status).toBe(201);
}

/** Waits until somebody sees the case so. */
function sees(who: Party, what: string, wanted: (seen: Seen) => boolean): Promise<Seen> {
  return eventually(`${what} at ${who.node.options.settings.name}`, async () => {
    const { status, body } = await show(who);
    return status === 200 && wanted(body) && body;
  });
}

function later(hours: number): void {
  ahead += hours * HOUR;
  for (const { node } of [hotline, abroad, police, provider]) node.running.exchange.wake.outbox();
}

const issuers = (...parties: Party[]) => parties.map(({ node }) => node.issuer).sort();
const act = (action: string, standing: string, more: object = {}) => ({ action, at: instant(), standing, ...more });
const claim = (code: string, law: string) => ({
  ...{ scheme: 'iccam', version: '3', code, law, method: 'viewed', at: instant() },
});

test('1. the hotline submits: both partners accept it, and the provider of the host gets nothing', async () => {
  const reference = {
    url: 'https://host.example/life/1',
    jurisdiction: { hosting: 'DE', reporting: 'DE', concerned: [{ country: 'DE-BY', basis: 'victim' }] },
    category: 'csam',
    marking: { tlp: 'AMBER', notifyHost: 'after-clearance' },
  };
  const { status, body } = await call(hotline, 'POST', '/references', reference);
  expect(status).toBe(201);
  id = body.reference.id;
  for (const who of [abroad, police]) await sees(who, 'the reference', ({ state }) => state === 'open');
  await eventually('two receipts', async () => {
    const { body } = await call(hotline, 'GET', `/references/${id}/deliveries`);
    return body.items.filter((one) => one.receipt?.outcome === 'accepted').length === 2;
  });
  expect((await show(provider)).status).toBe(404);
});

test('2. the same address reported abroad is answered as known before work starts, and nothing of that travels', async () => {
  const own = {
    url: 'https://host.example/life/1',
    jurisdiction: { hosting: 'DE', reporting: 'NL' },
    category: 'csam',
  };
  const { status, body } = await call(abroad, 'POST', '/references', { ...own, marking: { tlp: 'AMBER+STRICT' } });
  expect(status).toBe(201);
  expect(body.duplicates).toMatchObject([{ match: 'known', open: true, originator: hotline.node.issuer, id }]);
  expect((await show(abroad)).body.state).toBe('open');
});

test('3. it is assessed under two laws: the claims stand side by side, and the hotline relays what is not its own', async () => {
  await says(hotline, 'assessments', claim('baseline', 'DE'));
  await says(abroad, 'assessments', claim('national', 'NL'));
  for (const who of [hotline, abroad, police]) {
    const { history } = await sees(who, 'two claims', (seen) => seen.history.assessments.length === 2);
    expect(history.assessments.map(({ by, law }) => [by, law])).toEqual(
      expect.arrayContaining([
        [hotline.node.issuer, 'DE'],
        [abroad.node.issuer, 'NL'],
      ]),
    );
  }
  const { history } = (await show(police)).body;
  expect(history.assessments.find(({ law }) => law === 'NL')).toMatchObject({ via: hotline.node.issuer });
});

test('4. clearance is asked of police, who fetch the request; nobody answers in time, and that is an alert', async () => {
  await says(hotline, 'clearances', { step: 'requested', deadline: instant(clock() + 4 * HOUR) });
  await sees(police, 'the request', (seen) => seen.case.clearance.status === 'open');
  expect((await show(abroad)).body.case.clearance.status).toBe('none');
  later(5);
  await sees(hotline, 'the deadline', (seen) => seen.case.clearance.status === 'timed-out');
  await eventually('the alert', async () => {
    const { items } = await hotline.node.ask('alert.list', {});
    return items.some(({ code }) => code === 'clearance-overdue');
  });
  expect((await show(provider)).status).toBe(404);
});

test('5. police grant it late: it counts, as late', async () => {
  await says(police, 'clearances', { step: 'granted' });
  const seen = await sees(hotline, 'the grant', ({ case: { clearance } }) => clearance.status === 'granted');
  expect(seen.case.clearance).toMatchObject({ late: true, answeredBy: { by: police.node.issuer } });
});

test('6. police place a hold: its audience sees it, nobody else, and the host is not told meanwhile', async () => {
  const until = instant(clock() + 48 * HOUR);
  await says(police, 'holds', { step: 'placed', until, ground: 'investigation', authority: 'prosecutor' });
  const seen = await sees(hotline, 'the hold', ({ state }) => state === 'on-hold');
  expect(seen.history.holds).toMatchObject([{ binding: true, inForce: true, desk: { by: police.node.issuer } }]);
  expect((await show(abroad)).body).toMatchObject({ state: 'open', history: { holds: [] } });
  const refused = await say(hotline, 'actions', act('reported-to-isp', 'final'));
  expect(refused).toMatchObject({ status: 409, body: { code: 'hold-active' } });
  expect((await release()).decided).toBe(0);
  expect((await show(provider)).status).toBe(404);
});

async function release() {
  const partner = provider.node.issuer;
  return (await call(hotline, 'POST', '/decisions:batch', { partner, references: [{ id }], then: 'send' })).body;
}

test('7. the hold is lifted and a person releases the notice: the provider gets the reduced form and nothing of the case', async () => {
  later(20);
  await says(police, 'holds', { step: 'lifted' });
  await sees(hotline, 'the lift', ({ state }) => state === 'open');
  expect(await release()).toMatchObject({ decided: 1 });
  const got = await eventually('the notice', async () => {
    const answer = await show(provider);
    return answer.status === 200 && answer.body;
  });
  expect(got).toMatchObject({ requested: 'remove', legalBasis: 'notice-and-action', category: 'csam' });
  for (const member of ['jurisdiction', 'assessments', 'urgency', 'case']) expect(got).not.toHaveProperty(member);
  await says(hotline, 'actions', act('reported-to-isp', 'final'));
  // What it did it reports to the hotline, as a fact that it saw: no outcome is the provider's to set.
  expect(await say(provider, 'actions', act('removed', 'final'))).toMatchObject({ body: { code: 'not-assignee' } });
  await says(provider, 'actions', act('removed', 'observed'));
  const seen = await sees(hotline, 'the report', ({ history }) => history.actions.length === 2);
  expect(seen).toMatchObject({ state: 'open', case: { outcomes: [] } });
});

test('8. it moves abroad: the pen is offered, accepted and confirmed, and its new holder learns of the hold that was', async () => {
  await says(hotline, 'actions', act('moved', 'observed', { movedTo: 'NL' }));
  const { etag, body } = await show(hotline);
  const { url, category, marking, jurisdiction } = body;
  const moved = { url, category, marking, jurisdiction: { ...jurisdiction, hosting: 'NL' } };
  expect((await call(hotline, 'PUT', `/references/${id}`, moved, etag ?? '')).status).toBe(200);
  await says(hotline, 'handovers', { step: 'offered', to: abroad.node.issuer });
  await sees(abroad, 'the offer', (seen) => seen.case.pen.offers.length === 1);
  expect(await say(abroad, 'actions', act('removed', 'final'))).toMatchObject({
    ...{ status: 409, body: { code: 'handover-pending' } },
  });
  await says(abroad, 'handovers', { step: 'accepted' });
  await sees(hotline, 'the answer', (seen) => seen.case.pen.offers[0]?.state === 'accepted');
  await says(hotline, 'handovers', { step: 'confirmed' });
  for (const who of [hotline, abroad, police])
    await sees(who, 'the pen', (seen) => seen.case.pen.holders.join() === abroad.node.issuer);
  const { history } = await sees(abroad, 'the hold that was', (seen) => seen.history.holds.length === 1);
  expect(history.holds).toMatchObject([{ inForce: false }]);
});

test('9. removed, reappeared, removed: each is history, and the pen’s holder alone decides', async () => {
  expect(await say(hotline, 'actions', act('removed', 'final'))).toMatchObject({ body: { code: 'not-assignee' } });
  await says(abroad, 'actions', act('removed', 'final'));
  for (const who of [hotline, abroad, police]) await sees(who, 'the removal', ({ state }) => state === 'removed');
  expect(await say(abroad, 'actions', act('unavailable', 'final'))).toMatchObject({ body: { code: 'already-final' } });
  later(6);
  await says(hotline, 'actions', act('reappeared', 'observed'));
  for (const who of [hotline, abroad, police]) await sees(who, 'it is back', ({ state }) => state === 'open');
  await says(abroad, 'actions', act('removed', 'final'));
  for (const who of [hotline, abroad, police]) {
    const seen = await sees(who, 'the second removal', ({ state }) => state === 'removed');
    expect(seen.case.outcomes.map(({ action }) => action)).toEqual(['removed', 'reappeared', 'removed']);
    expect(seen.case.conflicts).toEqual([]);
  }
});

test('10. the outcome comes back to the hotline, to nobody else, and the provider was never told of any of it', async () => {
  await says(police, 'feedback', { code: 'investigation-opened' });
  const seen = await sees(hotline, 'the feedback', (one) => one.case.feedback.length === 1);
  expect(seen.case.feedback).toMatchObject([{ by: police.node.issuer, code: 'investigation-opened' }]);
  expect((await show(abroad)).body.case.feedback).toEqual([]);
  const { db } = provider.node.running.exchange.store;
  const came = await db.selectFrom('message').select('event').where('reference_id', '=', id).execute();
  const names = came.map(({ event }) => event.slice(event.lastIndexOf(':') + 1));
  expect(names.sort()).toEqual(['receipt', 'submitted']);
  const told = seen.case.timeline.filter(({ event }) => event === 'hold').flatMap((one) => one.told ?? []);
  expect([...new Set(told)].sort()).toEqual(issuers(abroad));
});
