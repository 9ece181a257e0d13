// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { components } from '../../src/api/components.ts';
import type { Schema } from '../../src/api/published.ts';
import { isDraft, type Signing } from '../../src/exchange/acts.ts';
import { browseEvents } from '../../src/exchange/browse.ts';
import { addDeny, approveDeny, listDenies, removeDeny } from '../../src/exchange/denies.ts';
import { addOperator, approveOperator, listWaiting, removeOperator } from '../../src/exchange/operators.ts';
import { approvePolicy, setPolicy, showPolicy } from '../../src/exchange/policies.ts';
import { removePartner } from '../../src/exchange/remove-partner.ts';
import { createShare } from '../../src/exchange/share.ts';
import { resumePartner, suspendPartners } from '../../src/exchange/suspend.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { actAs, claimsOf, type Person, person, register, signed } from '../support/operators.ts';

// What somebody could make of the second signature, or do without it.

const partner = 'http://127.0.0.1:9440';

let own: TestExchange;
let [ada, ben, eve]: [Person, Person, Person] = [person('ada'), person('ben'), person('eve')];

beforeAll(async () => {
  own = await testExchange({ issuer: 'http://127.0.0.1:8440' });
  await befriend(own.exchange, partner);
});
afterAll(() => own.close());

beforeEach(async () => {
  const { db } = own.exchange.store;
  for (const table of ['act_signature', 'act', 'operator', 'policy', 'policy_deny', 'event'] as const)
    await db.deleteFrom(table).execute();
  await db.updateTable('partner').set({ state: 'active', state_reason: null }).execute();
  await setPolicy(own.exchange, partner, policy());
  [ada, ben, eve] = [person('ada'), person('ben'), person('eve')];
  await register(own.exchange, ada, ben);
});

const policy = (changes: Record<string, unknown> = {}) => ({
  partner,
  legal: { basis: 'Invented act, section 1', transfer: 'none' },
  send: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'send' }] },
  receive: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'hold' }] },
  ...changes,
});

const adding = ({ name, key }: Person) => ({ name, kid: key.kid });
const propose = (author: Person, who: Person, insteadOf?: string) =>
  actAs(own.exchange, author, (signing) =>
    addOperator(own.exchange, { name: who.name, jwk: who.key.jwk, insteadOf }, signing),
  );
const set = (author: Person, insteadOf?: string) =>
  actAs(own.exchange, author, (signing) => setPolicy(own.exchange, partner, policy(), { signing, insteadOf }));

interface Entry {
  readonly type: string;
  readonly code?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

async function entries(...types: readonly string[]): Promise<Entry[]> {
  const { items } = (await browseEvents(own.exchange, { limit: 500 })) as unknown as { items: Entry[] };
  return items.filter(({ type }) => types.length === 0 || types.includes(type));
}

describe('the second person approves a content, not a name', () => {
  test('an operator whose key was exchanged under the name is not approved', async () => {
    await propose(ada, eve);
    const other = { ...person('eve') };
    await propose(ada, other);
    const approve = (signing: Signing) => approveOperator(own.exchange, adding(eve), signing);
    expect(await actAs(own.exchange, ben, approve)).toMatchObject({
      code: 'state-conflict',
      pointer: '/kid',
      message: expect.stringContaining('changed since'),
    });
    const right = (signing: Signing) => approveOperator(own.exchange, adding(other), signing);
    expect(await actAs(own.exchange, ben, right)).toMatchObject({ state: 'active', kid: other.key.kid });
  });

  test('who approves that somebody is added does not approve a removal', async () => {
    await propose(ada, eve);
    await actAs(own.exchange, ben, (signing) => approveOperator(own.exchange, adding(eve), signing));
    await actAs(own.exchange, ada, (signing) => removeOperator(own.exchange, 'eve', signing));
    const approve = (signing: Signing) => approveOperator(own.exchange, adding(eve), signing);
    expect(await actAs(own.exchange, ben, approve)).toMatchObject({ code: 'not-found' });
    const removal = (signing: Signing) => approveOperator(own.exchange, { ...adding(eve), removal: true }, signing);
    expect(await actAs(own.exchange, ben, removal)).toMatchObject({ state: 'removed' });
  });

  test('a deny that was exchanged under its id is not approved', async () => {
    const deny = { id: 'd1', ground: 'legal', when: { category: ['trafficking'] } };
    const add = (document: object) => actAs(own.exchange, ada, (signing) => addDeny(own.exchange, document, signing));
    const first = (await add(deny)) as { digest: string };
    const second = (await add({ ...deny, when: { category: ['csam'] } })) as { digest: string };
    const approve = (digest: string) =>
      actAs(own.exchange, ben, (signing) => approveDeny(own.exchange, { id: 'd1', digest }, signing));
    expect(await approve(first.digest)).toMatchObject({ code: 'state-conflict', pointer: '/digest' });
    expect(await listDenies(own.exchange)).toEqual([]);
    expect(await approve(second.digest)).toMatchObject({ state: 'active' });
  });

  test('what waits is listed with a command that names it by its content', async () => {
    await propose(ada, eve);
    const removed = await actAs(own.exchange, ada, (signing) => removeOperator(own.exchange, 'ben', signing));
    const deny = { id: 'd1', ground: 'legal', when: { category: ['csam'] } };
    const denied = await actAs(own.exchange, ada, (signing) => addDeny(own.exchange, deny, signing));
    expect(removed).toMatchObject({ state: 'pending' });
    expect((await listWaiting(own.exchange)).map(({ approve }) => approve).sort()).toEqual([
      `caseref operator approve ben --removal --kid ${ben.key.kid} --operator FILE`,
      `caseref operator approve eve --kid ${eve.key.kid} --operator FILE`,
      `caseref policy deny approve d1 --digest ${(denied as { digest: string }).digest} --operator FILE`,
    ]);
  });
});

describe('what a colleague has signed and waits', () => {
  test('is not ended unawares, and is by who names its digest; the feed and the answer say whose it was', async () => {
    const first = (await set(ada)) as { digest: string };
    expect(await set(ben)).toMatchObject([
      {
        code: 'state-conflict',
        pointer: '/insteadOf',
        message: expect.stringContaining('ada'),
        next: expect.stringContaining(`--instead-of ${first.digest}`),
      },
    ]);
    expect(await set(ben, 'S256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')).toMatchObject([
      { code: 'state-conflict', pointer: '/insteadOf' },
    ]);
    expect(await showPolicy(own.exchange, partner, 2)).toMatchObject({ state: 'pending' });
    expect(await set(ben, first.digest)).toMatchObject({
      version: 3,
      state: 'pending',
      superseded: { author: 'ada', digest: first.digest },
    });
    expect(await entries('act.superseded')).toMatchObject([
      { code: 'policy', detail: { act: 'policy', subject: partner, digest: first.digest, author: 'ada', by: 'ben' } },
    ]);
    expect(await showPolicy(own.exchange, partner, 2)).toMatchObject({ state: 'superseded' });
  });

  test('is corrected by its author without more, which the feed says too', async () => {
    await set(ada);
    expect(await set(ada)).toMatchObject({ state: 'pending', superseded: { author: 'ada' } });
    expect(await entries('act.superseded')).toMatchObject([{ detail: { author: 'ada', by: 'ada' } }]);
  });

  test('and is the same is to be approved, not set again', async () => {
    const deny = { id: 'd1', ground: 'legal', when: { category: ['csam'] } };
    const add = (signing: Signing) => addDeny(own.exchange, deny, signing);
    await actAs(own.exchange, ada, add);
    expect(await actAs(own.exchange, ben, add)).toMatchObject([
      { code: 'state-conflict', message: expect.stringContaining('approve it') },
    ]);
  });

  test.each([
    [
      'another key for an operator',
      (signing: Signing) => addOperator(own.exchange, { name: 'eve', jwk: person('x').key.jwk }, signing),
    ],
    ['another deny of its id', (signing: Signing) => addDeny(own.exchange, { id: 'd1', ground: 'legal' }, signing)],
  ])('is not ended by %s', async (_what, act: (signing: Signing) => Promise<unknown>) => {
    await propose(ada, eve);
    const deny = { id: 'd1', ground: 'legal', when: { category: ['csam'] } };
    await actAs(own.exchange, ada, (signing) => addDeny(own.exchange, deny, signing));
    expect([await actAs(own.exchange, ben, act)].flat()).toMatchObject([{ code: 'state-conflict' }]);
    expect(await listWaiting(own.exchange)).toHaveLength(2);
  });

  test('ends with its author, and the feed says by whom', async () => {
    await set(ada);
    await actAs(own.exchange, ben, (signing) => removeOperator(own.exchange, 'ada', signing));
    const approve = (signing: Signing) => approveOperator(own.exchange, { ...adding(ada), removal: true }, signing);
    await actAs(own.exchange, ada, approve);
    expect(await entries('act.superseded')).toMatchObject([{ code: 'policy', detail: { author: 'ada', by: 'ben' } }]);
  });
});

describe('a partner', () => {
  const resume = (signing?: Signing) => resumePartner(own.exchange, partner, signing);
  const remove = (signing?: Signing) => removePartner(own.exchange, { issuer: partner, yes: true }, signing);
  const stateOf = async () => {
    const { partners } = await own.exchange.directory.within(own.exchange.store.db);
    return partners.get(partner)?.state;
  };
  const suspend = () => suspendPartners(own.exchange, { issuer: partner, reason: 'examined' });

  test('is suspended by one person at once, and goes on by two', async () => {
    expect(await suspend()).toMatchObject({ suspended: [partner] });
    expect(await stateOf()).toBe('suspended');
    expect(await resume()).toMatchObject({ code: 'operator-required' });
    expect(await actAs(own.exchange, ada, resume)).toMatchObject({ state: 'pending', author: 'ada' });
    expect(await stateOf()).toBe('suspended');
    expect(await actAs(own.exchange, ada, resume)).toMatchObject({ code: 'approval-own' });
    expect(await actAs(own.exchange, ben, resume)).toMatchObject({ state: 'active', author: 'ada', approver: 'ben' });
    expect(await stateOf()).toBe('active');
    expect(await entries('partner.resumed')).toMatchObject([{ detail: { author: 'ada', approver: 'ben' } }]);
  });

  test('that is suspended again goes on by no signature for the suspension before', async () => {
    await suspend();
    await actAs(own.exchange, ada, resume);
    const draft = await resume({ by: ben.key.kid });
    if (!isDraft(draft)) throw new Error('there is nothing to sign');
    expect(draft).toMatchObject({ act: 'partner.resume', role: 'approver', document: { issuer: partner } });
    const late = await signed(own.exchange, ben, claimsOf(draft));
    const before = new Date(own.exchange.clock() - 60_000);
    await own.exchange.store.db.updateTable('partner').set({ suspended_at: before }).execute();
    expect(await resume(late)).toMatchObject({ code: 'approval-invalid' });
    expect(await actAs(own.exchange, ben, resume)).toMatchObject({ state: 'pending', superseded: { author: 'ada' } });
    expect(await stateOf()).toBe('suspended');
  });

  test('is removed by two, which ends what waits about it', async () => {
    await set(ada);
    expect(await removePartner(own.exchange, { issuer: partner })).toMatchObject({ code: 'usage-invalid' });
    expect(await remove()).toMatchObject({ code: 'operator-required' });
    expect(await actAs(own.exchange, ada, remove)).toMatchObject({ state: 'pending', dropped: 0, author: 'ada' });
    expect(await stateOf()).toBe('active');
    expect(await actAs(own.exchange, ada, remove)).toMatchObject({ code: 'approval-own' });
    expect(await actAs(own.exchange, ben, remove)).toMatchObject({ state: 'removed', approver: 'ben' });
    expect(await stateOf()).toBeUndefined();
    expect(await listWaiting(own.exchange)).toEqual([]);
    expect(await entries('partner.removed')).toMatchObject([{ detail: { author: 'ada', approver: 'ben' } }]);
  });

  test('goes on, with fewer than two operators, at once: recorded and not enforced', async () => {
    await own.exchange.store.db.deleteFrom('operator').execute();
    await suspend();
    expect(await resume()).toMatchObject({ state: 'active', recordedNotEnforced: true });
  });
});

test.each([
  [
    'a legal basis',
    () => setPolicy(own.exchange, partner, policy({ legal: { basis: 'see www.law.example', transfer: 'none' } })),
  ],
  [
    'an agreement',
    () =>
      setPolicy(
        own.exchange,
        partner,
        policy({ legal: { basis: 'Invented act', agreement: 'https://gallery.example/1', transfer: 'none' } }),
      ),
  ],
  [
    'a reason of suspension',
    () => suspendPartners(own.exchange, { issuer: partner, reason: 'it published gallery.example/album/77' }),
  ],
])('%s is no place for an address', async (_what, act: () => Promise<unknown>) => {
  const [refused] = [await act()].flat();
  expect(refused).toMatchObject({ code: expect.stringMatching(/^(usage|policy)-invalid$/) });
  expect(JSON.stringify(refused)).not.toContain('gallery');
});

test('every member that an act leaves in the feed is published', async () => {
  await set(ada);
  await set(ada);
  await actAs(own.exchange, ben, (signing) => approvePolicy(own.exchange, partner, 3, signing));
  await propose(ada, eve);
  await actAs(own.exchange, ben, (signing) => approveOperator(own.exchange, adding(eve), signing));
  const deny = (await actAs(own.exchange, ada, (signing) =>
    addDeny(own.exchange, { id: 'd1', ground: 'legal' }, signing),
  )) as { digest: string };
  const approve = (digest: string) => (signing: Signing) => approveDeny(own.exchange, { id: 'd1', digest }, signing);
  await actAs(own.exchange, ben, approve(deny.digest));
  const gone = (await actAs(own.exchange, ada, (signing) => removeDeny(own.exchange, 'd1', signing))) as {
    digest: string;
  };
  await actAs(own.exchange, ben, approve(gone.digest));
  await suspendPartners(own.exchange, { issuer: partner, reason: 'examined' });
  const written = await entries();
  expect(new Set(written.map(({ type }) => type))).toEqual(
    new Set([
      ...['act.pending', 'act.superseded', 'act.approved', 'policy.activated', 'operator.added', 'deny.added'],
      ...['deny.removed', 'partner.suspended'],
    ]),
  );
  const event = components.Event as unknown as { properties: { detail: { properties: Record<string, Schema> } } };
  const { properties } = event.properties.detail;
  const lost = written.flatMap(({ type, detail = {} }) =>
    Object.keys(detail)
      .filter((member) => properties[member] === undefined)
      .map((member) => `${type}: ${member}`),
  );
  expect(lost).toEqual([]);
  expect(written.filter(({ detail = {} }) => Object.values(detail).includes(null))).toEqual([]);
});

describe('a deny by host', () => {
  const submission = {
    url: 'https://gallery.example/1',
    jurisdiction: { hosting: 'NL' },
    category: 'csam',
    marking: { tlp: 'AMBER' },
    access: { referrer: 'https://way.referring.example/in', login: false, geo: false, parts: false },
  };
  const effects = async () => {
    const shared = await createShare(own.exchange)(submission);
    if (Array.isArray(shared) || !('decisions' in shared)) throw new Error(`not shared: ${JSON.stringify(shared)}`);
    return shared.decisions.map(({ decision: { effect, rule } }) => [effect, rule]);
  };
  beforeEach(async () => {
    await own.exchange.store.db.deleteFrom('operator').execute();
    await addDeny(own.exchange, { id: 'd1', ground: 'legal', hosts: ['referring.example'] });
  });

  test('is for the address to come from as well, where that is disclosed', async () => {
    await setPolicy(own.exchange, partner, policy({ send: { ...policy().send, disclose: { access: true } } }));
    expect(await effects()).toEqual([['withhold', 'deny:d1']]);
  });

  test('is not for an address to come from that stays here', async () => {
    await setPolicy(own.exchange, partner, policy({ send: { ...policy().send, disclose: { access: false } } }));
    expect(await effects()).toEqual([['send', 'all']]);
  });

  test.each([
    ['gallery.example', []],
    ['192.0.2.7', []],
    ['b.gallery.example', ['/hosts/0']],
    ['co.uk', ['/hosts/0']],
  ])('of %s says where it is for that host alone', async (host, pointers) => {
    const added = await addDeny(own.exchange, { id: 'd2', ground: 'legal', hosts: [host] });
    if (Array.isArray(added) || isDraft(added)) throw new Error('not added');
    expect(added.warnings.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
