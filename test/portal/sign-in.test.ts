import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { secret } from '../../src/config.ts';
import { inviteLiaison } from '../../src/exchange/liaison/accredit.ts';
import { beginSession } from '../../src/exchange/liaison/session.ts';
import { portalListener } from '../../src/portal/listener.ts';
import { ownPath } from '../../src/portal/sign-in/form.ts';
import { createIdentityProvider } from '../../src/portal/sign-in/identity-provider.ts';
import { isOwnRequest } from '../../src/portal/sign-in/same-origin.ts';
import { doorOf } from '../../src/portal/sign-in/sign-in.ts';
import { createIdentityFetch } from '../../src/transport/identity-fetch.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { client, type TestProvider, testProvider } from '../support/identity-provider.ts';
import { accredited, done, invite } from '../support/liaisons.ts';
import { caseOf, pathOf } from '../support/portal.ts';
import { storePast } from '../support/stored-past.ts';

const origin = 'http://localhost:8442';
const callback = `${origin}/sign-in/oidc/callback`;

let node: TestExchange;
let provider: TestProvider;
let app: FastifyInstance;
beforeAll(async () => {
  node = await testExchange({ issuer: 'http://127.0.0.1:8440', clock: () => Date.parse('2026-11-20T12:00:00Z') });
  provider = await testProvider(callback);
  const oidc = {
    issuer: provider.issuer,
    clientId: client.id,
    clientSecret: secret(client.secret),
    unitClaim: undefined,
    jurisdictionClaim: 'countries',
    loopback: true,
  };
  const { exchange } = node;
  app = await portalListener({ exchange, healthy: async () => true, ...doorOf({ exchange, origin, oidc }) });
});
afterAll(async () => {
  await app.close();
  await provider.close();
  await node.close();
});

/** The cookies of one browser, as `name=value`. */
class Browser {
  readonly jar = new Map<string, string>();

  async ask(method: 'GET' | 'POST', url: string, form: Record<string, string> = {}, headers: object = {}) {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const posting = { origin, 'content-type': 'application/x-www-form-urlencoded' };
    const sent = Object.entries({ cookie, ...(method === 'POST' && posting), ...headers }).filter(([, value]) => value);
    const payload = method === 'POST' ? { payload: new URLSearchParams(form).toString() } : {};
    const answer = await app.inject({ method, url, headers: Object.fromEntries(sent), ...payload });
    for (const { name, value, maxAge } of answer.cookies)
      if (maxAge === 0) this.jar.delete(name);
      else this.jar.set(name, value);
    return answer;
  }

  /** Signs in at the provider, and gives the portal's answer. */
  async signIn(subject: string, start = '/sign-in/oidc'): Promise<LightMyRequestResponse> {
    const left = await this.ask('GET', start);
    const back = await provider.signIn(String(left.headers.location), subject);
    return this.ask('GET', back.slice(origin.length));
  }

  get session() {
    return this.jar.get('__Host-session');
  }
}

const refusedToday = async (code: string) => {
  const { db } = node.exchange.store;
  const row = await db
    .selectFrom('refusal_count')
    .select('n')
    .where('door', '=', 'portal')
    .where('code', '=', code)
    .executeTakeFirst();
  return row?.n ?? 0;
};

async function invited(browser: Browser, change: object = {}): Promise<string> {
  const { id, code } = await invite(node.exchange, change);
  expect((await browser.ask('POST', '/invitation', { code })).headers.location).toBe('/invitation/enrol');
  // Who pastes the whole address means the code in it.
  const whole = `https://portal.example/invitation#${code}`;
  expect((await browser.ask('POST', '/invitation', { code: whole })).headers.location).toBe('/invitation/enrol');
  return id;
}

describe('an agency’s identity provider', () => {
  test('redeems an invitation once, and signs in from then on', async () => {
    const browser = new Browser();
    const id = await invited(browser, { jurisdictions: ['NL', 'DE'] });
    provider.claims.set('officer-1', { countries: ['DE-BY', 'FR'] });
    const arrived = await browser.signIn('officer-1', '/invitation/oidc');
    expect(arrived.statusCode, arrived.body).toBe(200);
    expect(arrived.headers.refresh).toBe('0; url=/');
    const cookie = arrived.cookies.find(({ name }) => name === '__Host-session');
    expect(cookie).toMatchObject({ path: '/', secure: true, httpOnly: true, sameSite: 'Strict' });
    expect(cookie).not.toHaveProperty('domain');
    const later = new Browser();
    expect((await later.signIn('officer-1')).statusCode).toBe(200);
    const sessions = await node.exchange.store.db
      .selectFrom('portal_session')
      .selectAll()
      .where('liaison', '=', id)
      .execute();
    expect(sessions.map(({ jurisdictions }) => jurisdictions)).toEqual([['DE-BY'], ['DE-BY']]);
    expect((await later.ask('GET', '/')).statusCode).toBe(200);
  });

  test('signs in whom the operator linked, and nobody else', async () => {
    const subjectIssuer = provider.issuer;
    const made = done(await inviteLiaison(node.exchange, { ...accredited, subject: 'officer-2' }, { subjectIssuer }));
    expect(made.invitation).toBeUndefined();
    provider.claims.set('officer-2', { countries: 'NL' });
    expect((await new Browser().signIn('officer-2')).statusCode).toBe(200);
    const stranger = new Browser();
    provider.claims.set('officer-3', { countries: 'NL' });
    expect((await stranger.signIn('officer-3')).statusCode).toBe(403);
    expect(stranger.session).toBeUndefined();
  });

  test.each([
    ['claims of another country', { countries: ['FR'] }],
    ['no claim where one is asked for', {}],
    ['a claim that is no text', { countries: { NL: true } }],
  ])('leaves nothing to see with %s', async (_name, claims) => {
    provider.claims.set('officer-2', claims);
    const browser = new Browser();
    const answer = await browser.signIn('officer-2');
    expect([answer.statusCode, browser.session]).toEqual([403, undefined]);
    expect(answer.body).toContain('accreditation is not in force');
  });

  test('is believed only for what this browser asked: state, one use, nobody else’s answer', async () => {
    provider.claims.set('officer-2', { countries: 'NL' });
    const [own, other] = [new Browser(), new Browser()];
    const left = await own.ask('GET', '/sign-in/oidc');
    const url = new URL(String(left.headers.location));
    expect(url.searchParams.get('code_challenge_method')).toBe('S256');
    expect(url.searchParams.get('nonce')).toMatch(/^[\w-]{20,}$/);
    const back = (await provider.signIn(url.href, 'officer-2')).slice(origin.length);
    await other.ask('GET', '/sign-in/oidc');
    expect((await other.ask('GET', back)).statusCode).toBe(403);
    expect((await new Browser().ask('GET', back)).statusCode).toBe(403);
    const forged = new Browser();
    forged.jar.set('__Host-ceremony', own.jar.get('__Host-ceremony') ?? '');
    expect((await forged.ask('GET', back.replace(/iss=[^&]*/, 'iss=https%3A%2F%2Flogin.example'))).statusCode).toBe(
      403,
    );
    // The forged answer used the ceremony up: the true one is refused as well, and the next sign-in works.
    expect((await own.ask('GET', back)).statusCode).toBe(403);
    expect((await own.signIn('officer-2')).statusCode).toBe(200);
  });

  test.each(['state', 'nonce', 'verifier'])('is not believed with another %s than was asked with', async (name) => {
    provider.claims.set('officer-2', { countries: 'NL' });
    const browser = new Browser();
    const left = await browser.ask('GET', '/sign-in/oidc');
    const back = await provider.signIn(String(left.headers.location), 'officer-2');
    const { db } = node.exchange.store;
    const ceremony = db.updateTable('portal_ceremony').where('used_at', 'is', null).where('kind', '=', 'oidc');
    const other = { state: 'a'.repeat(43), nonce: 'a'.repeat(43), verifier: 'a'.repeat(43) };
    const { checks } = await db
      .selectFrom('portal_ceremony')
      .select('checks')
      .orderBy('begun_at', 'desc')
      .where('used_at', 'is', null)
      .where('kind', '=', 'oidc')
      .executeTakeFirstOrThrow();
    await ceremony.set({ checks: JSON.stringify({ ...checks, [name]: other[name as keyof typeof other] }) }).execute();
    expect((await browser.ask('GET', back.slice(origin.length))).statusCode).toBe(403);
    expect(browser.session).toBeUndefined();
  });

  test('is not asked at all where it names itself otherwise than it was configured', async () => {
    const way = createIdentityFetch(() => true);
    const settings = { issuer: `${provider.issuer}/`, clientId: client.id, loopback: true };
    const other = createIdentityProvider({ settings, origin, way, failed: () => {} });
    await expect(other.begin()).rejects.toThrow('another issuer');
    await way.close();
  });

  test('signs in anew within a session, under another secret', async () => {
    provider.claims.set('officer-2', { countries: 'NL' });
    const browser = new Browser();
    await browser.signIn('officer-2');
    const before = browser.session;
    const left = await browser.ask('GET', '/sign-in/confirm?to=/references');
    expect(new URL(String(left.headers.location)).searchParams.get('prompt')).toBe('login');
    const back = await provider.signIn(String(left.headers.location), 'officer-2');
    const confirmed = await browser.ask('GET', back.slice(origin.length));
    expect([confirmed.statusCode, confirmed.headers.refresh]).toEqual([200, '0; url=/references']);
    expect(browser.session).not.toBe(before);
    const row = await node.exchange.store.db
      .selectFrom('portal_session')
      .selectAll()
      .where('stepped_up_at', 'is not', null)
      .execute();
    expect(row).toHaveLength(1);
  });
});

describe('before the first whole address', () => {
  const start = Date.now();
  beforeAll(async () => {
    for (const subject of ['officer-8', 'officer-9'])
      done(await inviteLiaison(node.exchange, { ...accredited, subject }, { subjectIssuer: provider.issuer }));
  });
  afterEach(() => vi.useRealTimers());

  /** Signs in with a browser that stays signed in at the provider, and gives what it needs to go on. */
  async function officer() {
    provider.claims.set('officer-9', { countries: 'NL' });
    vi.useFakeTimers({ toFake: ['Date'], now: start });
    const [browser, jar] = [new Browser(), new Map<string, string>()];
    const left = await browser.ask('GET', '/sign-in/oidc');
    const back = await provider.signIn(String(left.headers.location), 'officer-9', jar);
    expect((await browser.ask('GET', back.slice(origin.length))).statusCode).toBe(200);
    const [id = ''] = await storePast(node.exchange, [{ reference: caseOf({ jurisdiction: { hosting: 'NL' } }) }]);
    const purpose = pathOf(node.exchange.self, id, '/purpose');
    const sent = await browser.ask('GET', purpose);
    expect(sent.headers.location).toBe(`/sign-in/confirm?to=${encodeURIComponent(purpose)}`);
    const confirm = await browser.ask('GET', String(sent.headers.location));
    vi.setSystemTime(start + 5 * 60_000);
    return { browser, jar, purpose, asked: new URL(String(confirm.headers.location)) };
  }

  test('who is signed in at the provider signs in there once more, and is led back to the case', async () => {
    const { browser, jar, purpose, asked } = await officer();
    expect([asked.searchParams.get('prompt'), asked.searchParams.get('max_age')]).toEqual(['login', '0']);
    const back = await provider.signIn(asked.href, 'officer-9', jar);
    const confirmed = await browser.ask('GET', back.slice(origin.length));
    expect([confirmed.statusCode, confirmed.headers.refresh]).toEqual([200, `0; url=${purpose}`]);
    expect((await browser.ask('GET', purpose)).statusCode).toBe(200);
  });

  test.each([
    ['that names no time of sign-in', undefined],
    ['of five minutes ago', '3600'],
  ])('an old sign-in %s is not taken for a new one, whatever was taken out of the address', async (_name, maxAge) => {
    const { browser, jar, purpose, asked } = await officer();
    asked.searchParams.delete('prompt');
    asked.searchParams.delete('max_age');
    if (maxAge !== undefined) asked.searchParams.set('max_age', maxAge);
    const before = await refusedToday('sign-in-refused');
    const back = await provider.signIn(asked.href, 'nobody is asked', jar);
    expect((await browser.ask('GET', back.slice(origin.length))).statusCode).toBe(403);
    expect(await refusedToday('sign-in-refused')).toBe(before + 1);
    expect((await browser.ask('GET', purpose)).headers.location).toContain('/sign-in/confirm');
  });

  test('a colleague’s sign-in is not one’s own', async () => {
    const { browser, purpose, asked } = await officer();
    provider.claims.set('officer-8', { countries: ['DE-BY'] });
    const back = await provider.signIn(asked.href, 'officer-8');
    expect((await browser.ask('GET', back.slice(origin.length))).statusCode).toBe(403);
    expect((await browser.ask('GET', purpose)).headers.location).toContain('/sign-in/confirm');
  });
});

describe('attempts that fail, and are recorded', () => {
  test.each([
    ['its own word', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbour under the same domain', { 'sec-fetch-site': 'same-site' }],
    ['an Origin of another site, by an old browser', { origin: 'https://evil.example' }],
    ['no Origin, by an old browser', { origin: undefined }],
  ])('cross-site POST: %s', async (_name, headers) => {
    const before = await refusedToday('cross-site-refused');
    const { id } = await invite(node.exchange);
    const browser = new Browser();
    browser.jar.set(
      '__Host-session',
      done(await beginSession(node.exchange, { liaison: id, method: 'passkey' })).secret,
    );
    expect((await browser.ask('POST', '/sign-out', {}, headers)).statusCode).toBe(403);
    expect((await browser.ask('GET', '/')).statusCode).toBe(200);
    expect(await refusedToday('cross-site-refused')).toBe(before + 1);
    expect((await browser.ask('POST', '/sign-out')).headers.location).toBe('/sign-in?out');
    expect((await browser.ask('GET', '/')).headers.location).toBe('/sign-in');
  });

  test('cookie fixation: what was planted is no session after the sign-in', async () => {
    provider.claims.set('officer-2', { countries: 'NL' });
    const browser = new Browser();
    const planted = 'A'.repeat(43);
    browser.jar.set('__Host-session', planted);
    await browser.signIn('officer-2');
    expect(browser.session).toMatch(/^[\w-]{43}$/);
    expect(browser.session).not.toBe(planted);
    const thief = new Browser();
    thief.jar.set('__Host-session', planted);
    expect((await thief.ask('GET', '/')).headers.location).toBe('/sign-in');
  });

  test('the session of before is over, although no browser sends a strict cookie with the provider’s answer', async () => {
    provider.claims.set('officer-2', { countries: 'NL' });
    const [browser, thief] = [new Browser(), new Browser()];
    await browser.signIn('officer-2');
    thief.jar.set('__Host-session', browser.session ?? '');
    const left = await browser.ask('GET', '/sign-in/oidc');
    const back = await provider.signIn(String(left.headers.location), 'officer-2');
    browser.jar.delete('__Host-session');
    expect((await browser.ask('GET', back.slice(origin.length))).statusCode).toBe(200);
    expect((await thief.ask('GET', '/')).headers.location).toBe('/sign-in');
    expect((await browser.ask('GET', '/')).statusCode).toBe(200);
  });

  test('a cookie that was sent twice is none', async () => {
    const { id } = await invite(node.exchange);
    const { secret: own } = done(await beginSession(node.exchange, { liaison: id, method: 'passkey' }));
    const cookie = (value: string) => app.inject({ url: '/', headers: { cookie: value } });
    expect((await cookie(`__Host-session=${own}`)).statusCode).toBe(200);
    expect((await cookie(`__Host-session=${own}; __Host-session=${own}`)).statusCode).toBe(303);
  });

  test('stolen session after revocation', async () => {
    provider.claims.set('officer-2', { countries: 'NL' });
    const [owner, thief] = [new Browser(), new Browser()];
    await owner.signIn('officer-2');
    thief.jar.set('__Host-session', owner.session ?? '');
    expect((await thief.ask('GET', '/')).statusCode).toBe(200);
    const before = await refusedToday('session-ended');
    await owner.ask('POST', '/sign-out');
    expect((await thief.ask('GET', '/')).headers.location).toBe('/sign-in');
    expect(await refusedToday('session-ended')).toBe(before + 1);
  });

  test('an unknown invitation', async () => {
    const before = await refusedToday('invitation-invalid');
    const browser = new Browser();
    expect((await browser.ask('POST', '/invitation', { code: 'B'.repeat(43) })).statusCode).toBe(403);
    expect((await browser.ask('GET', '/invitation/enrol')).statusCode).toBe(403);
    expect(await refusedToday('invitation-invalid')).toBe(before + 1);
  });

  test.each([
    ['no answer', {}],
    ['no JSON', { response: '{' }],
    [
      'an unknown passkey',
      {
        response: JSON.stringify({
          id: 'AAAA',
          rawId: 'AAAA',
          type: 'public-key',
          response: {},
          clientExtensionResults: {},
        }),
      },
    ],
  ])('a passkey sign-in with %s', async (_name, form) => {
    const browser = new Browser();
    await browser.ask('GET', '/sign-in/passkey');
    const before = await refusedToday('sign-in-refused');
    expect((await browser.ask('POST', '/sign-in/passkey', form as Record<string, string>)).statusCode).toBe(403);
    expect(await refusedToday('sign-in-refused')).toBe(before + 1);
  });
});

test('a page that says no referrer sends the origin null, and the browser’s word counts', () => {
  const post = (headers: object) =>
    isOwnRequest({ method: 'POST', headers: headers as Record<string, string> }, origin);
  expect(post({ 'sec-fetch-site': 'same-origin', origin: 'null' })).toBe(true);
  expect(post({ 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' })).toBe(false);
  expect(post({ 'sec-fetch-site': 'none' })).toBe(false);
  expect(post({ origin: 'null' })).toBe(false);
  expect(post({ origin })).toBe(true);
});

test.each(['//evil.example', '/\\evil.example', 'https://evil.example', '/a\r\nset-cookie: x', '/a?b', '', undefined])(
  'no step leads to %j',
  (path) => expect(ownPath(path)).toBeUndefined(),
);
test('a step leads to a case', () => {
  const path = '/references/https%3A%2F%2Fhotline-b.example/0190a1b2/purpose';
  expect(ownPath(path)).toBe(path);
});

test('pages of sign-in run the one script and connect to nothing', async () => {
  const page = await app.inject({ url: '/sign-in/passkey' });
  expect(page.headers['content-security-policy']).toContain("script-src 'self'");
  expect(page.headers['content-security-policy']).not.toContain('connect-src');
  expect(page.body.match(/<script/g)).toHaveLength(1);
  expect((await app.inject({ url: '/sign-in/passkey.js' })).headers['content-type']).toContain('text/javascript');
  expect((await app.inject({ url: '/sign-in' })).body).not.toContain('<script');
});
