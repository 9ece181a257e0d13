// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addDeny } from '../../src/exchange/denies.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { submission, type TestApi, testApi } from '../support/api.ts';
import { seekerOf } from '../support/canary.ts';
import { befriend } from '../support/exchange.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { honestClaims, type Json, makeToken, operational, self, sender } from '../support/tokens.ts';

// What was compared is told as codes: an address, a host, a handle or a text of the policy never stands beside them.

const canaries = {
  host: 'canary-host.example',
  path: 'canary-path-6f1d',
  referrer: 'canary-referrer.example',
  handle: 'CANARY-4711-B',
  basis: 'Canary act, section 9',
  agreement: 'Canary agreement of May',
} as const;
const seeker = seekerOf(Object.entries(canaries).map(([name, text]) => ({ name, text })));

interface Clause {
  readonly member: string;
  readonly wanted: readonly string[];
  readonly found: readonly string[];
}
interface Step {
  readonly kind: string;
  readonly matched: boolean;
  readonly compared?: readonly Clause[];
  readonly failed?: Clause;
}

const assessment = {
  scheme: 'iccam',
  version: '3',
  code: 'baseline',
  law: 'DE',
  method: 'viewed',
  at: '2026-11-20T10:00:00Z',
};
const telling: Json = {
  url: `https://${canaries.host}/${canaries.path}`,
  role: 'content',
  jurisdiction: { hosting: 'DE', reporting: 'DE', concerned: [{ country: 'DE-BY', basis: 'victim' }] },
  category: 'csam',
  features: ['self-generated'],
  assessments: [assessment],
  site: { type: 'image-host', commercial: 'unknown' },
  access: { referrer: `https://${canaries.referrer}/x` },
  handles: [{ system: 'own', id: canaries.handle }],
  urgency: { level: 'priority', code: 'host-unreachable' },
  marking: { tlp: 'AMBER' },
  receivedAt: '2026-11-20T09:12:00Z',
};
/** Every condition that there is, and each of them so. */
const everything = {
  category: ['csam'],
  features: ['self-generated'],
  role: ['content'],
  'jurisdiction.hosting': ['DE'],
  'jurisdiction.reporting': ['DE'],
  'jurisdiction.concerned': ['DE'],
  'assessment.scheme': ['iccam'],
  'assessment.code': ['baseline'],
  'assessment.method': ['viewed'],
  'assessment.law': ['DE'],
  'site.type': ['image-host'],
  'urgency.level': ['priority'],
  'urgency.code': ['host-unreachable'],
  'marking.tlp': ['AMBER'],
  'partner.type': ['law-enforcement'],
  ageDays: { min: 0, max: 36_500 },
};

let api: TestApi;

beforeAll(async () => {
  api = await testApi({}, self);
  await befriend(api.exchange, sender, {}, operational);
  const rules = (then: string) => [
    { id: 'not-this', when: { category: ['grooming'] }, then },
    { id: 'everything', when: everything, then },
  ];
  const set = await setPolicy(api.exchange, sender, {
    partner: sender,
    legal: { basis: canaries.basis, agreement: canaries.agreement, transfer: 'none' },
    send: { rules: rules('send') },
    receive: { rules: rules('accept') },
  });
  expect(Array.isArray(set) ? set : []).toEqual([]);
});
afterAll(() => api.close());

const clausesOf = (trace: readonly Step[]) =>
  trace.flatMap(({ compared = [], failed }) => [...compared, ...(failed ? [failed] : [])]);

async function told(id: string, originator: string) {
  const answer = await api.call('GET', `/v1/references/${id}/decisions?originator=${encodeURIComponent(originator)}`);
  const [decision] = answer.json<{ items: { effect: string; rule: string; trace: Step[] }[] }>().items;
  const { db } = api.exchange.store;
  const row = await db.selectFrom('decision').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  expect(seeker.seek(answer.body)).toEqual([]);
  expect(seeker.seek(JSON.stringify(row))).toEqual([]);
  expect(decision?.trace).toEqual(row.trace);
  const values = clausesOf(row.trace).flatMap(({ wanted, found }) => [...wanted, ...found]);
  for (const value of values) expect(value).toMatch(/^(?:\*|(?:min|max) \d+|[A-Za-z0-9:+-]{1,64})$/);
  return decision;
}

async function share(changes: Json = {}) {
  const answer = await api.call('POST', '/v1/references', { body: submission({ ...telling, ...changes }) });
  expect(answer.statusCode).toBe(201);
  const { reference, decisions } = answer.json<{ reference: { id: string }; decisions: { trace: Step[] }[] }>();
  expect(seeker.seek(JSON.stringify(decisions))).toEqual([]);
  expect(clausesOf(decisions[0]?.trace ?? [])).not.toEqual([]);
  return reference.id;
}

describe('the compared values of a decision', () => {
  test('to send are told whole, in the answer, in the list and in the store, and are codes', async () => {
    const decision = await told(await share(), self);
    expect(decision).toMatchObject({ effect: 'send', rule: 'everything' });
    const step = decision?.trace.find(({ kind, matched }) => kind === 'rule' && matched);
    expect(step?.compared?.map(({ member }) => member).sort()).toEqual(Object.keys(everything).sort());
    expect(step?.compared?.find(({ member }) => member === 'jurisdiction.concerned')).toEqual({
      member: 'jurisdiction.concerned',
      wanted: ['DE'],
      found: ['DE-BY'],
    });
  });

  test('of a deny by host are neither the host that it lists nor the address', async () => {
    const deny = await addDeny(api.exchange, { id: 'by-host', ground: 'legal', hosts: [canaries.host] });
    expect(Array.isArray(deny) ? deny : []).toEqual([]);
    const decision = await told(await share(), self);
    expect(decision).toMatchObject({ effect: 'withhold', rule: 'deny:by-host' });
    expect(decision?.trace[0]?.compared).toEqual([{ member: 'host', wanted: [], found: [] }]);
  });

  test('to take are told in the same way', async () => {
    const id = crypto.randomUUID();
    const sub_id = { format: 'iss_sub', iss: sender, sub: id };
    const events = { 'urn:caseref:event:1:submitted': { ...wireReference(), ...telling } };
    const claims = honestClaims({ jti: freshJti(), sub_id, events });
    await createReceive(api.exchange)(Buffer.from(makeToken({ payload: claims })));
    const decision = await told(id, sender);
    expect(decision).toMatchObject({ effect: 'accept', rule: 'everything' });
    expect(clausesOf(decision?.trace ?? []).length).toBeGreaterThan(10);
  });
});

test('the canaries would be found where they stand', async () => {
  const id = await share();
  const { body } = await api.call('GET', `/v1/references/${id}`);
  expect(new Set(seeker.seek(body).map((found) => found.split(',')[0]))).toEqual(
    new Set(['host', 'path', 'referrer', 'handle']),
  );
});
