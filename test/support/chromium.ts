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

/** Where a Chromium is on this machine, which CASEREF_CHROMIUM may say; undefined where there is none. */
function chromiumPath(): string | undefined {
  return [process.env.CASEREF_CHROMIUM ?? '', ...places].find(isRunnable);
}

/** Whether tests in a browser are left out: never where CI asks for them, and then a missing browser fails them. */
export const withoutBrowser = chromiumPath() === undefined && process.env.CASEREF_REQUIRE_BROWSER !== '1';

/** What tests in a browser are called; says how to get one where they are left out. */
export const inBrowser = withoutBrowser
  ? 'in Chromium: SKIPPED, there is none here (Debian: apt-get install chromium; elsewhere CASEREF_CHROMIUM=/path/to/it)'
  : 'in Chromium';

/** A headless Chromium that asks nobody for anything of its own accord, and finds nobody but this machine. */
export async function startChromium(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined)
    throw new Error('there is no Chromium here: apt-get install chromium, or say where it is in CASEREF_CHROMIUM');
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const alone = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1';
  return chromium.launch({ executablePath, args: ['--no-sandbox', ...quiet, alone] });
}
