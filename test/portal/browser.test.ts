import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startChromium, withoutBrowser } from '../support/chromium.ts';
import { caseOf, pathOf, type TestPortal, testPortal } from '../support/portal.ts';

describe.skipIf(withoutBrowser)('in Chromium (left out where none is found, unless CASEREF_REQUIRE_BROWSER=1)', () => {
  let at: TestPortal;
  let browser: Browser;
  let id: string;
  beforeAll(async () => {
    at = await testPortal();
    browser = await startChromium();
    await at.store(
      Array.from({ length: 60 }, (_, n) => ({
        reference: caseOf({ urgency: { level: n === 0 ? 'emergency' : 'routine' } }),
      })),
    );
    id = await at.push(
      caseOf({ url: 'https://browser.host.example/whole/path', features: ['self-generated'] }) as never,
    );
    await at.post('/account/saved', { category: 'csam' });
  });
  afterAll(async () => {
    await browser?.close();
    await at?.close();
  });

  /** A context without script: every page has to work so. `axe` runs in an isolated one that the page's policy does not bind. */
  async function open(given: { scheme?: 'light' | 'dark'; width?: number; script?: boolean }): Promise<BrowserContext> {
    const context = await browser.newContext({
      colorScheme: given.scheme ?? 'light',
      viewport: { width: given.width ?? 1100, height: 800 },
      javaScriptEnabled: given.script ?? false,
      bypassCSP: given.script ?? false,
    });
    await context.addCookies([{ name: 'as', value: 'german', url: at.address }]);
    return context;
  }

  const paths = () => {
    const to = (page: string) => pathOf(at.partner.issuer, id, page);
    return [
      '/',
      '/references',
      to(''),
      to('/purpose'),
      to('/address'),
      to('/genuine'),
      '/partners',
      '/statistics',
      '/account',
      '/references/a/b',
    ];
  };

  test('from the overview by search, case and purpose to the address, by the keyboard alone, without script and without a request elsewhere', async () => {
    const context = await open({});
    const page = await context.newPage();
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(`${at.address}/`)) elsewhere.push(request.url());
    });
    page.setDefaultTimeout(5000);
    await page.goto(`${at.address}/`);
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Skip to main content');
    await press(page, 'Search', 'Enter');
    await page.waitForURL(/references/);
    await press(page, new RegExp(id), 'Enter');
    await page.waitForURL(new RegExp(`${id}$`));
    expect(await page.locator('body').innerText()).not.toContain('whole/path');
    await press(page, 'Show the whole address', 'Enter');
    await page.waitForURL(/purpose$/);
    await tabTo(page, 'Review of a referral');
    await page.keyboard.press('ArrowDown');
    await press(page, 'State purpose and show the address', 'Enter');
    await page.waitForURL(/address$/);
    expect(await page.locator('.whole').innerText()).toBe('hxxps://browser[.]host[.]example/whole/path');
    expect(await page.locator('a[href*="browser"], img, iframe, script, video').count()).toBe(0);
    await press(page, 'Hide the address: back to the case', 'Enter');
    await page.waitForURL(new RegExp(`${id}$`));
    expect(elsewhere).toEqual([]);
    await context.close();
  });

  test.each(['light', 'dark'] as const)('axe finds nothing on any page in the %s scheme', async (scheme) => {
    const context = await open({ scheme, script: true });
    const page = await context.newPage();
    for (const path of paths()) {
      await page.goto(`${at.address}${path}`);
      await page.evaluate(axe.source);
      const found = (await page.evaluate(
        'axe.run().then((result) => result.violations.map(({ id, nodes }) => id + " " + nodes.map((node) => node.html).join(" ")))',
      )) as string[];
      expect({ path, found }).toEqual({ path, found: [] });
    }
    await context.close();
  });

  test('nothing is cut off or scrolls sideways at 320 pixels, which is also 400 % of 1280', async () => {
    const context = await open({ width: 320, script: true });
    const page = await context.newPage();
    for (const path of paths()) {
      await page.goto(`${at.address}${path}`);
      const width = await page.evaluate('document.documentElement.scrollWidth');
      expect({ path, width }).toEqual({ path, width: 320 });
    }
    await context.close();
  });

  test('the browser obeys the policy: what a page could carry does not run', async () => {
    const context = await browser.newContext();
    await context.addCookies([{ name: 'as', value: 'german', url: at.address }]);
    const page = await context.newPage();
    const blocked: string[] = [];
    page.on('console', (message) => blocked.push(message.text()));
    await page.goto(`${at.address}/`);
    expect(blocked).toEqual([]);
    await page.addScriptTag({ content: 'document.title = "ran"' }).catch(() => undefined);
    expect([await page.title(), blocked.some((text) => text.includes('Content Security Policy'))]).toEqual([
      expect.stringContaining('Overview'),
      true,
    ]);
    await context.close();
  });
});

/** What has the focus, as it is called: asked of the page once, without waiting for a focus to come. */
async function focused(page: Page): Promise<string> {
  const script = `(() => { const at = document.activeElement; const label = at && at.id ? document.querySelector('label[for="' + at.id + '"]') : null; return ((label || at).textContent || '').trim(); })()`;
  return String(await page.evaluate(script));
}

/** Goes on by the tabulator until something is reached. */
async function tabTo(page: Page, wanted: string | RegExp): Promise<void> {
  for (let tries = 0; tries < 120; tries += 1) {
    await page.keyboard.press('Tab');
    const at = await focused(page);
    if (typeof wanted === 'string' ? at === wanted : wanted.test(at)) return;
  }
  throw new Error(`the keyboard never came to ${wanted}`);
}

async function press(page: Page, wanted: string | RegExp, key: string): Promise<void> {
  await tabTo(page, wanted);
  await page.keyboard.press(key);
}
