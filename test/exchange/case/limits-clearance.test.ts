// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRefusal } from '../../../src/domain/refusal.ts';
import { findMissed, listAlerts } from '../../../src/exchange/alerts.ts';
import { browseDeliveries, showReference } from '../../../src/exchange/browse.ts';
import { settleDue } from '../../../src/exchange/case/round.ts';
import { recordStatement } from '../../../src/exchange/case/say.ts';
import { showCase } from '../../../src/exchange/case/show.ts';
import { importCodeList, listCodeLists } from '../../../src/exchange/code-lists.ts';
import { callsFor } from '../../../src/exchange/emergency-call.ts';
import { explainReference } from '../../../src/exchange/explain.ts';
import { findNoLongerAllowed } from '../../../src/exchange/narrowed.ts';
import { reviewPolicy, setPolicy } from '../../../src/exchange/policies.ts';
import { createRevise } from '../../../src/exchange/revise.ts';
import { createShare } from '../../../src/exchange/share.ts';
import type { Shared } from '../../../src/exchange/sharing.ts';
import { simulatePolicy } from '../../../src/exchange/simulate.ts';
import { countClearances } from '../../../src/store/case-clearance.ts';
import { bumpDirectory } from '../../../src/store/partners.ts';
import { inTransaction } from '../../../src/store/transaction.ts';
import { shippedCodeLists } from '../../../src/wire/code-list.ts';
import { befriend } from '../../support/exchange.ts';
import { freshJti } from '../../support/foreign-partner.ts';
import { inventedReference } from '../../support/invented.ts';
import { actAs, type Person, person, register } from '../../support/operators.ts';
import { type Json, self, sender } from '../../support/tokens.ts';
import { type LostKeyBench, lostKeyBench } from '../lost-key.ts';

// Limits and deadlines of police and of emergencies, and what is kept of them; the partner is police of DE.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const provider = 'https://node.provider.example';
let bench: LostKeyBench;
beforeAll(async () => {
  bench = await lostKeyBench();
});
afterAll(() => bench.node.close());

const instant = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
const rule = (then: string) => [{ id: 'all', when: { category: ['*'] }, then }];
const policyOf = (partner: string, changes: Json = {}): Json => ({
  partner,
  legal: { basis: 'Invented act, section 1', transfer: 'safeguards' },
  send: { rules: rule('send') },
  receive: { rules: rule('accept'), mayHold: true },
  ...changes,
});

async function setTo(partner: string, changes: Json = {}) {
  const set = await setPolicy(bench.node.exchange, partner, policyOf(partner, changes));
  if (Array.isArray(set)) throw new Error(JSON.stringify(set));
}

async function submit(changes: Json = {}): Promise<Shared> {
  const content = { ...inventedReference(1), category: 'csam', jurisdiction: { hosting: 'DE', reporting: 'NL' } };
  const shared = await createShare(bench.node.exchange)({
    ...{ ...content, url: `https://host.example/${crypto.randomUUID()}` },
    ...changes,
  });
  if (Array.isArray(shared)) throw new Error(`refused: ${JSON.stringify(shared)}`);
  return shared as Shared;
}

async function say(event: string, payload: Json, id: string): Promise<string> {
  const jti = freshJti();
  await bench.push(event, payload, { id, jti }, { sub_id: { format: 'iss_sub', iss: self, sub: id } });
  return jti;
}

async function ourWord(id: string, event: 'clearance', payload: object) {
  const said = await recordStatement(bench.node.exchange, { originator: self, id, event, payload });
  if (Array.isArray(said)) throw new Error(`refused: ${said.map((one) => one.code).join()}`);
}

const hold = () => ({
  step: 'placed',
  until: instant(bench.now() + 5 * DAY),
  ground: 'investigation',
  authority: 'police',
});
const outcome = async (jti: string) => {
  const { outcome: came, code } = await bench.message(jti);
  return [came, code];
};
const alertsOf = async (code: string) => (await listAlerts(bench.node.exchange)).filter((alert) => alert.code === code);

describe('holds over the limit of a day', () => {
  test('wait for the operator, who is told; what is lifted never waits', async () => {
    await setTo(sender, { receive: { rules: rule('accept'), mayHold: true, holdsPerDay: 1 } });
    const [one, two] = [await submit(), await submit()];
    expect(await outcome(await say('hold', hold(), one.id))).toEqual(['accepted', null]);
    const over = await say('hold', hold(), two.id);
    expect(await outcome(over)).toEqual(['held', 'rate-exceeded']);
    expect([await bench.stateOf(one.id), await bench.stateOf(two.id)]).toEqual(['on-hold', 'open']);
    expect(await alertsOf('holds-exceeded')).toMatchObject([{ partner: sender, urgent: true }]);
    bench.later(2000);
    expect(await outcome(await say('hold', { step: 'lifted' }, one.id))).toEqual(['accepted', null]);
    await settleDue(bench.node.exchange);
    expect(await outcome(over)).toEqual(['held', 'rate-exceeded']);
    await setTo(sender, { receive: { rules: rule('accept'), mayHold: true, holdsPerDay: 2 } });
    await settleDue(bench.node.exchange);
    expect(await outcome(over)).toEqual(['accepted', null]);
    expect(await bench.stateOf(two.id)).toBe('on-hold');
  });

  test('are taken when the next day leaves room', async () => {
    const three = await submit();
    const over = await say('hold', hold(), three.id);
    expect(await outcome(over)).toEqual(['held', 'rate-exceeded']);
    bench.later(DAY);
    await settleDue(bench.node.exchange);
    expect(await outcome(over)).toEqual(['accepted', null]);
  });
});

describe('a request for clearance', () => {
  const desk = { timezone: 'Europe/Berlin', hours: [{ days: ['wed'], from: '10:00', to: '11:00' }] };

  test('has a deadline by the hours of the desk that is asked, as an instant', async () => {
    await setTo(sender, { clearance: { withinHours: 2, desk } });
    const { id } = await submit();
    await ourWord(id, 'clearance', { step: 'requested' });
    const deadline = (await showCase(bench.node.exchange, { originator: self, id }))?.clearance.deadline ?? '';
    const clock = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    const shown = new Intl.DateTimeFormat('en', { timeZone: 'Europe/Berlin', ...clock }).format(new Date(deadline));
    expect(shown).toMatch(/^Wed,? 11:00$/);
    expect(Date.parse(deadline) - bench.now()).toBeGreaterThan(7 * DAY);
  });

  test.each([
    ['a time zone that does not exist', { desk: { ...desk, timezone: 'Europe/Nowhere' } }, '/clearance/desk/timezone'],
    [
      'a desk that closes before it opens',
      { desk: { ...desk, hours: [{ days: ['mon'], from: '22:00', to: '06:00' }] } },
      '/clearance/desk/hours/0/to',
    ],
    ['notify without an agreement', { onTimeout: 'notify' }, '/clearance/onTimeout'],
  ])('is not asked under %s', (_, clearance, pointer) => {
    expect(reviewPolicy(policyOf(sender, { clearance })).refusals).toMatchObject([{ code: 'policy-invalid', pointer }]);
  });

  test('that came to nothing before the content was gone is kept and counted', async () => {
    bench.later(1000);
    const since = new Date(bench.now());
    const [gone, kept] = [await submit(), await submit()];
    for (const { id } of [gone, kept]) {
      await ourWord(id, 'clearance', { step: 'requested', deadline: instant(bench.now() + HOUR) });
    }
    bench.later(2 * HOUR);
    const at = instant(bench.now());
    await say('acted', { action: 'unavailable', at, standing: 'observed' }, gone.id);
    bench.later(HOUR);
    for (const { id } of [gone, kept]) await say('clearance', { step: 'granted' }, id);
    const counts = await countClearances(bench.db, since, new Date(bench.now()));
    expect(counts).toEqual({ asked: 2, answered: 2, goneBefore: 1 });
    expect(await countClearances(bench.db, new Date(bench.now()), new Date(bench.now() + DAY))).toMatchObject({
      asked: 0,
    });
  });
});

describe('what was said about telling the host', () => {
  test('counts where a policy is explained, narrowed and simulated for a provider', async () => {
    await befriend(bench.node.exchange, provider);
    const industry = { requested: 'remove', legalBasis: 'notice-and-action' };
    await sql`update partner set type = 'industry' where issuer = ${provider}`.execute(bench.db);
    await inTransaction(bench.db, bumpDirectory);
    await setTo(provider, { send: { rules: rule('send'), industry } });
    const { id } = await submit({ marking: { tlp: 'AMBER', notifyHost: 'may' } });
    await sql`update delivery set n = 1, epoch = gen_random_uuid(), state = 'sent', sent_at = now()
      where reference_id = ${id} and partner = ${provider}`.execute(bench.db);
    const explained = async () => {
      const answer = await explainReference(bench.node.exchange, { issuer: provider, id });
      if (isRefusal(answer)) throw new Error(answer.code);
      return answer.decisions[0]?.today;
    };
    const narrowed = async () => {
      const page = await findNoLongerAllowed(bench.node.exchange, provider);
      return 'items' in page ? page.items.filter((one) => one.id === id) : [];
    };
    const simulated = async () => {
      const document = policyOf(provider, { send: { rules: rule('withhold'), industry } });
      const page = await simulatePolicy(bench.node.exchange, { issuer: provider, document, limit: 500 });
      return 'items' in page ? page.items.find((one) => one.id === id)?.before : undefined;
    };
    expect([(await explained())?.effect, await narrowed(), (await simulated())?.effect]).toEqual(['send', [], 'send']);
    await ourWord(id, 'clearance', { step: 'requested', deadline: instant(bench.now() + HOUR) });
    expect(await explained()).toMatchObject({ effect: 'hold', rule: 'notify-host' });
    expect((await explained())?.lines.join(' ')).toContain('clearance was asked and is not given yet');
    expect(await narrowed()).toMatchObject([{ effect: 'hold', rule: 'notify-host' }]);
    expect(await simulated()).toEqual({ effect: 'hold', rule: 'notify-host' });
  });

  const toHost = async (id: string) => {
    const { effect, code } = await bench.db
      .selectFrom('decision')
      .select(['effect', 'code'])
      .where('id', '=', id)
      .where('partner', '=', provider)
      .executeTakeFirstOrThrow();
    return code === null ? effect : `${effect} ${code}`;
  };
  const hostOf = async (id: string) => (await showCase(bench.node.exchange, { originator: self, id }))?.host;
  const marking = { tlp: 'AMBER', notifyHost: 'may' };

  test('a hold keeps an address from its host under whatever number of ours it is submitted, until it ends', async () => {
    const url = `https://host.example/${crypto.randomUUID()}`;
    const [held, before] = [await submit({ marking, url }), await submit({ marking, url })];
    const elsewhere = await submit({ marking });
    bench.later(2000);
    expect(await outcome(await say('hold', hold(), held.id))).toEqual(['accepted', null]);
    const after = await submit({ marking, url });
    expect(after.decisions.find(({ partner }) => partner === provider)?.decision).toMatchObject({ effect: 'hold' });
    for (const { id } of [held, before, after]) expect(await toHost(id)).toBe('hold hold-active');
    expect(await toHost(elsewhere.id)).toBe('send');
    expect([await hostOf(before.id), await hostOf(elsewhere.id)]).toEqual([
      { notice: 'must-not', reason: 'hold' },
      { notice: 'may', reason: 'clear' },
    ]);
    const explained = await explainReference(bench.node.exchange, { issuer: provider, id: after.id });
    expect(isRefusal(explained) || explained.decisions[0]?.today).toMatchObject({ effect: 'hold', differs: false });
    bench.later(2000);
    expect(await outcome(await say('hold', { step: 'lifted' }, held.id))).toEqual(['accepted', null]);
    for (const { id } of [held, before, after]) expect(await toHost(id)).toBe('send');
  });

  test('what waits for clearance under one number waits under the others', async () => {
    const url = `https://host.example/${crypto.randomUUID()}`;
    const [asked, other] = [await submit({ marking, url }), await submit({ marking, url })];
    bench.later(2000);
    await ourWord(asked.id, 'clearance', { step: 'requested', deadline: instant(bench.now() + HOUR) });
    expect(await toHost(other.id)).toBe('hold hold-active');
    expect(await hostOf(other.id)).toEqual({ notice: 'after-clearance', reason: 'clearance-open' });
    bench.later(2000);
    expect(await outcome(await say('clearance', { step: 'granted' }, asked.id))).toEqual(['accepted', null]);
    expect(await toHost(other.id)).toBe('send');
  });

  test('what a partner’s reference is held for changes nothing that is sent about ours', async () => {
    const url = `https://host.example/${crypto.randomUUID()}`;
    const theirs = await bench.submit({}, { url });
    bench.later(2000);
    await bench.push('hold', hold(), { id: theirs.id }, { sub_id: { format: 'iss_sub', iss: sender, sub: theirs.id } });
    expect(await bench.stateOf(theirs.id)).toBe('on-hold');
    expect(await toHost((await submit({ marking, url })).id)).toBe('send');
  });
});

describe('an emergency', () => {
  const urgency = { level: 'emergency', code: 'live-now' };
  const numbers = { emergencyPhone: '+49 30 0000001', hours: 'Mo-Fr 08:00-17:00', timezone: 'Europe/Berlin' };

  test('says whom to call where it is submitted, where it waits and where it is an alert', async () => {
    await sql`update partner set contact = ${JSON.stringify(numbers)}::jsonb where issuer = ${sender}`.execute(
      bench.db,
    );
    await inTransaction(bench.db, bumpDirectory);
    await setTo(sender, { send: { rules: rule('hold') } });
    const held = await submit({ urgency });
    const { exchange } = bench.node;
    const snapshot = await exchange.directory.within(bench.db);
    const call = { partner: sender, says: 'Call now: this does not replace the call.', contact: numbers };
    expect(callsFor(snapshot, held.reference, held.decisions)).toContainEqual(expect.objectContaining(call));
    expect(callsFor(snapshot, { urgency: { level: 'priority' } }, held.decisions)).toEqual([]);
    const [alert] = (await alertsOf('emergency-held')).filter(({ partner }) => partner === sender);
    expect(alert?.call).toMatchObject(call);
    await setTo(sender);
    const sent = await submit({ urgency });
    const page = await browseDeliveries(exchange, { reference: sent.id, partner: sender }, { limit: 10 });
    expect('items' in page && page.items[0]?.call).toMatchObject(call);
    const calm = await submit();
    const routine = await browseDeliveries(exchange, { reference: calm.id, partner: sender }, { limit: 10 });
    expect('items' in routine && routine.items[0]).not.toHaveProperty('call');
  });

  test('of a partner calls a person when it arrives, once, until one has it', async () => {
    const arrived = async (id: string) =>
      (await alertsOf('emergency-arrived')).filter(({ subject }) => subject === id).map(({ urgent }) => urgent);
    const { id } = await bench.submit({}, { urgency });
    expect(await arrived(id)).toEqual([true]);
    bench.later(2000);
    const payload = { at: instant(bench.now()) };
    const said = await recordStatement(bench.node.exchange, { originator: sender, id, event: 'acknowledged', payload });
    expect(Array.isArray(said)).toBe(false);
    expect(await arrived(id)).toEqual([]);
    await bench.revise(2, { id }, { urgency });
    expect(await arrived(id)).toEqual([]);
  });

  test('that a revision made one long after it was stored has its own timer', async () => {
    const { id, reference } = await submit();
    const { revision: _, ...content } = reference;
    bench.later(5 * DAY);
    const revised = await createRevise(bench.node.exchange)(id, 1, { ...content, urgency });
    if (Array.isArray(revised)) throw new Error(JSON.stringify(revised));
    await sql`update delivery set sent_at = ${new Date(bench.now())} where reference_id = ${id}`.execute(bench.db);
    const unacknowledged = async () => {
      await findMissed(bench.node.exchange);
      return (await alertsOf('emergency-unacknowledged')).filter(({ subject }) => subject === id);
    };
    bench.later(14 * 60_000);
    expect(await unacknowledged()).toEqual([]);
    bench.later(2 * 60_000);
    expect(await unacknowledged()).toMatchObject([{ partner: sender, urgent: true }]);
    await say('acknowledged', { at: instant(bench.now()) }, id);
    expect(await unacknowledged()).toEqual([]);
  });
});

describe('the next version of a code list', () => {
  const shipped = shippedCodeLists.find(({ list }) => list === 'category');
  const next = (version: string, code: string, title = 'Something invented') => ({
    ...shipped,
    ...{ version, codes: [...(shipped?.codes ?? []), { code, title }] },
  });
  const imported = (document: unknown) => importCodeList(bench.node.exchange, document);

  test('is in force at once: submissions and policies take its codes, and an older one is refused', async () => {
    const { exchange } = bench.node;
    expect(await createShare(exchange)({ ...inventedReference(1), category: 'invented' })).toMatchObject([
      { code: 'category-unknown' },
    ]);
    expect(await imported(next('2027-01-01', 'invented'))).toMatchObject({
      ...{ list: 'category', version: '2027-01-01', state: 'active', added: ['invented'] },
    });
    bench.later(1000);
    expect((await submit({ category: 'invented' })).reference.category).toBe('invented');
    await setTo(sender, { receive: { rules: [{ id: 'new', when: { category: ['invented'] }, then: 'accept' }] } });
    const { id } = await bench.submit({}, { category: 'invented' });
    expect(await bench.stateOf(id)).toBe('open');
    expect(await imported(next('2027-01-01', 'invented'))).toMatchObject([{ code: 'state-conflict' }]);
    expect(await imported({ list: 'category' })).toContainEqual(expect.objectContaining({ code: 'schema-invalid' }));
    const lists = await listCodeLists(exchange);
    expect(lists.find(({ list }) => list === 'category')).toMatchObject({ version: '2027-01-01', state: 'active' });
    expect(lists.find(({ list }) => list === 'assessment-inhope-ucs')).toMatchObject({ state: 'release', codes: [] });
  });
  test('that is in use elsewhere only shows its codes as unknown, and keeps them as they came', async () => {
    await setTo(sender);
    const { id } = await bench.submit(
      {},
      { category: 'heard-elsewhere', features: ['self-generated', 'of-next-year'] },
    );
    const shown = await showReference(bench.node.exchange, sender, id, 'masked');
    const came = { category: 'heard-elsewhere', features: ['self-generated', 'of-next-year'] };
    expect(shown).toMatchObject({ ...came, unknown: ['/category', '/features/1'] });
    const known = await bench.submit();
    expect(await showReference(bench.node.exchange, sender, known.id, 'masked')).not.toHaveProperty('unknown');
  });
  // The last of all: from here on every act wants two people.
  test('waits for a second person with the same file where operators are registered', async () => {
    const { exchange } = bench.node;
    const [ada, ben] = [person('ada'), person('ben')];
    await register(exchange, ada, ben);
    const document = next('2027-02-01', 'of-february');
    document.codes.push({ code: 'invented', title: 'Something invented' });
    expect(await imported(document)).toMatchObject([{ code: 'operator-required' }]);
    const by = (who: Person, given: unknown = document) =>
      actAs(exchange, who, (signing) => importCodeList(exchange, given, { signing }));
    expect(await by(ada)).toMatchObject({ state: 'pending', author: 'ada' });
    const taken = async () => (await exchange.directory.within(bench.db)).codes.known.category?.includes('of-february');
    expect(await taken()).toBe(false);
    expect(await by(ben, { ...document, title: 'Another file' })).toMatchObject([{ code: 'state-conflict' }]);
    expect(await by(ben)).toMatchObject({ state: 'active', author: 'ada', approver: 'ben' });
    expect(await taken()).toBe(true);
  });
});
