import type { FastifyInstance } from 'fastify';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { secret } from '../../src/config.ts';
import { inviteLiaison } from '../../src/exchange/liaison/accredit.ts';
import { portalListener } from '../../src/portal/listener.ts';
import { doorOf } from '../../src/portal/sign-in/sign-in.ts';
import { addAuthenticator } from '../support/authenticator.ts';
import { violations } from '../support/axe.ts';
import { inBrowser, startChromium, withoutBrowser } from '../support/chromium.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { client, type TestProvider, testProvider } from '../support/identity-provider.ts';
import { accredited, done, invite } from '../support/liaisons.ts';
import { caseOf, pathOf } from '../support/portal.ts';
import { freePort } from '../support/ports.ts';
import { storePast } from '../support/stored-past.ts';

// What an officer does from the first address to the last click, with the real sign-in: by a passkey, and by the agency's own account.

const DAY = 86_400_000;
const day = (from: number) => new Date(Date.now() + from * DAY).toISOString().slice(0, 10);
const officer = { ...accredited, jurisdictions: ['DE'], trained: day(-30), until: day(90) };

describe.skipIf(withoutBrowser)(inBrowser, () => {
  let node: TestExchange;
  let provider: TestProvider;
  let app: FastifyInstance;
  let browser: Browser;
  let origin: string;
  let id: string;
  let signedIn: Awaited<ReturnType<BrowserContext['storageState']>>;
  /** Every request that a page of the portal made. */
  const requests: string[] = [];

  beforeAll(async () => {
    const port = await freePort();
    origin = `http://localhost:${port}`;
    provider = await testProvider(`${origin}/sign-in/oidc/callback`);
    [node, browser] = await Promise.all([
      testExchange({ issuer: 'http://127.0.0.1:8440', clock: Date.now }),
      startChromium(),
    ]);
    const oidc = {
      issuer: provider.issuer,
      clientId: client.id,
      clientSecret: secret(client.secret),
      jurisdictionClaim: 'countries',
      loopback: true,
    };
    const { exchange } = node;
    app = await portalListener({ exchange, healthy: async () => true, ...doorOf({ exchange, origin, oidc }) });
    await app.listen({ host: '127.0.0.1', port });
    const others = Array.from({ length: 3 }, () => ({ reference: caseOf() }));
    const urgency = { level: 'emergency', code: 'live-now' };
    const reference = caseOf({ url: 'https://story.host.example/whole/path', urgency });
    [id = ''] = await storePast(exchange, [{ reference }, ...others]);
  });
  afterAll(async () => {
    await browser?.close();
    await app?.close();
    await provider?.close();
    await node?.close();
  });

  async function open(given: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context = await browser.newContext(given);
    context.setDefaultTimeout(10_000);
    const page = await context.newPage();
    page.on('request', (request) => {
      if (page.url().startsWith(origin)) requests.push(request.url());
    });
    return page;
  }

  const here = (page: Page) => new URL(page.url()).pathname;
  const scripts = (page: Page) => page.locator('script').count();

  test('an invitation, a passkey, and the same passkey anew before the first whole address', async () => {
    const { code } = await invite(node.exchange, officer);
    const page = await open();
    await addAuthenticator(page);
    await page.goto(`${origin}/invitation#${code}`);
    expect(page.url()).toBe(`${origin}/invitation`);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('A. Officer').waitFor();
    await page.getByRole('button', { name: /^Make a passkey/ }).click();
    await page.waitForURL(`${origin}/`);
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Overview');
    expect(await scripts(page)).toBe(0);
    // Whoever finds the address of the invitation later finds nothing behind it.
    const later = await open();
    await later.goto(`${origin}/invitation#${code}`);
    await later.getByRole('button', { name: 'Continue' }).click();
    await later.getByText('was used').waitFor();
    await later.context().close();
    await page.goto(`${origin}${pathOf(node.exchange.self, id)}`);
    await page.getByRole('link', { name: 'Show the whole address' }).click();
    await page.waitForURL(/sign-in\/confirm/);
    expect(await page.locator('body').innerText()).not.toContain('whole/path');
    await page.getByRole('button', { name: /^Continue with/ }).click();
    await page.waitForURL(/\/purpose$/);
    signedIn = await page.context().storageState();
    await page.context().close();
  });

  test('overview, search, case, purpose, whole address and sign-out, with script switched off', async () => {
    const page = await open({ javaScriptEnabled: false, storageState: signedIn });
    await page.goto(`${origin}/`);
    expect(await page.locator('.urgent').innerText()).toContain('Emergencies: call first');
    await page.getByRole('link', { name: 'Search', exact: true }).click();
    await page.getByLabel('Urgency').selectOption('Emergency');
    await page.getByRole('button', { name: 'Show cases' }).click();
    await page.getByText('1 case on this page').waitFor();
    await page.getByLabel('Host', { exact: true }).fill('story.host.example');
    await page.getByRole('button', { name: 'Find Host' }).click();
    await page.waitForURL(/find=/);
    expect(page.url()).not.toContain('story');
    await page.getByRole('link', { name: new RegExp(id) }).click();
    await page.getByRole('link', { name: 'Show the whole address' }).click();
    await page.waitForURL(/\/purpose$/);
    await page.getByRole('button', { name: /^State purpose/ }).click();
    await page.getByRole('alert').getByText('Choose a purpose.').waitFor();
    await page.getByLabel('Victim identification').check();
    await page.getByLabel('Your own case number').fill('K12/2026-5');
    await page.getByRole('button', { name: /^State purpose/ }).click();
    await page.waitForURL(/\/address$/);
    expect(await page.locator('.whole').innerText()).toBe('hxxps://story[.]host[.]example/whole/path');
    await page.getByRole('link', { name: /^Hide the address/ }).click();
    await page.getByText('K12/2026-5').waitFor();
    await page.getByRole('link', { name: 'Check that it is genuine' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${origin}/sign-in?out`);
    await page.goto(`${origin}${pathOf(node.exchange.self, id)}`);
    expect(here(page)).toBe('/sign-in');
    await page.getByRole('link', { name: 'Sign in with a passkey' }).click();
    expect(await page.locator('noscript').textContent()).toContain('This page needs JavaScript');
    await page.context().close();
  });

  test('an agency’s own account: there and back, with no cookie for any other site', async () => {
    const { exchange } = node;
    done(await inviteLiaison(exchange, { ...officer, subject: 'officer-9' }, { subjectIssuer: provider.issuer }));
    provider.claims.set('officer-9', { countries: ['DE'] });
    const page = await open();
    await page.goto(`${origin}/sign-in`);
    await page.getByRole('link', { name: 'Sign in with your agency’s account' }).click();
    await page.waitForURL(`${provider.issuer}/**`);
    await page.locator('input[name="login"]').fill('officer-9');
    await page.locator('input[name="password"]').fill('invented');
    await page.getByRole('button', { name: /sign-?in/i }).click();
    await page.getByRole('button', { name: /continue/i }).click();
    await page.waitForURL(`${origin}/`);
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Overview');
    const cookies = await page.context().cookies(origin);
    const session = cookies.find(({ name }) => name === '__Host-session');
    expect(session).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Strict', path: '/' });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${origin}/sign-in?out`);
    await page.context().close();
  });

  test('axe finds nothing on any page of sign-in, in either scheme; the one script is on those that reach a device', async () => {
    const { code } = await invite(node.exchange, { ...officer, name: 'B. Officer' });
    const page = await open({ bypassCSP: true });
    const schemes = async (name: string, runs: number) => {
      const seen = [];
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        seen.push(...(await violations(page)));
      }
      expect({ name, seen, scripts: await scripts(page) }).toEqual({ name, seen: [], scripts: runs });
    };
    await page.goto(`${origin}/sign-in`);
    await schemes('sign-in', 0);
    await page.goto(`${origin}/sign-in/passkey`);
    await schemes('passkey', 1);
    await page.goto(`${origin}/invitation#never-made`);
    await schemes('invitation', 1);
    // Pasted over the first: the page stays, and takes the new one.
    await page.goto(`${origin}/invitation#never-made-either`);
    expect([await page.getByLabel('Code of the invitation').inputValue(), page.url()]).toEqual([
      'never-made-either',
      `${origin}/invitation`,
    ]);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForLoadState();
    await schemes('refused', 0);
    await page.goto(`${origin}/invitation#${code}`);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('B. Officer').waitFor();
    await schemes('enrol', 1);
    await addAuthenticator(page);
    await page.getByRole('button', { name: /^Make a passkey/ }).click();
    await page.waitForURL(`${origin}/`);
    await page.goto(`${origin}/sign-in/confirm?to=/account`);
    await schemes('confirm', 1);
    await page.context().close();
  });

  test('of all that a page of the portal asked for, nothing went elsewhere', () => {
    const elsewhere = requests.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith(`${provider.issuer}/`));
    expect([requests.length > 30, elsewhere]).toEqual([true, []]);
    expect([...new Set(requests.filter((url) => url.endsWith('.js')))]).toEqual([`${origin}/sign-in/passkey.js`]);
  });
});
