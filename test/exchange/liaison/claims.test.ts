import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRefusal } from '../../../src/domain/refusal.ts';
import { approveLiaison, renewLiaison } from '../../../src/exchange/liaison/accredit.ts';
import { beginCeremony } from '../../../src/exchange/liaison/ceremony.ts';
import { enrolPasskey, enrolSubject, findSubject } from '../../../src/exchange/liaison/enrol.ts';
import { openByCode } from '../../../src/exchange/liaison/invitation.ts';
import { beginSession, readSession, stepUp } from '../../../src/exchange/liaison/session.ts';
import { forgetUnfinished } from '../../../src/exchange/liaison/suspension.ts';
import { type TestExchange, testExchange } from '../../support/exchange.ts';
import { accredited, done, invite } from '../../support/liaisons.ts';
import { actAs, person, register } from '../../support/operators.ts';

// What an identity provider, a device and an old paper say of a liaison must never widen what is in force.

let now = Date.parse('2026-11-20T12:00:00Z');
let node: TestExchange;
beforeAll(async () => {
  node = await testExchange({ issuer: 'https://hotline-a.example', clock: () => now });
});
afterAll(() => node.close());

const codeOf = (answer: unknown) => (isRefusal(answer) ? answer.code : 'done');
const idp = 'https://login.example';
const digestOf = async (code: string) => {
  const digest = await openByCode(node.exchange, code);
  if (isRefusal(digest)) throw new Error(digest.code);
  return digest;
};
const passkey = (name: string) => ({
  id: Buffer.from(name),
  publicKey: Buffer.from('key'),
  counter: 0,
  transports: [],
  backedUp: false,
});

describe('claims of a provider that is careless or means harm', () => {
  test.each([
    ['a place of our own making', { jurisdictions: ['DE-BY/national', 'NL/national'] }],
    ['a place that is none', { jurisdictions: ['NL-\u0000', 'NL-', 'DE-BY-', 'NL-utrecht'] }],
    ['a part of a unit with a line end', { unit: `${accredited.unit}/x\ny` }],
    ['a part of a unit that the store takes for no text', { unit: `${accredited.unit}/\u0000` }],
    ['a part of a unit as long as a book', { unit: `${accredited.unit}/${'x'.repeat(5000)}` }],
  ])('%s leaves nothing to see, and nothing fails', async (_name, claimed) => {
    const { id } = await invite(node.exchange, { jurisdictions: ['NL', 'DE'] });
    const begun = await beginSession(node.exchange, { liaison: id, method: 'oidc', claimed });
    expect(codeOf(begun)).toBe('accreditation-ended');
  });

  test('a state of a nation, and a part of the unit, narrow as ever', async () => {
    const { id } = await invite(node.exchange);
    const claimed = { jurisdictions: ['NL-NH', 'NL/national', 'DE-BY'], unit: `${accredited.unit}/Night` };
    const { session } = done(await beginSession(node.exchange, { liaison: id, method: 'oidc', claimed }));
    expect([session.jurisdictions, session.unit]).toEqual([['DE-BY', 'NL-NH'], claimed.unit]);
  });
});

describe('who signs in anew at a provider that says less by now', () => {
  const begin = async () => {
    const { id } = await invite(node.exchange);
    const { session, secret } = done(await beginSession(node.exchange, { liaison: id, method: 'oidc', claimed: {} }));
    return { id, session: session.session, secret };
  };

  test('sees less from then on', async () => {
    const { id, session } = await begin();
    const claimed = { jurisdictions: ['DE'], unit: accredited.unit };
    const secret = done(await stepUp(node.exchange, { session, liaison: id, claimed }));
    expect(done(await readSession(node.exchange, secret)).jurisdictions).toEqual(['DE-BY']);
  });

  test('and who is left with nothing is signed out', async () => {
    const { id, session, secret } = await begin();
    const refused = await stepUp(node.exchange, { session, liaison: id, claimed: { jurisdictions: ['FR'] } });
    expect(codeOf(refused)).toBe('accreditation-ended');
    expect(codeOf(await readSession(node.exchange, secret))).toBe('session-ended');
  });
});

test('a passkey that was revoked is not enrolled again, and the invitation stays open', async () => {
  const { id, code } = await invite(node.exchange);
  done(await enrolPasskey(node.exchange, await digestOf(code), passkey('the same')));
  const renewed = done(await renewLiaison(node.exchange, { id, invite: true }));
  const again = await digestOf(renewed.invitation?.code ?? '');
  expect(codeOf(await enrolPasskey(node.exchange, again, passkey('the same')))).toBe('sign-in-refused');
  done(await enrolPasskey(node.exchange, again, passkey('another')));
});

test('sign-ins that were not finished are forgotten once nobody can answer them', async () => {
  await beginCeremony(node.exchange, { kind: 'passkey', challenge: 'x' });
  const waiting = () => node.exchange.store.db.selectFrom('portal_ceremony').select('kind').execute();
  await forgetUnfinished(node.exchange);
  expect(await waiting()).toHaveLength(1);
  now += 10 * 60_000;
  await forgetUnfinished(node.exchange);
  expect(await waiting()).toEqual([]);
});

// Last in this file: from here on two operators are registered.
describe('a renewal that waits while its liaison enrols anew', () => {
  const [ada, ben] = [person('ada'), person('ben')];

  test('neither links again whom a passkey took the place of, nor unlinks who was linked since', async () => {
    const [old, late] = [await invite(node.exchange), await invite(node.exchange)];
    done(await enrolSubject(node.exchange, await digestOf(old.code), { issuer: idp, subject: 'old' }, {}));
    const { invitation } = done(await renewLiaison(node.exchange, { id: old.id, invite: true }));
    await register(node.exchange, ada, ben);
    const until = '2027-07-01';
    for (const { id } of [old, late])
      done(await actAs(node.exchange, ada, (signing) => renewLiaison(node.exchange, { id, until }, { signing })));
    done(await enrolPasskey(node.exchange, await digestOf(invitation?.code ?? ''), passkey('new')));
    done(await enrolSubject(node.exchange, await digestOf(late.code), { issuer: idp, subject: 'late' }, {}));
    for (const { id } of [old, late])
      expect(
        done(await actAs(node.exchange, ben, (signing) => approveLiaison(node.exchange, { id }, signing))),
      ).toMatchObject({ state: 'active', until });
    expect(await findSubject(node.exchange, { issuer: idp, subject: 'old' })).toBeUndefined();
    expect(await findSubject(node.exchange, { issuer: idp, subject: 'late' })).toBe(late.id);
  });
});
