import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** What axe finds wrong with the page as it stands, each with the markup that it is about. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(
    'axe.run().then((result) => result.violations.map(({ id, nodes }) => id + " " + nodes.map((node) => node.html).join(" ")))',
  );
  return found as string[];
}
