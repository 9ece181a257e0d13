// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Draft, Signing } from '../../src/exchange/acts.ts';
import { isDraft } from '../../src/exchange/acts.ts';
import { browseEvents } from '../../src/exchange/browse.ts';
import { addDeny, approveDeny, listDenies, removeDeny } from '../../src/exchange/denies.ts';
import { examineOperators, readOperators } from '../../src/exchange/doctor/operators.ts';
import {
  addOperator,
  approveOperator,
  listOperators,
  listWaiting,
  removeOperator,
  sayEnforcement,
} from '../../src/exchange/operators.ts';
import { approvePolicy, setPolicy, showPolicy } from '../../src/exchange/policies.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { actAs, claimsOf, type Person, person, register, signed } from '../support/operators.ts';

const self = 'http://127.0.0.1:8440';
const partner = 'http://127.0.0.1:9440';

let own: TestExchange;
let ada: Person;
let ben: Person;
let eve: Person;

beforeAll(async () => {
  own = await testExchange({ issuer: self });
  await befriend(own.exchange, partner);
});
afterAll(() => own.close());

/** A new store takes seconds: the acts of the test before are taken out of this one instead. */
beforeEach(async () => {
  const { db } = own.exchange.store;
  for (const table of ['act_signature', 'act', 'operator', 'policy', 'policy_deny'] as const)
    await db.deleteFrom(table).execute();
  await setPolicy(own.exchange, partner, policy());
  [ada, ben, eve] = [person('ada'), person('ben'), person('eve')];
});

const policy = (changes: Record<string, unknown> = {}) => ({
  partner,
  legal: { basis: 'Invented act, section 1', transfer: 'none' },
  send: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'hold' }] },
  receive: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'hold' }] },
  ...changes,
});

const adding = ({ name, key }: Person) => ({ name, kid: key.kid });
const removal = (who: Person) => ({ ...adding(who), removal: true });
const setBy = (who: Person) =>
  actAs(own.exchange, who, (signing) => setPolicy(own.exchange, partner, policy(), { signing }));
const approveBy = (who: Person, version: number) =>
  actAs(own.exchange, who, (signing) => approvePolicy(own.exchange, partner, version, signing));
const inForce = async () => {
  const { partners } = await own.exchange.directory.within(own.exchange.store.db);
  return partners.get(partner)?.policy?.version;
};
const stateOf = async (version: number) => {
  const shown = await showPolicy(own.exchange, partner, version);
  return 'state' in shown ? shown.state : shown.code;
};

/** What the operator would sign for approving a version. */
async function draftOf(who: Person, version: number): Promise<Draft> {
  const draft = await approvePolicy(own.exchange, partner, version, { by: who.key.kid });
  if (!isDraft(draft)) throw new Error('there is nothing to sign');
  return draft;
}

describe('with no operator, or one', () => {
  test('an act is effective at once, and its answer says that it was recorded and not enforced', async () => {
    const set = await setPolicy(own.exchange, partner, policy());
    expect(set).toMatchObject({ version: 2, state: 'active', recordedNotEnforced: true });
    expect(await inForce()).toBe(2);
    expect(await approvePolicy(own.exchange, partner, 2)).toMatchObject({ state: 'active', recordedNotEnforced: true });
  });

  test('a signature that is given is kept, and a wrong one is refused all the same', async () => {
    await register(own.exchange, ada);
    expect(await setBy(ada)).toMatchObject({ state: 'active', author: 'ada', recordedNotEnforced: true });
    expect(await showPolicy(own.exchange, partner, 2)).toMatchObject({ author: 'ada', state: 'active' });
    const kept = await own.exchange.store.db.selectFrom('act_signature').select(['operator', 'role']).execute();
    expect(kept).toEqual([{ operator: 'ada', role: 'author' }]);
    const refused = await setPolicy(own.exchange, partner, policy(), { signing: { by: ben.key.kid } });
    expect(refused).toMatchObject([{ code: 'operator-unknown' }]);
  });

  test('the log and the doctor say so', async () => {
    await sayEnforcement(own.exchange);
    expect(own.logged()).toContain('operators.few');
    expect(examineOperators(await readOperators(own.exchange))).toMatchObject([
      { level: 'note', code: 'operators-few', next: 'caseref operator add NAME' },
    ]);
  });
});

describe('with two operators a policy', () => {
  beforeEach(() => register(own.exchange, ada, ben));

  test('is refused without a signature, with the next step', async () => {
    const refused = await setPolicy(own.exchange, partner, policy());
    expect(refused).toMatchObject([{ code: 'operator-required', next: expect.stringContaining('--operator') }]);
    expect(await inForce()).toBe(1);
  });

  test('waits and decides nothing until another operator has approved the same digest', async () => {
    const set = await setBy(ada);
    expect(set).toMatchObject({ version: 2, state: 'pending', author: 'ada' });
    expect(set).not.toHaveProperty('recordedNotEnforced');
    expect(await inForce()).toBe(1);
    expect(await approveBy(ben, 2)).toMatchObject({ state: 'active', author: 'ada', approver: 'ben' });
    expect(await inForce()).toBe(2);
    const shown = await showPolicy(own.exchange, partner);
    expect(shown).toMatchObject({ author: 'ada', approver: 'ben', activatedAt: expect.any(String) });
    const { items } = (await browseEvents(own.exchange, { limit: 500 })) as {
      items: { type: string; detail?: object }[];
    };
    const told = items.filter(({ type }) => type.startsWith('act.') || type === 'policy.activated').slice(-3);
    expect(told).toMatchObject([
      { type: 'act.pending', code: 'policy', detail: { subject: partner, author: 'ada' } },
      { type: 'act.approved', code: 'policy', detail: { author: 'ada', approver: 'ben' } },
      { type: 'policy.activated', partner, detail: { version: 2, author: 'ada', approver: 'ben' } },
    ]);
  });

  test('that waits is shown by what is pending and by the doctor, with the command that approves it', async () => {
    await setBy(ada);
    const command = `caseref policy approve ${partner} 2 --operator FILE`;
    expect(await listWaiting(own.exchange)).toMatchObject([{ act: 'policy', subject: partner, approve: command }]);
    expect(examineOperators(await readOperators(own.exchange))).toMatchObject([
      { level: 'warn', code: 'act-pending', next: command },
      { level: 'ok', code: 'operators' },
      { level: 'note', code: 'operators-spare' },
    ]);
  });

  test('is not approved by its author', async () => {
    await setBy(ada);
    expect(await approveBy(ada, 2)).toMatchObject({ code: 'approval-own' });
    const forged = await signed(own.exchange, ada, claimsOf(await draftOf(ben, 2)));
    expect(await approvePolicy(own.exchange, partner, 2, forged)).toMatchObject({ code: 'approval-own' });
    expect(await inForce()).toBe(1);
  });

  test('is not approved without a signature, nor by a key that nobody registered', async () => {
    await setBy(ada);
    expect(await approvePolicy(own.exchange, partner, 2)).toMatchObject({ code: 'operator-required' });
    expect(await approveBy(eve, 2)).toMatchObject({ code: 'operator-unknown' });
    const forged = await signed(own.exchange, eve, claimsOf(await draftOf(ben, 2)));
    expect(await approvePolicy(own.exchange, partner, 2, forged)).toMatchObject({ code: 'operator-unknown' });
  });

  test.each([
    ['node', 'http://127.0.0.1:8450'],
    ['act', 'deny.add'],
    ['subject', 'http://127.0.0.1:9441'],
    ['digest', 'S256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ['role', 'author'],
  ] as const)('is not approved by a signature for another %s', async (name, value) => {
    await setBy(ada);
    const token = await signed(own.exchange, ben, { ...claimsOf(await draftOf(ben, 2)), [name]: value });
    const refused = await approvePolicy(own.exchange, partner, 2, token);
    expect(refused).toMatchObject({ code: 'approval-invalid', pointer: `/signature/${name}` });
    expect(await inForce()).toBe(1);
  });

  test('is not approved twice, nor by a signature that has counted', async () => {
    await setBy(ada);
    const token = await signed(own.exchange, ben, claimsOf(await draftOf(ben, 2)));
    await approvePolicy(own.exchange, partner, 2, token);
    expect(await approvePolicy(own.exchange, partner, 2, token)).toMatchObject({ code: 'state-conflict' });
    await own.exchange.store.db.updateTable('act').set({ state: 'pending' }).where('approver', '=', 'ben').execute();
    await own.exchange.store.db.updateTable('policy').set({ state: 'pending' }).where('version', '=', 2).execute();
    const again = await approvePolicy(own.exchange, partner, 2, token);
    expect(again).toMatchObject({ code: 'approval-invalid', message: expect.stringContaining('counted before') });
  });

  test('that a newer one has overtaken is superseded, and is not approved', async () => {
    await setBy(ada);
    const token = await signed(own.exchange, ben, claimsOf(await draftOf(ben, 2)));
    expect(await setBy(ada)).toMatchObject({ version: 3, state: 'pending' });
    expect(await stateOf(2)).toBe('superseded');
    expect(await approvePolicy(own.exchange, partner, 2, token)).toMatchObject({ code: 'state-conflict' });
    expect(await approveBy(ben, 3)).toMatchObject({ version: 3, state: 'active' });
    expect(await approveBy(ben, 2)).toMatchObject({ code: 'state-conflict' });
    expect(await inForce()).toBe(3);
  });

  test('older than the one in force is not approved', async () => {
    await setBy(ada);
    await own.exchange.store.db.updateTable('policy').set({ version: 9 }).where('version', '=', 1).execute();
    expect(await approveBy(ben, 2)).toMatchObject({
      code: 'state-conflict',
      next: expect.stringContaining('Version 9'),
    });
  });

  test('whose version was taken while it was signed is a conflict, and nothing is half done', async () => {
    const set = (signing: Signing, version?: number) =>
      setPolicy(own.exchange, partner, policy(), { signing, version });
    const draft = await set({ by: ada.key.kid });
    if (!isDraft(draft)) throw new Error('there is nothing to sign');
    expect(draft).toMatchObject({ node: self, act: 'policy', subject: partner, role: 'author' });
    expect(await stateOf(2)).toBe('not-found');
    await setBy(ada);
    const late = await set(await signed(own.exchange, ada, claimsOf(draft)), Number(draft.document.version));
    expect(late).toMatchObject([{ code: 'state-conflict', pointer: '/version' }]);
    expect(await stateOf(3)).toBe('not-found');
    const unnamed = await set(await signed(own.exchange, ada, claimsOf(draft)));
    expect(unnamed).toMatchObject([{ code: 'approval-invalid', pointer: '/signature/digest' }]);
  });

  test('of a partner that was removed meanwhile is not approved', async () => {
    await setBy(ada);
    const { db } = own.exchange.store;
    await db.updateTable('partner').set({ state: 'removed' }).where('issuer', '=', partner).execute();
    expect(await approveBy(ben, 2)).toMatchObject({ code: 'partner-unknown' });
    await db.updateTable('partner').set({ state: 'active' }).where('issuer', '=', partner).execute();
  });

  test('whose stored document was changed is not approved', async () => {
    await setBy(ada);
    const document = JSON.stringify({ ...policy(), version: 2, send: { rules: [] } });
    await own.exchange.store.db.updateTable('act').set({ document }).where('state', '=', 'pending').execute();
    expect(await approveBy(ben, 2)).toMatchObject({ code: 'approval-invalid' });
  });
});

describe('operators', () => {
  test('the first two are registered at once, the third waits for a second person', async () => {
    await register(own.exchange, ada, ben);
    const jwk = eve.key.jwk;
    const add = (signing?: Signing) => addOperator(own.exchange, { name: 'eve', jwk }, signing);
    expect(await add()).toMatchObject({ code: 'operator-required' });
    expect(await actAs(own.exchange, ada, add)).toMatchObject({ name: 'eve', state: 'pending', kid: eve.key.kid });
    const own2 = (signing: Signing) => approveOperator(own.exchange, adding(eve), signing);
    // Nobody mints the second pair of eyes: neither with the key that waits nor with the author's.
    expect(await actAs(own.exchange, eve, own2)).toMatchObject({ code: 'operator-unknown' });
    expect(await actAs(own.exchange, ada, own2)).toMatchObject({ code: 'approval-own' });
    expect((await listOperators(own.exchange)).items.map(({ name }) => name)).toEqual(['ada', 'ben']);
    expect(await actAs(own.exchange, ben, own2)).toMatchObject({ state: 'active', author: 'ada', approver: 'ben' });
    expect(await setBy(eve)).toMatchObject({ state: 'pending', author: 'eve' });
  });

  test('removing down to one is approved by two, and ends what waits with that key as author', async () => {
    await register(own.exchange, ada, ben);
    await setBy(ben);
    const remove = (signing?: Signing) => removeOperator(own.exchange, 'ben', signing);
    expect(await remove()).toMatchObject({ code: 'operator-required' });
    expect(await actAs(own.exchange, ada, remove)).toMatchObject({ state: 'pending' });
    expect((await listOperators(own.exchange)).enforced).toBe(true);
    const approve = (signing: Signing) => approveOperator(own.exchange, removal(ben), signing);
    expect(await actAs(own.exchange, ada, approve)).toMatchObject({ code: 'approval-own' });
    expect(await actAs(own.exchange, ben, approve)).toMatchObject({ state: 'removed', approver: 'ben' });
    expect(await stateOf(2)).toBe('superseded');
    expect(await setBy(ben)).toMatchObject([{ code: 'operator-unknown' }]);
    expect(await setPolicy(own.exchange, partner, policy())).toMatchObject({
      state: 'active',
      recordedNotEnforced: true,
    });
    const { items } = await listOperators(own.exchange);
    expect(items).toMatchObject([{ name: 'ada' }, { name: 'ben', state: 'removed', removedAt: expect.any(String) }]);
    const signatures = await own.exchange.store.db.selectFrom('act_signature').select('operator').execute();
    expect(signatures.filter(({ operator }) => operator === 'ben')).toHaveLength(2);
  });

  test('a removed key approves nothing that waits', async () => {
    await register(own.exchange, ada, ben);
    await actAs(own.exchange, ada, (signing) => addOperator(own.exchange, { name: 'eve', jwk: eve.key.jwk }, signing));
    await actAs(own.exchange, ben, (signing) => approveOperator(own.exchange, adding(eve), signing));
    await actAs(own.exchange, ada, (signing) => removeOperator(own.exchange, 'eve', signing));
    await actAs(own.exchange, ben, (signing) => approveOperator(own.exchange, removal(eve), signing));
    await setBy(ada);
    const token = await signed(own.exchange, eve, claimsOf(await draftOf(ben, 2)));
    expect(await approvePolicy(own.exchange, partner, 2, token)).toMatchObject({ code: 'operator-unknown' });
  });

  test('what the one who is left had set is set anew: there is nobody to approve it', async () => {
    await register(own.exchange, ada, ben);
    await setBy(ada);
    await actAs(own.exchange, ada, (signing) => removeOperator(own.exchange, 'ben', signing));
    await actAs(own.exchange, ben, (signing) => approveOperator(own.exchange, removal(ben), signing));
    const refused = await approveBy(ada, 2);
    expect(refused).toMatchObject({ code: 'approval-own', next: expect.stringContaining('again') });
    expect(await setBy(ada)).toMatchObject({ version: 3, state: 'active' });
    expect(await stateOf(2)).toBe('superseded');
  });

  test('a name and a key are used once, for ever', async () => {
    await register(own.exchange, ada);
    const add = (name: string, jwk: object) => addOperator(own.exchange, { name, jwk });
    expect(await add('ada', ben.key.jwk)).toMatchObject({ code: 'state-conflict', pointer: '/name' });
    expect(await add('other', ada.key.jwk)).toMatchObject({ code: 'state-conflict', pointer: '/jwk' });
    expect(await removeOperator(own.exchange, 'ada')).toMatchObject({ state: 'removed', recordedNotEnforced: true });
    expect(await add('ada', ben.key.jwk)).toMatchObject({ message: expect.stringContaining('removed') });
    expect(await add('other', ada.key.jwk)).toMatchObject({ code: 'state-conflict', pointer: '/jwk' });
    expect(await removeOperator(own.exchange, 'ada')).toMatchObject({ code: 'not-found' });
  });

  test.each([
    ['a name with a path', '../ada', {}, '/name'],
    ['a name with capitals', 'Ada', {}, '/name'],
    ['a private key', 'ada', { d: 'x' }, '/jwk'],
    ['a key for encryption', 'ada', { crv: 'X25519' }, '/jwk'],
    ['a key of another kind', 'ada', { kty: 'EC' }, '/jwk'],
    ['a key of the wrong length', 'ada', { x: 'AAAA' }, '/jwk'],
    ['a key with another spelling of its last byte', 'ada', { x: `${'A'.repeat(42)}B` }, '/jwk'],
    ['a further member', 'ada', { note: 'x' }, '/jwk'],
  ])('%s is refused', async (_what, name, changes, pointer) => {
    const jwk = { ...ada.key.jwk, ...changes };
    expect(await addOperator(own.exchange, { name, jwk })).toMatchObject({ code: 'usage-invalid', pointer });
  });

  test('nothing that waits is no approval', async () => {
    await register(own.exchange, ada, ben);
    expect(await approveOperator(own.exchange, adding(eve))).toMatchObject({ code: 'not-found' });
    expect(await approveDeny(own.exchange, { id: 'no-chats', digest: 'S256:none' })).toMatchObject({
      code: 'not-found',
    });
    expect(await approvePolicy(own.exchange, partner, 7)).toMatchObject({ code: 'not-found' });
  });
});

describe('with two operators a deny', () => {
  const deny = { id: 'no-chats', ground: 'legal', when: { category: ['grooming'] } };
  const add = (signing?: Signing) => addDeny(own.exchange, deny, signing);
  const remove = (signing?: Signing) => removeDeny(own.exchange, deny.id, signing);
  let waits: string;
  const approve = (signing?: Signing) => approveDeny(own.exchange, { id: deny.id, digest: waits }, signing);
  const look = async () => {
    waits = (await listWaiting(own.exchange))[0]?.digest ?? '';
  };
  beforeEach(() => register(own.exchange, ada, ben));

  test('is added and removed by two', async () => {
    expect(await add()).toMatchObject([{ code: 'operator-required' }]);
    expect(await actAs(own.exchange, ada, add)).toMatchObject({ state: 'pending', author: 'ada' });
    await look();
    expect(await listDenies(own.exchange)).toEqual([]);
    expect(await actAs(own.exchange, ada, approve)).toMatchObject({ code: 'approval-own' });
    expect(await actAs(own.exchange, ben, approve)).toMatchObject({ id: deny.id, state: 'active', approver: 'ben' });
    expect(await listDenies(own.exchange)).toEqual([deny]);
    expect(await remove()).toMatchObject({ code: 'operator-required' });
    expect(await actAs(own.exchange, ben, remove)).toMatchObject({ state: 'pending', removed: false });
    await look();
    expect(await listDenies(own.exchange)).toEqual([deny]);
    expect(await actAs(own.exchange, ada, approve)).toMatchObject({ state: 'removed', author: 'ben' });
    expect(await listDenies(own.exchange)).toEqual([]);
  });

  test('is not added by the signatures for its removal, nor removed by those for adding it', async () => {
    const draft = await add({ by: ada.key.kid });
    if (!isDraft(draft)) throw new Error('there is nothing to sign');
    const token = await signed(own.exchange, ada, { ...claimsOf(draft), act: 'deny.remove' });
    expect(await add(token)).toMatchObject([{ code: 'approval-invalid', pointer: '/signature/act' }]);
  });

  test('gets its name when it is drafted, so that what was signed is what is added', async () => {
    const draft = await addDeny(own.exchange, { ground: 'legal' }, { by: ada.key.kid });
    if (!isDraft(draft)) throw new Error('there is nothing to sign');
    const token = await signed(own.exchange, ada, claimsOf(draft));
    expect(await addDeny(own.exchange, { ground: 'legal' }, token)).toMatchObject([{ code: 'approval-invalid' }]);
    expect(await addDeny(own.exchange, draft.document, token)).toMatchObject({ state: 'pending', id: draft.subject });
  });
});
