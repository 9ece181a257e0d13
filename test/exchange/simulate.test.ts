// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document

import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addUp,
  type SimulatedPage,
  type SimulatedReference,
  simulate,
  type Totals,
} from '../../src/cli/policy/simulation.ts';
import type { ReachedNode } from '../../src/cli/reach.ts';
import type { CaseReference, Policy } from '../../src/domain/contract.types.ts';
import type { SendEffect } from '../../src/domain/decision.ts';
import { decideReceive, decideSend } from '../../src/domain/policy.ts';
import { previewDisclosure } from '../../src/domain/redact.ts';
import { compareDecisions, countChanges } from '../../src/domain/simulate.ts';
import { addDeny } from '../../src/exchange/denies.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { simulatePolicy } from '../../src/exchange/simulate.ts';
import { policyOperations } from '../../src/operator/policy-operations.ts';
import { bumpDirectory } from '../../src/store/partners.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { inventedReference } from '../support/invented.ts';
import { anyReference } from '../support/policy-arbitrary.ts';
import fc from '../support/property.ts';
import { type StoredPast, storePast, wholeStore } from '../support/stored-past.ts';

const police = 'https://node.police-b.example';
const other = 'https://node.hotline-c.example';
let at: TestExchange;

const reference = (n: number, changes: Partial<CaseReference> = {}): CaseReference =>
  ({ revision: 1, ...inventedReference(n), ...changes }) as CaseReference;

const past: StoredPast[] = [
  ...Array.from({ length: 60 }, (_, n) => ({ reference: reference(n), ...(n % 3 === 0 && { sentTo: police }) })),
  ...Array.from({ length: 20 }, (_, n) => ({ reference: reference(100 + n), from: police })),
  ...Array.from({ length: 5 }, (_, n) => ({ reference: reference(200 + n), from: other })),
  ...Array.from({ length: 4 }, (_, n) => ({ reference: reference(300 + n), state: 'sealed' })),
];

beforeAll(async () => {
  at = await testExchange({ issuer: 'https://node.hotline-a.example' });
  await befriend(at.exchange, police);
  await befriend(at.exchange, other);
  await storePast(at.exchange, past);
  await storePast(at.exchange, [{ reference: reference(900) }], new Date(at.exchange.clock() - 120 * 86_400_000));
}, 60_000);
afterAll(() => at.close());

const inForce = {
  partner: police,
  legal: { basis: 'Invented act, section 1', transfer: 'none' as const, route: 'own-police' as const },
  send: {
    rules: [
      { id: 'csam', when: { category: ['csam'] }, then: 'send' as const },
      { id: 'by-hand', when: { category: ['grooming'] }, then: 'hold' as const },
    ],
  },
  receive: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'accept' as const }] },
};

async function page(document: object, more: object = {}): Promise<SimulatedPage> {
  const answer = await simulatePolicy(at.exchange, { issuer: police, document, limit: 500, ...more });
  if (Array.isArray(answer)) throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer as SimulatedPage;
}

async function everything(document: object, limit: number) {
  let totals: Totals | undefined;
  const items: SimulatedReference[] = [];
  let from: object = {};
  for (let pages = 0; pages < 100; pages += 1) {
    const one = await page(document, { limit, ...from });
    totals = addUp(totals, one);
    items.push(...one.items);
    if (one.next === null) return { totals, items, pages: pages + 1 };
    from = { cursor: one.next, at: new Date(one.at) };
  }
  throw new Error('it never ended');
}

async function setState(state: 'active' | 'suspended'): Promise<void> {
  const { db } = at.exchange.store;
  await db.updateTable('partner').set({ state }).where('issuer', '=', police).execute();
  await bumpDirectory(db);
}

describe('a draft against the past', () => {
  test('the policy in force as a draft changes nothing, whatever its version says', async () => {
    const { send, receive, items, leftOut, references, version } = await page({ ...inForce, version: 99 });
    expect(items).toEqual([]);
    expect(send.changes).toEqual({ ...countChanges([]), same: 60 });
    expect(receive.changes).toEqual({ ...countChanges([]), same: 20 });
    expect([leftOut, references, version]).toEqual([4, 84, 1]);
  });

  test('tells what would newly go, no longer go, be held or be refused, and what has in fact gone', async () => {
    const draft = {
      ...inForce,
      send: {
        rules: [
          { id: 'textual', when: { category: ['csam-textual'] }, then: 'send' },
          { id: 'pointers', when: { category: ['csam-pointer'] }, then: 'hold' },
        ],
      },
      receive: { rules: [{ id: 'none', when: { category: ['csam'] }, then: 'refuse' }] },
    };
    const { send, receive, items } = await page(draft);
    expect(send.changes).toEqual({
      'newly-sent': 10,
      'no-longer-sent': 10,
      'newly-held': 10,
      'no-longer-held': 10,
      disclosure: 0,
      same: 20,
    });
    expect(send.effects).toEqual({ send: 10, hold: 10, withhold: 40 });
    // Of the sixty every third was sent; csam is every sixth.
    expect(send.sentAndWouldNot).toBe(10);
    expect(receive.effects).toEqual({ accept: 0, hold: 17, refuse: 3 });
    expect(receive.changes['no-longer-sent']).toBe(20);
    const gone = items.find(({ change, direction }) => change === 'no-longer-sent' && direction === 'out');
    expect(gone).toMatchObject({ category: 'csam', sent: true, before: { rule: 'csam' }, after: { rule: 'no-match' } });
    expect(JSON.stringify(items)).not.toContain('host-');
  });

  test('counts the members that a narrower or wider disclosure takes or gives, and what only says something else', async () => {
    const disclose = { handles: 'always', site: true, hosting: true };
    const marking = { tlpFloor: 'RED' };
    const { send, items } = await page({ ...inForce, send: { ...inForce.send, disclose, marking } });
    expect(send.changes).toMatchObject({ disclosure: 10, same: 50, 'no-longer-sent': 0 });
    expect([send.gained, send.lost, send.changed]).toEqual([{ handles: 10 }, { assessments: 10 }, { marking: 10 }]);
    expect(send.sentAndWouldNot).toBe(0);
    expect(items[0]).toMatchObject({ gained: ['handles'], lost: ['assessments'], changed: ['marking'] });
  });

  test('comes in pages that add up to the whole, each reference once', async () => {
    const draft = { ...inForce, send: { rules: [] } };
    const whole = await everything(draft, 500);
    const paged = await everything(draft, 7);
    expect(paged.pages).toBe(13);
    expect(paged.totals).toEqual(whole.totals);
    expect(paged.items).toEqual(whole.items);
    expect(new Set(whole.items.map(({ id }) => id)).size).toBe(whole.items.length);
    expect(whole.items.length).toBe(20);
  });

  test('reaches as far back as it is told, 90 days by itself', async () => {
    const { references, send } = await page(inForce, { since: new Date(0) });
    expect([references, send.changes.same]).toEqual([85, 61]);
    expect((await page(inForce, { since: new Date(at.exchange.clock() + 60_000) })).references).toBe(0);
  });

  test('asks both policies as though the partner were active, and says that it is not', async () => {
    await setState('suspended');
    try {
      const { partnerState, send } = await page({ ...inForce, send: { rules: [] } });
      expect([partnerState, send.changes['no-longer-sent']]).toEqual(['suspended', 10]);
    } finally {
      await setState('active');
    }
  });

  test('leaves out and logs what cannot be decrypted, and goes on', async () => {
    const db = at.exchange.store.db;
    const [id] = await storePast(at.exchange, [{ reference: reference(901) }]);
    await sql`update reference_revision set body = '\\x0011' where id = ${id}::uuid`.execute(db);
    expect((await page(inForce)).leftOut).toBe(5);
    expect(at.logged()).toContain('policy.simulate.unreadable');
    await sql`delete from reference where id = ${id}::uuid`.execute(db);
  });

  test('changes nothing in the store, and the server itself would refuse it', async () => {
    const before = await wholeStore(at.exchange);
    await everything({ ...inForce, send: { rules: [] }, receive: { rules: [] } }, 11);
    expect(await wholeStore(at.exchange)).toBe(before);
    const { readOnly } = await import('../../src/store/simulate.ts');
    const write = readOnly(at.exchange.store.db, (trx) => trx.updateTable('policy').set({ digest: 'x' }).execute());
    await expect(write).rejects.toThrow(/read-only/);
  });
});

describe('whatever the draft', () => {
  // A clause without a member is refused by the gate of policies.
  const clauses = fc
    .record(
      {
        category: fc.subarray(['csam', 'csam-textual', 'csam-pointer', 'grooming', 'sexualised-posing', '*'], {
          minLength: 1,
        }),
        'jurisdiction.hosting': fc.subarray(['NL', 'DE', 'FR', 'SE'], { minLength: 1 }),
        'marking.tlp': fc.subarray(['AMBER', 'RED'], { minLength: 1 }),
        ageDays: fc.constantFrom({ min: 1 }, { max: 1 }),
      },
      { requiredKeys: [] },
    )
    .filter((clause) => Object.keys(clause).length > 0);
  const rulesOf = (...effects: string[]) =>
    fc
      .array(fc.record({ when: clauses, then: fc.constantFrom(...effects) }), { maxLength: 3 })
      .map((rules) => rules.map((rule, n) => ({ id: `rule-${n}`, ...rule })));
  const decidable = fc
    .record({
      send: fc.record(
        {
          rules: rulesOf('send', 'hold', 'withhold'),
          disclose: fc.record(
            { handles: fc.constantFrom('never', 'always'), site: fc.boolean() },
            { requiredKeys: [] },
          ),
          marking: fc.constant({ tlpFloor: 'RED' }),
          retainDays: fc.integer({ min: 1, max: 400 }),
        },
        { requiredKeys: ['rules'] },
      ),
      receive: fc.record({ rules: rulesOf('accept', 'hold', 'refuse') }),
      legal: fc.option(fc.constant(inForce.legal), { nil: undefined }),
    })
    .map(({ legal, ...one }) => ({ partner: police, ...one, ...(legal && { legal }) }) as unknown as Policy);
  // The store takes real days only, as the gates do.
  const storable = anyReference.filter((one) => !JSON.stringify(one).includes('2026-02-29'));

  test('its counts are what deciding one by one gives', async () => {
    const { partners, denies } = await at.exchange.directory.current();
    const partner = partners.get(police);
    if (!partner?.policy) throw new Error('no policy');
    const today = partner.policy;
    let differing = 0;
    await fc.assert(
      fc.asyncProperty(decidable, async (draft) => {
        const answer = await simulatePolicy(at.exchange, { issuer: police, document: draft, limit: 500 });
        if (Array.isArray(answer)) throw new Error(JSON.stringify(answer));
        const told = answer as SimulatedPage;
        const now = Date.parse(told.at);
        const decide = (content: CaseReference, policy: Policy) =>
          decideSend({
            reference: content,
            self: at.exchange.self,
            home: ['DE'],
            partner: { ...partner.facts, state: 'active' },
            policy,
            denies,
            hostMatches: () => false,
            now,
          });
        const own = past.filter(({ from, state }) => from === undefined && state === undefined);
        const expected = own.map(({ reference: content }) => {
          const [before, after] = [decide(content, today), decide(content, draft)];
          const preview = (policy: Policy) => previewDisclosure(content, { partner: partner.facts, policy, now });
          const both = before.effect === 'send' && after.effect === 'send';
          const [left, leaves] = [preview(today), preview(draft)];
          return {
            ...compareDecisions(before, after, both && left && leaves ? { before: left, after: leaves } : undefined),
            effect: after.effect,
          };
        });
        const received = past
          .filter(({ from }) => from === police)
          .map(({ reference: content }) => {
            const take = (policy: Policy) =>
              decideReceive({ reference: content, originator: partner.facts, policy, now });
            return compareDecisions(take(today), take(draft));
          });
        expect(told.send.changes).toEqual(countChanges(expected));
        expect(told.receive.changes).toEqual(countChanges(received));
        const effects: Record<SendEffect, number> = { send: 0, hold: 0, withhold: 0 };
        for (const { effect } of expected) effects[effect] += 1;
        expect(told.send.effects).toEqual(effects);
        const items = [...expected, ...received].filter(({ change }) => change !== 'same');
        expect(told.items.length).toBe(items.length);
        differing += items.length > 0 ? 1 : 0;
      }),
      { numRuns: 40 },
    );
    expect(differing).toBeGreaterThan(20);
  }, 60_000);

  test('the one in force as the draft changes nothing, whatever it is and whatever is stored', async () => {
    await fc.assert(
      fc.asyncProperty(decidable, storable, async (policy, content) => {
        const own = await testDraft(policy, content as CaseReference);
        expect(own.items).toEqual([]);
        expect(own.send.changes.same + own.receive.changes.same + own.leftOut).toBe(own.references);
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  async function testDraft(policy: Policy, content: CaseReference): Promise<SimulatedPage> {
    const set = await setPolicy(at.exchange, police, policy);
    if (Array.isArray(set)) throw new Error(JSON.stringify(set));
    await storePast(at.exchange, [{ reference: content }, { reference: content, from: police }]);
    return page(policy);
  }
});

describe('what is no draft', () => {
  const operations = () => policyOperations(at.exchange);
  const refusedBy = async (document: unknown, more: object = {}) => {
    const answer = await operations()['policy.simulate']({ issuer: police, document: document as object, ...more });
    if (answer.ok) throw new Error('it was tried');
    return answer.refusals.map(({ code, pointer }) => `${code} ${pointer}`);
  };
  const deep = () => {
    let nested: object = {};
    for (let depth = 0; depth < 5000; depth += 1) nested = { send: nested };
    return nested;
  };
  const long = Array.from({ length: 100_000 }, (_, n) => ({
    id: `rule-${n}`,
    when: { category: ['csam', 'grooming', 'livestream'] },
    then: 'send',
  }));
  const withPrototype = JSON.parse(JSON.stringify(inForce).replace('{', '{"__proto__":{"then":"send"},')) as object;
  const rules = (when: object, id = 'one') => ({ rules: [{ id, when, then: 'send' }] });

  test.each<[string, unknown, string]>([
    ['wrong types', { ...inForce, send: { rules: 'all' } }, 'policy-invalid /send/rules'],
    ['an unknown member', { ...inForce, colour: 'red' }, 'policy-invalid /colour'],
    [
      'an unknown code',
      { ...inForce, send: rules({ category: ['csma'] }) },
      'category-unknown /send/rules/0/when/category/0',
    ],
    [
      'an unknown condition',
      { ...inForce, send: rules({ colour: ['red'] }) },
      'policy-invalid /send/rules/0/when/colour',
    ],
    [
      'limits that contradict each other',
      { ...inForce, send: { ...inForce.send, perMinute: 50, perDay: 10 } },
      'policy-invalid /send/perMinute',
    ],
    ['deep nesting', { ...inForce, legal: deep() }, 'schema-invalid '],
    ['a prototype member', withPrototype, 'policy-invalid '],
    ['a list', [inForce], 'policy-invalid '],
    ['ten megabytes of rules', { ...inForce, send: { rules: long } }, 'policy-invalid /send/rules'],
    [
      'ten megabytes of text',
      { ...inForce, legal: { ...inForce.legal, basis: 'word '.repeat(2_000_000) } },
      'too-large /legal/basis',
    ],
    [
      'a digest',
      { ...inForce, legal: { ...inForce.legal, basis: 'd41d8cd98f00b204e9800998ecf8427e' } },
      'fingerprint-refused /legal/basis',
    ],
    ['the policy of another partner', { ...inForce, partner: other }, 'policy-invalid /partner'],
  ])('%s is refused where it stands, and nothing changes', async (_, document, first) => {
    const before = await wholeStore(at.exchange);
    const [said] = await refusedBy(document);
    expect(said?.startsWith(first)).toBe(true);
    expect(await wholeStore(at.exchange)).toBe(before);
  });

  test('an unknown partner, a foreign cursor and a wrong instant are refused', async () => {
    const stranger = 'https://nobody.example';
    expect(await refusedBy({ ...inForce, partner: stranger }, { issuer: stranger })).toEqual([
      'partner-unknown /issuer',
    ]);
    expect(await refusedBy(inForce, { cursor: 'AAAA' })).toEqual(['cursor-invalid /cursor']);
    expect(await refusedBy(inForce, { since: 'yesterday' })).toEqual(['usage-invalid /since']);
    expect(await refusedBy('text')).toEqual(['usage-invalid /document']);
  });

  test('a deny that comes between two pages ends the whole: they would not add up', async () => {
    const operations = policyOperations(at.exchange) as unknown as Record<string, (args: unknown) => Promise<unknown>>;
    let calls = 0;
    const call = async (name: string, args: object) => {
      calls += 1;
      if (calls === 2) await addDeny(at.exchange, { ground: 'legal', when: { category: ['trafficking'] } });
      return operations[name]?.({ ...args, limit: 20 });
    };
    const pages = simulate({ call: call as ReachedNode['call'] }, { issuer: police, document: inForce });
    expect((await pages.next()).done).toBe(false);
    expect(await pages.next()).toMatchObject({ done: true, value: [{ code: 'state-conflict' }] });
  });

  test('pages under different denies say so by their basis', async () => {
    const { basis } = await page(inForce);
    expect((await page(inForce)).basis).toBe(basis);
    await addDeny(at.exchange, { ground: 'legal', when: { category: ['csam'] } });
    expect((await page(inForce)).basis).not.toBe(basis);
  });
});
