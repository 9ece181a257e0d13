import { sql } from 'kysely';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { violations } from '../support/axe.ts';
import { inBrowser, startChromium, withoutBrowser } from '../support/chromium.ts';
import { caseOf, pathOf, type TestPortal, testPortal } from '../support/portal.ts';

describe.skipIf(withoutBrowser)(inBrowser, () => {
  let at: TestPortal;
  let browser: Browser;
  let id: string;
  let eventful: string;
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
    eventful = await pushEventful(at);
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
      pathOf(at.partner.issuer, eventful),
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
      const found = await violations(page);
      expect({ path, found }).toEqual({ path, found: [] });
    }
    await page.goto(`${at.address}${pathOf(at.partner.issuer, eventful, '/purpose')}`);
    for (const [path, button] of [
      [undefined, /^State purpose/],
      ['/references', 'Find Exact address'],
    ] as const) {
      if (path !== undefined) await page.goto(`${at.address}${path}`);
      await page.getByRole('button', { name: button }).click();
      await page.getByRole('alert').waitFor();
      expect(await violations(page)).toEqual([]);
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

/** A case with all that a page can say about one: relayed words, codes of tomorrow, writing from right to left, long names. */
async function pushEventful({ node, partner, exchange, push }: TestPortal): Promise<string> {
  const contact = JSON.stringify({ desk: 'Nachtdienst '.repeat(6), emergencyPhone: '+49 30 23125 110', hours: '24/7' });
  await sql`update partner set contact = ${contact}::jsonb`.execute(exchange.store.db);
  const id = await push(caseOf({ urgency: { level: 'emergency', code: 'imminent-danger' } }) as never);
  const at = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString().replace('.000', '');
  const toldBy = { channel: 'phone', unit: 'وحدة حماية الطفل' };
  const claim = { scheme: 'a-scheme-of-tomorrow', version: '9', code: 'an-outcome-of-tomorrow', method: 'viewed', at };
  const deadline = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, '');
  const said: readonly (readonly [string, object])[] = [
    ['assessed', { ...claim, law: 'GB-SCT', toldBy }],
    ['acted', { action: 'an-action-of-tomorrow', at, standing: 'observed', seenFrom: 'NL' }],
    ['acted', { action: 'reappeared', at, standing: 'observed', reason: 'geo-blocked' }],
    ['clearance', { step: 'requested', deadline }],
  ];
  for (const [event, payload] of said) {
    const sub_id = { format: 'iss_sub', iss: partner.issuer, sub: id };
    const events = { [`urn:caseref:event:1:${event}`]: payload };
    const answer = await partner.push(node, partner.token(node, { sub_id, events }));
    if (!answer.ok) throw new Error(`${event} was refused: ${await answer.text()}`);
  }
  return id;
}

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
