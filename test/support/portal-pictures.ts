import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { moveAbroad, outcomes } from '../../src/cli/demo/abroad.ts';
import { makeCast } from '../../src/cli/demo/cast.ts';
import { tellHost } from '../../src/cli/demo/host.ts';
import { inviteVisitor, officerReads } from '../../src/cli/demo/officer.ts';
import { expectations, importSample, introductions } from '../../src/cli/demo/story.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { addAuthenticator } from './authenticator.ts';
import { startChromium } from './chromium.ts';

// Pictures of every page of the demonstration's portal, for people to look at: node test/support/portal-pictures.ts [FOLDER [PAGE]]

const [, , folder = 'test/pictures', only] = process.argv;

/** Each way of looking: what the context is made with, and what is emulated besides. */
const looks: Readonly<Record<string, BrowserContextOptions & { readonly print?: true }>> = {
  light: { viewport: { width: 1100, height: 800 } },
  dark: { viewport: { width: 1100, height: 800 }, colorScheme: 'dark' },
  narrow: { viewport: { width: 320, height: 640 } },
  zoomed: { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
  print: { viewport: { width: 794, height: 1123 }, print: true },
  forced: { viewport: { width: 1100, height: 800 }, forcedColors: 'active' },
};

const terminal = createTerminal({ stdout: process.stdout, stderr: process.stderr });
const cast = await makeCast();
const browser = await startChromium();
try {
  const found = expectations();
  await introductions(terminal, cast);
  await importSample(terminal, cast, found);
  const life = await tellHost(terminal, cast, found);
  await moveAbroad(terminal, cast, life, found);
  await outcomes(terminal, cast, life, found);
  const cases = await officerReads(terminal, cast, found);
  const invitation = new URL(await inviteVisitor(cast));
  await mkdir(folder, { recursive: true });
  const state = await signedIn(browser, invitation, cases.emergency);
  const { emergency, waiting } = cases;
  const paths: Readonly<Record<string, string>> = {
    overview: '/',
    search: '/references',
    nothing: '/references?category=grooming&urgency=emergency',
    wrong: '/references#wrong',
    'case-emergency': pathOf(emergency),
    'case-waiting': pathOf(waiting),
    'case-life': pathOf(life),
    purpose: pathOf(waiting, '/purpose'),
    'purpose-missing': `${pathOf(waiting, '/purpose')}#missing`,
    address: pathOf(emergency, '/address'),
    genuine: pathOf(emergency, '/genuine'),
    partners: '/partners',
    statistics: '/statistics',
    account: '/account',
    'not-found': '/references/a/b',
    confirm: '/sign-in/confirm?to=/account',
  };
  for (const [name, { print, ...options }] of Object.entries(looks)) {
    const context = await browser.newContext({ ...options, storageState: state });
    const page = await context.newPage();
    if (print) await page.emulateMedia({ media: 'print' });
    for (const [what, path] of Object.entries(paths)) {
      // Forms are not printed, and what is wrong with one is not either.
      if ((only !== undefined && !what.startsWith(only)) || (print && path.includes('#'))) continue;
      await page.goto(`${invitation.origin}${path}`);
      if (path.endsWith('#wrong')) await page.getByRole('button', { name: /^Find Exact/ }).click();
      if (path.endsWith('#missing')) await page.getByRole('button', { name: /^State purpose/ }).click();
      await picture(page, `${what}-${name}`);
    }
    await context.close();
    const outside = await browser.newContext(options);
    const stranger = await outside.newPage();
    if (print) await stranger.emulateMedia({ media: 'print' });
    for (const path of ['/sign-in', '/sign-in/passkey', '/invitation']) {
      if (only !== undefined) continue;
      await stranger.goto(`${invitation.origin}${path}`);
      await picture(stranger, `${path.slice(1).replace('/', '-')}-${name}`);
    }
    await outside.close();
  }
} finally {
  await browser.close();
  await cast.leave();
}

/** Where the page of a case is. */
function pathOf({ originator, id }: { readonly originator: string; readonly id: string }, page = ''): string {
  return `/references/${encodeURIComponent(originator)}/${id}${page}`;
}

/** From the invitation to a session in which the purpose of looking at one case is stated; gives its cookies. */
async function signedIn(over: Browser, { origin, href }: URL, emergency: Parameters<typeof pathOf>[0]) {
  const context = await over.newContext({ viewport: { width: 1100, height: 800 } });
  const page = await context.newPage();
  await addAuthenticator(page);
  await page.goto(href);
  await page.getByRole('button', { name: 'Continue' }).click();
  await picture(page, 'enrol-light');
  await page.getByRole('button', { name: /^Make a passkey/ }).click();
  await page.waitForURL(`${origin}/`);
  await page.goto(`${origin}${pathOf(emergency, '/purpose')}`);
  await page.getByRole('button', { name: /^Continue with/ }).click();
  await page.waitForURL(/purpose$/);
  await page.getByLabel('Review of a referral').check();
  await page.getByRole('button', { name: /^State purpose/ }).click();
  await page.waitForURL(/address$/);
  const state = await context.storageState();
  await context.close();
  return state;
}

async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
