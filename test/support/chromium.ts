import { accessSync, constants } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where a Chromium is on this machine; undefined where there is none. */
function chromiumPath(): string | undefined {
  return places.find(isRunnable);
}

/** Whether tests in a browser are left out: never where CI asks for them, and then a missing browser fails them. */
export const withoutBrowser = chromiumPath() === undefined && process.env.CASEREF_REQUIRE_BROWSER !== '1';

/** A headless Chromium that asks nobody for anything of its own accord. */
export async function startChromium(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error('there is no Chromium on this machine');
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath, args: ['--no-sandbox', ...quiet] });
}
