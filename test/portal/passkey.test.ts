import type { FastifyInstance } from 'fastify';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { renewLiaison } from '../../src/exchange/liaison/accredit.ts';
import { portalListener } from '../../src/portal/listener.ts';
import { doorOf } from '../../src/portal/sign-in/sign-in.ts';
import { addAuthenticator } from '../support/authenticator.ts';
import { startChromium, withoutBrowser } from '../support/chromium.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { done, invite } from '../support/liaisons.ts';
import { freePort } from '../support/ports.ts';

// A real browser with an authenticator that is made of software: what a liaison does, from the invitation on.

let node: TestExchange;
let app: FastifyInstance;
let browser: Browser;
let origin: string;
let context: BrowserContext;
let page: Page;
const requests: string[] = [];

beforeAll(async () => {
  if (withoutBrowser) return;
  [node, browser] = await Promise.all([
    testExchange({ issuer: 'http://127.0.0.1:8440', clock: () => Date.parse('2026-11-20T12:00:00Z') }),
    startChromium(),
  ]);
  const port = await freePort();
  origin = `http://localhost:${port}`;
  const { exchange } = node;
  app = await portalListener({ exchange, healthy: async () => true, ...doorOf({ exchange, origin }) });
  await app.listen({ host: '127.0.0.1', port });
  context = await browser.newContext();
  page = await context.newPage();
  page.on('request', (request) => requests.push(request.url()));
  await addAuthenticator(page);
}, 30_000);
afterAll(async () => {
  await browser?.close();
  await app?.close();
  await node?.close();
});

const cookie = async (name: string) => (await context.cookies(origin)).find((one) => one.name === name);
const here = () => new URL(page.url()).pathname;

test.skipIf(withoutBrowser)('invitation, passkey, session, sign-in anew, sign-out', { timeout: 40_000 }, async () => {
  const { id, code } = await invite(node.exchange);
  await page.goto(`${origin}/invitation#${code}`);
  expect(page.url()).toBe(`${origin}/invitation`);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('A. Officer').waitFor();
  await page.getByRole('button', { name: /^Make a passkey/ }).click();
  await page.waitForURL(`${origin}/`);
  const first = await cookie('__Host-session');
  expect(first).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Strict', path: '/', expires: -1 });
  expect(await cookie('__Host-ceremony')).toBeUndefined();

  await page.goto(`${origin}/sign-in/confirm?to=/account`);
  await page.getByRole('button', { name: /^Continue with/ }).click();
  await page.waitForURL(`${origin}/account`);
  expect((await cookie('__Host-session'))?.value).not.toBe(first?.value);
  expect(await page.evaluate('document.cookie')).toBe('');

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL(`${origin}/sign-in?out`);
  expect(await cookie('__Host-session')).toBeUndefined();
  await page.goto(`${origin}/account`);
  expect(here()).toBe('/sign-in');
  await page.getByRole('link', { name: 'Sign in with a passkey' }).click();
  const answer = page.waitForRequest((request) => request.method() === 'POST');
  await page.getByRole('button', { name: /^Continue with/ }).click();
  const answered = await answer;
  await page.waitForURL(`${origin}/`);

  // The same answer with the same cookie, by who has overheard both: its challenge was answered.
  const { cookie: sent = '', 'content-type': type = '' } = await answered.allHeaders();
  expect(sent).toContain('__Host-ceremony=');
  const replayed = await app.inject({
    method: 'POST',
    url: '/sign-in/passkey',
    payload: answered.postData() ?? '',
    headers: { cookie: sent, 'content-type': type, 'sec-fetch-site': 'same-origin' },
  });
  expect(replayed.statusCode).toBe(403);

  // The device is lost: a new invitation ends session and passkey of before.
  const again = done(await renewLiaison(node.exchange, { id, invite: true })).invitation?.code ?? '';
  const other = await browser.newContext();
  const elsewhere = await other.newPage();
  await addAuthenticator(elsewhere);
  await elsewhere.goto(`${origin}/invitation#${again}`);
  await elsewhere.getByRole('button', { name: 'Continue' }).click();
  await elsewhere.getByRole('button', { name: /^Make a passkey/ }).click();
  await elsewhere.waitForURL(`${origin}/`);
  await other.close();
  await page.goto(`${origin}/`);
  expect(here()).toBe('/sign-in');
  expect(await page.getByRole('status').innerText()).toMatch(/^Your session has ended/);
  expect(await cookie('__Host-session')).toBeUndefined();
  await page.goto(`${origin}/sign-in/passkey`);
  await page.getByRole('button', { name: /^Continue with/ }).click();
  await page.getByText('could not be verified').waitFor();
  expect(await cookie('__Host-session')).toBeUndefined();
  expect(requests.filter((url) => !url.startsWith(origin))).toEqual([]);
});

test.skipIf(withoutBrowser)(
  'an authenticator that does not know its owner makes no passkey',
  { timeout: 20_000 },
  async () => {
    const { code } = await invite(node.exchange, { name: 'B. Officer' });
    const other = await browser.newContext();
    const elsewhere = await other.newPage();
    const { verified } = await addAuthenticator(elsewhere);
    await verified(false);
    await elsewhere.goto(`${origin}/invitation#${code}`);
    await elsewhere.getByRole('button', { name: 'Continue' }).click();
    await elsewhere.getByRole('button', { name: /^Make a passkey/ }).click();
    await elsewhere.getByText('No passkey was made').waitFor();
    await other.close();
  },
);
