// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { type OwnStatement, recordStatement } from '../../src/exchange/case/say.ts';
import { createShare } from '../../src/exchange/share.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, openPolicy, type TestNode, testNode } from '../support/node.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

// A hotline that originates, the hotline of the hosting country, police and a provider, over real HTTP: who is told what, and
// that nothing goes to the host while a hold or a request for clearance is open.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let ahead = 0;
const clock = () => Date.now() + ahead;
let database: FreshDatabase;
let a: TestNode;
let b: TestNode;
let police: TestNode;
let provider: TestNode;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  a = await testNode({ name: 'Hotline A', jurisdictions: ['DE'], clock, database: database.url });
  b = await testNode({ name: 'Hotline B', jurisdictions: ['NL'], clock });
  police = await testNode({ name: 'Police C', type: 'law-enforcement', jurisdictions: ['NL'], clock });
  provider = await testNode({ name: 'Provider D', type: 'industry', jurisdictions: ['NL'], clock });
  for (const partner of [b, police, provider]) {
    await befriendNode(a, partner);
    await befriendNode(partner, a);
  }
  await befriendNode(b, police);
  await befriendNode(police, b);
  const trusted = (issuer: string) => {
    const open = openPolicy(issuer) as { receive: object };
    return { ...open, receive: { ...open.receive, mayHold: true } };
  };
  for (const node of [a, b]) await node.ask('policy.set', { issuer: police.issuer, document: trusted(police.issuer) });
  const open = openPolicy(provider.issuer) as { send: object };
  const send = { ...open.send, industry: { requested: 'remove', legalBasis: 'notice-and-action' } };
  await a.ask('policy.set', { issuer: provider.issuer, document: { ...open, send } });
}, 120_000);
afterAll(async () => {
  await Promise.all([a, b, police, provider].map((node) => node?.remove()));
  await database?.drop();
});

const instant = (ms = clock()) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

function later(ms: number): void {
  ahead += ms;
  for (const { running } of [a, b, police, provider]) running.exchange.wake.outbox();
}

async function submit(notifyHost: string): Promise<string> {
  const reference = {
    ...inventedReference(1),
    url: `https://host.example/${crypto.randomUUID()}`,
    jurisdiction: { hosting: 'NL', reporting: 'DE' },
    marking: { tlp: 'AMBER', notifyHost },
  };
  const shared = await createShare(a.running.exchange)(reference);
  if (Array.isArray(shared)) throw new Error(`refused: ${shared[0]?.code}`);
  for (const node of [b, police]) await eventually('the submission', () => stateAt(node, shared.id));
  return shared.id;
}

async function stateAt({ running }: TestNode, id: string): Promise<string | undefined> {
  const { db } = running.exchange.store;
  return (await db.selectFrom('reference').select('state').where('id', '=', id).executeTakeFirst())?.state;
}

const state = (node: TestNode, id: string, wanted: string) =>
  eventually(`${wanted} at ${node.options.settings.name}`, async () => (await stateAt(node, id)) === wanted);

async function say(node: TestNode, id: string, event: OwnStatement['event'], payload: object) {
  const said = await recordStatement(node.running.exchange, { originator: a.issuer, id, event, payload });
  if (Array.isArray(said)) throw new Error(`refused: ${said.map((one) => (isRefusal(one) ? one.code : '')).join()}`);
  return said;
}

/** How many statements of this kind a node counts. */
const heard = async (node: TestNode, id: string, event: string) =>
  (
    await node.running.exchange.store.db
      .selectFrom('case_statement')
      .selectAll()
      .where('reference_id', '=', id)
      .where('event', '=', event)
      .where('state', '=', 'taken')
      .execute()
  ).length;
const hears = (node: TestNode, id: string, event: string, times: number) =>
  eventually(
    `${times} ${event} at ${node.options.settings.name}`,
    async () => (await heard(node, id, event)) === times,
  );

const sentToProvider = async (id: string) =>
  (
    await a.running.exchange.store.db
      .selectFrom('delivery')
      .selectAll()
      .where('reference_id', '=', id)
      .where('partner', '=', provider.issuer)
      .where('state', '<>', 'dropped')
      .execute()
  ).length;

test('a hand-over moves the pen everywhere, and the new holder’s outcome is relayed to the others', async () => {
  const id = await submit('must-not');
  await say(a, id, 'handover', { step: 'offered', to: b.issuer });
  await hears(b, id, 'handover', 1);
  later(2000);
  await say(b, id, 'handover', { step: 'accepted' });
  await hears(a, id, 'handover', 2);
  later(2000);
  await say(a, id, 'handover', { step: 'confirmed' });
  await hears(b, id, 'handover', 3);
  await hears(police, id, 'handover', 3);
  later(2000);
  await say(b, id, 'acted', { action: 'removed', at: instant(), standing: 'final' });
  for (const node of [a, b, police]) await state(node, id, 'removed');
  const { db } = police.running.exchange.store;
  const [row] = await db
    .selectFrom('case_statement')
    .selectAll()
    .where('reference_id', '=', id)
    .where('event', '=', 'acted')
    .execute();
  expect(row).toMatchObject({ relayed: true, sender: a.issuer, speaker: b.issuer });
  expect(await heard(provider, id, 'acted')).toBe(0);
});

test('clearance that is asked keeps the host untold until it is given', async () => {
  const id = await submit('after-clearance');
  expect(await sentToProvider(id)).toBe(0);
  await say(a, id, 'clearance', { step: 'requested', deadline: instant(clock() + 4 * HOUR) });
  await hears(police, id, 'clearance', 1);
  later(2000);
  await say(police, id, 'clearance', { step: 'granted' });
  await eventually('the notice', async () => (await stateAt(provider, id)) === 'open');
  expect(await sentToProvider(id)).toBe(1);
});

test('a hold stops what would go to the host, ends by itself, and then the host is told', async () => {
  const id = await submit('after-clearance');
  await say(police, id, 'hold', {
    ...{ step: 'placed', until: instant(clock() + 2 * DAY), ground: 'investigation', authority: 'police' },
  });
  for (const node of [a, b, police]) await state(node, id, 'on-hold');
  later(2000);
  await say(a, id, 'clearance', { step: 'requested', deadline: instant(clock() + HOUR) });
  await hears(police, id, 'clearance', 1);
  later(2000);
  await say(police, id, 'clearance', { step: 'granted' });
  await hears(a, id, 'clearance', 2);
  expect(await sentToProvider(id)).toBe(0);
  later(2 * DAY);
  for (const node of [a, b, police]) await state(node, id, 'open');
  await eventually('the notice', async () => (await stateAt(provider, id)) === 'open');
});

test('a request that nobody answers in time is an alert, and the host stays untold', async () => {
  const id = await submit('after-clearance');
  await say(a, id, 'clearance', { step: 'requested', deadline: instant(clock() + HOUR) });
  later(HOUR + 2000);
  const { db } = a.running.exchange.store;
  await eventually('the alert', () =>
    db
      .selectFrom('alert')
      .select('id')
      .where('code', '=', 'clearance-overdue')
      .where('subject', '=', id)
      .executeTakeFirst(),
  );
  expect(await sentToProvider(id)).toBe(0);
});
