import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { secret } from '../../../src/config.ts';
import { isRefusal } from '../../../src/domain/refusal.ts';
import { approveLiaison, inviteLiaison, renewLiaison } from '../../../src/exchange/liaison/accredit.ts';
import { enrolPasskey, enrolSubject, findPasskey, findSubject } from '../../../src/exchange/liaison/enrol.ts';
import { openByCode } from '../../../src/exchange/liaison/invitation.ts';
import { listLiaisons } from '../../../src/exchange/liaison/list.ts';
import { settlePortal } from '../../../src/exchange/liaison/portal-settings.ts';
import {
  beginSession,
  endAllSessions,
  endSession,
  readSession,
  stepUp,
} from '../../../src/exchange/liaison/session.ts';
import { resumeLiaison, suspendLiaison, suspendUnused } from '../../../src/exchange/liaison/suspension.ts';
import { listWaiting } from '../../../src/exchange/operators.ts';
import { type TestExchange, testExchange } from '../../support/exchange.ts';
import { accredited, done, invite } from '../../support/liaisons.ts';
import { actAs, person, register } from '../../support/operators.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const begun = Date.parse('2026-11-20T12:00:00Z');

let now = begun;
let node: TestExchange;
beforeAll(async () => {
  node = await testExchange({ issuer: 'https://hotline-a.example', clock: () => now });
});
afterAll(() => node.close());
beforeEach(() => {
  now = begun;
});

const codeOf = (answer: unknown) => (isRefusal(answer) ? answer.code : 'done');
const passkey = (name: string) => ({
  id: Buffer.from(name),
  publicKey: Buffer.from('key'),
  counter: 0,
  transports: ['usb'],
  backedUp: false,
});
const signIn = async (liaison: string, more: object = {}) =>
  done(await beginSession(node.exchange, { liaison, method: 'passkey', ...more }));
const refusals = async (liaison: string) =>
  (await node.exchange.store.db.selectFrom('event').selectAll().where('type', '=', 'liaison.refused').execute())
    .filter(({ body }) => body?.liaison === liaison)
    .map(({ code, body }) => [code, body?.reason]);

describe('an accreditation', () => {
  test('with fewer than two operators is in force at once, and says so', async () => {
    const made = done(await inviteLiaison(node.exchange, accredited));
    expect(made).toMatchObject({ state: 'active', until: '2027-06-01', recordedNotEnforced: true });
    expect(made.invitation?.code).toMatch(/^[\w-]{43}$/);
    expect(done(await approveLiaison(node.exchange, { id: made.id }))).toMatchObject({ state: 'active' });
  });

  test.each([
    ['an end that is over', { until: '2026-11-19' }, '/until'],
    ['an end in more than two years', { until: '2029-01-01' }, '/until'],
    ['a day that does not exist', { until: '2027-02-30' }, '/until'],
    ['a training in the future', { trained: '2026-11-21' }, '/trained'],
    ['no place', { jurisdictions: [] }, '/jurisdictions'],
    ['a place that nobody is competent for', { jurisdictions: ['NL', 'XX'] }, '/jurisdictions/1'],
    ['a place that is not one', { jurisdictions: ['UK'] }, '/jurisdictions/0'],
    ['a unit that reads as a part of another', { unit: 'Child protection/Team 2' }, '/unit'],
    ['a name with a line break', { name: 'A.\nOfficer' }, '/name'],
    ['an address in a text', { legalBasis: 'see https://host.example/' }, '/legalBasis'],
    ['a subject where no provider is configured', { subject: 'officer-1' }, '/subject'],
  ])('is refused with %s', async (_name, change, pointer) => {
    expect(await inviteLiaison(node.exchange, { ...accredited, ...change })).toMatchObject({ refused: true, pointer });
  });

  test('is listed with what is due', async () => {
    const soon = await invite(node.exchange, { name: 'B. Officer', until: '2026-12-01' });
    const fresh = await invite(node.exchange, { name: 'C. Officer' });
    const due = await listLiaisons(node.exchange, { due: true });
    expect(due.items.find(({ id }) => id === soon.id)).toMatchObject({ state: 'active', due: ['ends-soon'] });
    expect(due.items.map(({ id }) => id)).not.toContain(fresh.id);
    now += 61 * DAY;
    const later = (await listLiaisons(node.exchange)).items;
    expect(later.find(({ id }) => id === soon.id)).toMatchObject({ state: 'expired', due: ['expired'] });
    expect(later.find(({ id }) => id === fresh.id)).toMatchObject({ state: 'active', due: ['unused'] });
  });

  test('that is renewed says what was not named as before, and what was named anew', async () => {
    const { id } = await invite(node.exchange);
    done(await renewLiaison(node.exchange, { id, until: '2027-10-01', jurisdictions: ['NL'] }));
    const listed = (await listLiaisons(node.exchange)).items.find((one) => one.id === id);
    expect(listed).toMatchObject({ ...accredited, until: '2027-10-01', jurisdictions: ['NL'] });
  });
});

describe('an invitation', () => {
  const sub = (name: string) => ({ issuer: 'https://login.example', subject: name });

  test('works once', async () => {
    const { id, code } = await invite(node.exchange);
    const digest = done(await openByCode(node.exchange, code));
    expect(codeOf(await openByCode(node.exchange, code))).toBe('done');
    expect(done(await enrolPasskey(node.exchange, digest, passkey('once'))).session.id).toBe(id);
    expect(await findPasskey(node.exchange, Buffer.from('once'))).toMatchObject({ liaison: id });
    expect(codeOf(await openByCode(node.exchange, code))).toBe('invitation-invalid');
    expect(codeOf(await enrolPasskey(node.exchange, digest, passkey('twice')))).toBe('invitation-invalid');
    expect(await findPasskey(node.exchange, Buffer.from('twice'))).toBeUndefined();
  });

  test('of two who use it at the same time one gets in', async () => {
    const digest = done(await openByCode(node.exchange, (await invite(node.exchange)).code));
    const both = ['left', 'right'].map((name) => enrolPasskey(node.exchange, digest, passkey(name)));
    expect((await Promise.all(both)).map(codeOf).sort()).toEqual(['done', 'invitation-invalid']);
  });

  test('ends after 72 hours, by a newer one, and with a suspension', async () => {
    const { id, code } = await invite(node.exchange);
    now += 72 * HOUR - 1;
    expect(codeOf(await openByCode(node.exchange, code))).toBe('done');
    now += 1;
    expect(codeOf(await openByCode(node.exchange, code))).toBe('invitation-invalid');
    const second = done(await renewLiaison(node.exchange, { id, invite: true })).invitation?.code ?? '';
    const third = done(await renewLiaison(node.exchange, { id, invite: true })).invitation?.code ?? '';
    expect(codeOf(await openByCode(node.exchange, second))).toBe('invitation-invalid');
    expect(codeOf(await openByCode(node.exchange, third))).toBe('done');
    done(await suspendLiaison(node.exchange, { id, reason: 'left the unit' }));
    expect(codeOf(await openByCode(node.exchange, third))).toBe('invitation-invalid');
  });

  test('to somebody who is known ends the passkeys and sessions of before', async () => {
    const { id, code } = await invite(node.exchange);
    const first = done(await openByCode(node.exchange, code));
    const session = done(await enrolPasskey(node.exchange, first, passkey('lost')));
    const again = done(await renewLiaison(node.exchange, { id, invite: true })).invitation?.code ?? '';
    done(await readSession(node.exchange, session.secret));
    done(await enrolPasskey(node.exchange, done(await openByCode(node.exchange, again)), passkey('found')));
    expect(await findPasskey(node.exchange, Buffer.from('lost'))).toBeUndefined();
    expect(codeOf(await readSession(node.exchange, session.secret))).toBe('session-ended');
  });

  test('is not used up by what is refused', async () => {
    const taken = await invite(node.exchange);
    const digest = done(await openByCode(node.exchange, taken.code));
    done(await enrolSubject(node.exchange, digest, sub('taken'), {}));
    const other = done(await openByCode(node.exchange, (await invite(node.exchange)).code));
    expect(codeOf(await enrolSubject(node.exchange, other, sub('taken'), {}))).toBe('sign-in-refused');
    expect(await findSubject(node.exchange, sub('taken'))).toBe(taken.id);
    const claimed = { jurisdictions: ['FR'] };
    expect(codeOf(await enrolSubject(node.exchange, other, sub('free'), { claimed }))).toBe('accreditation-ended');
    expect(await findSubject(node.exchange, sub('free'))).toBeUndefined();
    expect(codeOf(await enrolSubject(node.exchange, other, sub('free'), {}))).toBe('done');
  });

  test('is kept as a digest that needs the key of the node', async () => {
    const { code } = await invite(node.exchange);
    const rows = await node.exchange.store.db.selectFrom('liaison_invitation').selectAll().execute();
    expect(JSON.stringify(rows.map(({ digest }) => digest.toString('base64url')))).not.toContain(code);
    expect(node.logged()).not.toContain(code);
  });
});

describe('a session', () => {
  test('says who is there, and what may be seen', async () => {
    const { id } = await invite(node.exchange);
    const { secret: cookie } = await signIn(id, { claimed: { jurisdictions: ['NL', 'FR'] } });
    const { name, unit, agency } = accredited;
    const session = done(await readSession(node.exchange, cookie));
    expect(session).toMatchObject({ id, name, unit, agency, jurisdictions: ['NL'], lastVisit: undefined });
    now += 9 * HOUR;
    expect((await signIn(id)).session.lastVisit).toEqual(new Date(now - 9 * HOUR));
  });

  test('after a break goes on with the visit, and what was new when that began is new still', async () => {
    const { id } = await invite(node.exchange);
    await signIn(id);
    now += 10 * HOUR;
    const yesterday = (await signIn(id)).session.lastVisit;
    expect(yesterday).toEqual(new Date(now - 10 * HOUR));
    now += HOUR;
    expect((await signIn(id)).session.lastVisit).toEqual(yesterday);
  });

  test('ends after 15 minutes without a request', async () => {
    const { secret: cookie } = await signIn((await invite(node.exchange)).id);
    for (let look = 0; look < 4; look += 1) {
      now += 15 * MINUTE - 1;
      done(await readSession(node.exchange, cookie));
    }
    now += 15 * MINUTE;
    expect(codeOf(await readSession(node.exchange, cookie))).toBe('session-ended');
    now -= 10 * MINUTE;
    expect(codeOf(await readSession(node.exchange, cookie))).toBe('session-ended');
  });

  test('ends after 8 hours, whatever is done', async () => {
    const { secret: cookie } = await signIn((await invite(node.exchange)).id);
    for (let look = 0; look < 47; look += 1) {
      now += 10 * MINUTE;
      done(await readSession(node.exchange, cookie));
    }
    now += 10 * MINUTE;
    expect(codeOf(await readSession(node.exchange, cookie))).toBe('session-ended');
  });

  test('fixation: what a browser came with names no session after the sign-in', async () => {
    const { id } = await invite(node.exchange);
    const planted = 'A'.repeat(43);
    const first = await signIn(id, { presented: planted });
    expect(first.secret).not.toBe(planted);
    expect(codeOf(await readSession(node.exchange, planted))).toBe('session-ended');
    const second = await signIn(id, { presented: first.secret });
    expect(codeOf(await readSession(node.exchange, first.secret))).toBe('session-ended');
    expect(codeOf(await readSession(node.exchange, second.secret))).toBe('done');
  });

  test('stolen: after its revocation it shows nothing, and the first attempt is recorded', async () => {
    const { id } = await invite(node.exchange);
    const [one, other] = [await signIn(id), await signIn(id)];
    await endSession(node.exchange, one.secret);
    expect(codeOf(await readSession(node.exchange, other.secret))).toBe('done');
    expect(await endAllSessions(node.exchange, id)).toBe(1);
    for (const { secret: cookie } of [one, other, one])
      expect(codeOf(await readSession(node.exchange, cookie))).toBe('session-ended');
    expect(await refusals(id)).toEqual([
      ['session-ended', 'signed-out'],
      ['session-ended', 'revoked'],
    ]);
  });

  test('has another secret after a sign-in anew, for its own liaison alone', async () => {
    const { id } = await invite(node.exchange);
    const other = await invite(node.exchange, { name: 'B. Officer' });
    const { secret: before, session } = await signIn(id);
    expect(session.steppedUpAt).toBeUndefined();
    expect(codeOf(await stepUp(node.exchange, { session: session.session, liaison: other.id }))).toBe('session-ended');
    const after = done(await stepUp(node.exchange, { session: session.session, liaison: id }));
    expect(done(await readSession(node.exchange, after))).toMatchObject({
      session: session.session,
      steppedUpAt: new Date(now),
    });
    expect(codeOf(await readSession(node.exchange, before))).toBe('session-ended');
  });

  test('sees what a renewal leaves, at once', async () => {
    const { id } = await invite(node.exchange);
    const { secret: cookie } = await signIn(id);
    done(await renewLiaison(node.exchange, { id, jurisdictions: ['NL', 'FR'] }));
    expect(done(await readSession(node.exchange, cookie)).jurisdictions).toEqual(['NL']);
    done(await renewLiaison(node.exchange, { id, jurisdictions: ['FR'] }));
    expect(codeOf(await readSession(node.exchange, cookie))).toBe('accreditation-ended');
  });

  test('secrets are neither stored nor logged', async () => {
    const { secret: cookie } = await signIn((await invite(node.exchange)).id);
    const rows = await node.exchange.store.db.selectFrom('portal_session').selectAll().execute();
    expect(JSON.stringify(rows.map((row) => row.digest.toString('base64url')))).not.toContain(cookie);
    expect(node.logged()).not.toContain(cookie);
  });
});

describe('nothing is shown', () => {
  test('expired accreditation: neither to an open session nor at sign-in, and it is recorded', async () => {
    const { id } = await invite(node.exchange, { until: '2026-11-20' });
    now = Date.parse('2026-11-20T23:55:00Z');
    const { secret: cookie } = await signIn(id);
    now = Date.parse('2026-11-21T00:00:00Z');
    expect(codeOf(await readSession(node.exchange, cookie))).toBe('accreditation-ended');
    expect(codeOf(await beginSession(node.exchange, { liaison: id, method: 'passkey' }))).toBe('accreditation-ended');
    expect(await refusals(id)).toEqual([
      ['accreditation-ended', undefined],
      ['accreditation-ended', undefined],
    ]);
  });

  test('to who was suspended, until it is resumed, and then after a sign-in', async () => {
    const { id } = await invite(node.exchange);
    const { secret: cookie } = await signIn(id);
    expect(done(await suspendLiaison(node.exchange, { id, reason: 'left the unit' }))).toMatchObject({ sessions: 1 });
    expect(codeOf(await readSession(node.exchange, cookie))).toBe('session-ended');
    expect(codeOf(await beginSession(node.exchange, { liaison: id, method: 'passkey' }))).toBe('accreditation-ended');
    expect(codeOf(await suspendLiaison(node.exchange, { id, reason: 'again' }))).toBe('state-conflict');
    expect(done(await resumeLiaison(node.exchange, id))).toMatchObject({ state: 'active' });
    expect(codeOf(await readSession(node.exchange, cookie))).toBe('session-ended');
    await signIn(id);
  });

  test('after 90 days without use, which the upkeep writes down', async () => {
    const { id } = await invite(node.exchange);
    await signIn(id);
    now += 90 * DAY - 1;
    await suspendUnused(node.exchange);
    expect((await listLiaisons(node.exchange)).items.find((one) => one.id === id)).toMatchObject({ state: 'active' });
    now += 1;
    expect(codeOf(await beginSession(node.exchange, { liaison: id, method: 'passkey' }))).toBe('accreditation-ended');
    await suspendUnused(node.exchange);
    const listed = (await listLiaisons(node.exchange)).items.find((one) => one.id === id);
    expect(listed).toMatchObject({ state: 'suspended', reason: 'unused for 90 days', due: ['suspended'] });
    done(await resumeLiaison(node.exchange, id));
    await signIn(id);
  });
});

describe('settings of the portal', () => {
  const here = { issuer: 'http://127.0.0.1:8440', portal: { host: '127.0.0.1', port: 8442 } };
  const there = { ...here, issuer: 'https://node.example' };
  const oidc = { oidcIssuer: 'https://login.example', oidcClientId: 'caseref' };

  test('on this machine are made, elsewhere said', () => {
    expect(settlePortal(here)).toEqual({ origin: 'http://localhost:8442' });
    expect(settlePortal(there)).toEqual({});
    const origin = 'https://portal.example';
    expect(settlePortal(there, { origin, ...oidc })).toMatchObject({ origin, oidc: { clientId: 'caseref' } });
  });

  test.each([
    ['a path', { origin: 'https://portal.example/' }],
    ['no TLS', { origin: 'http://portal.example' }],
    ['an address', { origin: 'https://192.0.2.1' }],
    ['a provider without a client id', { origin: 'https://portal.example', oidcIssuer: 'https://login.example' }],
    ['a provider without TLS', { origin: 'https://portal.example', ...oidc, oidcIssuer: 'http://login.example' }],
    ['a provider and no origin', oidc],
    [
      'two secrets',
      { origin: 'https://portal.example', ...oidc, oidcClientSecret: secret('x'), oidcClientSecretFile: '/x' },
    ],
  ])('are refused with %s', (_name, given) => expect(codeOf(settlePortal(there, given))).toBe('setting-invalid'));
});

// Last in this file: from here on two operators are registered.
describe('with two operators', () => {
  const [ada, ben] = [person('ada'), person('ben')];
  beforeAll(() => register(node.exchange, ada, ben));

  test('an accreditation waits for the second, who is told the invitation', async () => {
    expect(codeOf(await inviteLiaison(node.exchange, accredited))).toBe('operator-required');
    const id = node.exchange.chance.uuid4();
    const made = done(
      await actAs(node.exchange, ada, (signing) => inviteLiaison(node.exchange, { ...accredited, id }, { signing })),
    );
    expect(made).toMatchObject({ state: 'pending', author: 'ada' });
    expect(made).not.toHaveProperty('invitation');
    expect(codeOf(await beginSession(node.exchange, { liaison: id, method: 'passkey' }))).toBe('not-found');
    expect((await listLiaisons(node.exchange)).items[0]).toMatchObject({ id, state: 'pending', unit: accredited.unit });
    const { digest } = made;
    const waiting = (await listWaiting(node.exchange)).find(({ subject }) => subject === id);
    expect(waiting?.approve).toBe(`caseref liaison approve ${id} --digest ${digest} --operator FILE`);
    const own = await actAs(node.exchange, ada, (signing) => approveLiaison(node.exchange, { id }, signing));
    expect(codeOf(own)).toBe('approval-own');
    const wrong = await actAs(node.exchange, ben, (signing) =>
      approveLiaison(node.exchange, { id, digest: 'S256:x' }, signing),
    );
    expect(codeOf(wrong)).toBe('state-conflict');
    const approved = done(
      await actAs(node.exchange, ben, (signing) => approveLiaison(node.exchange, { id, digest }, signing)),
    );
    expect(approved).toMatchObject({ state: 'active', author: 'ada', approver: 'ben' });
    expect(codeOf(await openByCode(node.exchange, approved.invitation?.code ?? ''))).toBe('done');
  });

  test('one suspends, and two resume', async () => {
    const { items } = await listLiaisons(node.exchange);
    const { id = '' } = items.find(({ state }) => state === 'active') ?? {};
    done(await suspendLiaison(node.exchange, { id, reason: 'device lost' }));
    const first = done(await actAs(node.exchange, ada, (signing) => resumeLiaison(node.exchange, id, signing)));
    expect(first.state).toBe('pending');
    expect(codeOf(await beginSession(node.exchange, { liaison: id, method: 'passkey' }))).toBe('accreditation-ended');
    const second = done(await actAs(node.exchange, ben, (signing) => resumeLiaison(node.exchange, id, signing)));
    expect(second).toMatchObject({ state: 'active', author: 'ada', approver: 'ben' });
  });
});
