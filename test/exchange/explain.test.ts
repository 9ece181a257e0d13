// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { decideHeldReferences } from '../../src/exchange/decide-held.ts';
import { addDeny } from '../../src/exchange/denies.ts';
import { type Explained, explainReference } from '../../src/exchange/explain.ts';
import { eraseByOrder, restrict } from '../../src/exchange/keep.ts';
import { approvePolicy, setPolicy } from '../../src/exchange/policies.ts';
import { listPolicyVersions } from '../../src/exchange/policy-versions.ts';
import { decisionRow } from '../../src/exchange/record.ts';
import { createShare } from '../../src/exchange/share.ts';
import { bumpDirectory } from '../../src/store/partners.ts';
import { insertRows } from '../../src/store/rows.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { inventedReference } from '../support/invented.ts';
import { actAs, person, register } from '../support/operators.ts';
import { storePast } from '../support/stored-past.ts';

const police = 'https://node.police-b.example';
const later = 'https://node.hotline-c.example';
let at: TestExchange;

beforeAll(async () => {
  at = await testExchange({ issuer: 'https://node.hotline-a.example' });
});
beforeEach(async () => {
  const { db } = at.exchange.store;
  await sql`truncate partner, policy_deny, operator, act, reference, reference_key, reference_revision, reference_index,
    decision, delivery, event cascade`.execute(db);
  await bumpDirectory(db);
  await befriend(at.exchange, police);
});
afterAll(() => at.close());

async function shareOne(changes: object = {}): Promise<string> {
  const answer = await createShare(at.exchange)({ ...inventedReference(0), ...changes });
  if (Array.isArray(answer)) throw new Error(JSON.stringify(answer));
  return (answer as { id: string }).id;
}

async function explain(id: string, issuer = police, originator?: string): Promise<Explained> {
  const answer = await explainReference(at.exchange, { issuer, id, originator });
  if (isRefusal(answer)) throw new Error(`${answer.code} ${answer.message}`);
  return answer;
}

async function refusalOf(wanted: { issuer: string; id: string; originator?: string }): Promise<string> {
  const answer = await explainReference(at.exchange, wanted);
  return isRefusal(answer) ? `${answer.code} ${answer.pointer}` : 'explained';
}

const policy = (then: string) => ({
  partner: police,
  legal: { basis: 'Invented act, section 1', transfer: 'none' },
  send: { rules: [{ id: 'everything', when: { category: ['*'] }, then }] },
  receive: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'accept' }] },
});

describe('a stored decision', () => {
  test('is told with its rule, version, disclosure and delivery', async () => {
    const id = await shareOne();
    const { decisions, deliveries, partnerName, state } = await explain(id);
    expect([partnerName, state, decisions.length]).toEqual(['Police unit of the tests', 'open', 1]);
    expect(decisions[0]).toMatchObject({
      effect: 'send',
      rule: 'csam',
      policyVersion: 1,
      policy: { version: 1, state: 'active' },
    });
    expect(decisions[0]?.lines.join('\n')).toMatch(
      /^Sent to Police unit of the tests: rule csam says send\.[\s\S]*Leaves: .*category/,
    );
    expect(decisions[0]?.today).toMatchObject({ differs: false, effect: 'send' });
    expect(deliveries).toMatchObject([{ event: 'submitted', state: 'queued', receipt: null }]);
  });

  test('that withheld names the first clause that failed of every rule, in codes', async () => {
    const id = await shareOne({ category: 'livestream' });
    const [decision] = (await explain(id)).decisions;
    expect(decision?.lines[0]).toContain('Withheld from');
    expect(decision?.lines.filter((line) => line.startsWith('Rule '))).toEqual([
      'Rule csam asked category csam; the reference says livestream.',
      'Rule by-hand asked category grooming; the reference says livestream.',
      'Rule csam would send it if category were csam (the reference says livestream).',
    ]);
    expect(JSON.stringify(decision)).not.toContain('host-0');
  });

  test('by a person is theirs, and a rule that would hold again is no difference', async () => {
    const id = await shareOne({ category: 'grooming' });
    await decideHeldReferences(at.exchange, { id }, 'send', 'operator');
    const [decision] = (await explain(id)).decisions;
    expect(decision?.lines[0]).toBe('Sent to Police unit of the tests: an operator decided so.');
    expect(decision).toMatchObject({ decidedBy: 'operator', today: { effect: 'hold', differs: false } });
    await addDeny(at.exchange, { id: 'no-grooming', ground: 'legal', when: { category: ['grooming'] } });
    expect((await explain(id)).decisions[0]?.today).toMatchObject({
      effect: 'withhold',
      rule: 'deny:no-grooming',
      differs: true,
    });
  });

  test('under a policy that changed since says what today would be, and stores nothing of it', async () => {
    const id = await shareOne();
    await setPolicy(at.exchange, police, policy('withhold'));
    const [decision] = (await explain(id)).decisions;
    expect(decision).toMatchObject({
      effect: 'send',
      policyVersion: 1,
      policy: { state: 'superseded' },
      today: { effect: 'withhold', rule: 'everything', policyVersion: 2, differs: true },
    });
    const rows = await at.exchange.store.db.selectFrom('decision').selectAll().execute();
    expect(rows.map(({ effect, policy_version }) => [effect, policy_version])).toEqual([['send', 1]]);
  });

  test('that would disclose other members today differs, though it would be sent', async () => {
    const id = await shareOne();
    const narrow = policy('send');
    await setPolicy(at.exchange, police, { ...narrow, send: { ...narrow.send, disclose: { handles: 'never' } } });
    const [decision] = (await explain(id)).decisions;
    expect(decision?.today).toMatchObject({ effect: 'send', differs: true });
    expect(decision?.today?.disclosed).not.toContain('assessments');
  });

  test('names author and approver of the version that decided', async () => {
    const [ada, ben] = [person('ada'), person('ben')];
    await register(at.exchange, ada, ben);
    const set = await actAs(at.exchange, ada, (signing) => setPolicy(at.exchange, police, policy('send'), { signing }));
    expect(set).toMatchObject({ state: 'pending', version: 2 });
    await actAs(at.exchange, ben, (signing) => approvePolicy(at.exchange, police, 2, signing));
    const [decision] = (await explain(await shareOne())).decisions;
    expect(decision?.policy).toMatchObject({ version: 2, author: 'ada', approver: 'ben', state: 'active' });
    const versions = await listPolicyVersions(at.exchange, police, { limit: 1 });
    if (isRefusal(versions)) throw new Error(versions.code);
    expect(versions.items.map(({ version, approver }) => [version, approver])).toEqual([[2, 'ben']]);
    const rest = await listPolicyVersions(at.exchange, police, { limit: 5, cursor: versions.next ?? '' });
    expect(rest).toMatchObject({ items: [{ version: 1, state: 'superseded' }], next: null });
  });
});

describe('where there is no decision', () => {
  test('because the partner came later, today is told', async () => {
    const id = await shareOne();
    await befriend(at.exchange, later);
    const { decisions, today, partnerAddedAt, storedAt } = await explain(id, later);
    expect([decisions, today?.effect, today?.rule]).toEqual([[], 'send', 'csam']);
    expect(partnerAddedAt >= storedAt).toBe(true);
    expect(await at.exchange.store.db.selectFrom('decision').selectAll().execute()).toHaveLength(1);
  });

  test('about what one partner sent and another asks for, nothing is decided', async () => {
    await befriend(at.exchange, later);
    const content = { revision: 1, ...inventedReference(0) } as never;
    const [id = ''] = await storePast(at.exchange, [{ reference: content, from: police }]);
    const { today, decisions } = await explain(id, later);
    expect([today, decisions]).toEqual([undefined, []]);
    expect((await explain(id)).today).toMatchObject({ effect: 'accept', rule: 'all' });
  });
});

describe('what a partner sent', () => {
  test('is told from its side, by its id alone where nobody else has it', async () => {
    const content = { revision: 1, ...inventedReference(0) } as never;
    const [id = ''] = await storePast(at.exchange, [{ reference: content, from: police }]);
    const made = { revision: 1, basis: 0, at: new Date(at.exchange.clock()) };
    const decision = { effect: 'hold', rule: 'no-match', policyVersion: 1, trace: [] } as const;
    await insertRows(at.exchange.store.db, 'decision', [
      decisionRow({ originator: police, id }, police, 'in', decision, made),
    ]);
    const [told] = (await explain(id)).decisions;
    expect(told?.lines[0]).toContain('Held, from Police unit of the tests');
    expect(told?.today).toMatchObject({ effect: 'accept', differs: true });
    expect((await explain(id, police, police)).originator).toBe(police);
  });
});

describe('a reference that is closed', () => {
  test('and erased has no trace any more, and is not decided on again', async () => {
    const id = await shareOne();
    await eraseByOrder(at.exchange, { originator: at.exchange.self, id }, 'Order 7');
    const { state, decisions } = await explain(id);
    expect([state, decisions[0]?.trace, decisions[0]?.today, decisions[0]?.disclosed]).toEqual([
      'purged',
      [],
      undefined,
      undefined,
    ]);
    expect(decisions[0]?.lines).toEqual(['Sent to Police unit of the tests: rule csam says send.']);
  });

  test('and restricted shows none, though it is kept', async () => {
    const id = await shareOne();
    await restrict(at.exchange, { originator: at.exchange.self, id }, { ground: 'evidence', until: '2027-01-31' });
    const { state, decisions } = await explain(id);
    expect([state, decisions[0]?.trace, decisions[0]?.today]).toEqual(['restricted', [], undefined]);
  });
});

test('an unknown partner, an unknown reference and one of several are refused; nothing is written by any of it', async () => {
  const id = await shareOne();
  const nobody = '0b2f8a54-6a0e-4a53-9d56-3f2c1c8e7a11';
  const events = () => at.exchange.store.db.selectFrom('event').select(sql<number>`count(*)`.as('n')).execute();
  const before = await events();
  expect(await refusalOf({ issuer: 'https://nobody.example', id })).toBe('partner-unknown /issuer');
  expect(await refusalOf({ issuer: police, id: nobody })).toBe('not-found /id');
  expect(await refusalOf({ issuer: police, id, originator: police })).toBe('not-found /id');
  const content = { revision: 1, ...inventedReference(0) } as never;
  const [two = ''] = await storePast(at.exchange, [{ reference: content, from: police }]);
  await sql`insert into reference select (jsonb_populate_record(r, ${JSON.stringify({ originator: later, position: 999_999 })}::jsonb)).*
    from reference r where id = ${two}::uuid`.execute(at.exchange.store.db);
  expect(await refusalOf({ issuer: police, id: two })).toBe('not-found /originator');
  expect(await refusalOf({ issuer: police, id: two, originator: police })).toBe('explained');
  expect(await events()).toEqual(before);
});
