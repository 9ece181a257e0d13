import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { alerts } from '../src/domain/alert.ts';

// The README's table of alerts is what an operator at night has; it says what the node says.

test('the README lists every alert in the words that the node uses', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const [, table = ''] = /\| code \| meaning \| next \|\n\|---\|---\|---\|\n([\s\S]*?)\n\n/.exec(readme) ?? [];
  const rows = Object.entries(alerts).map(([code, { says, next }]) => `| \`${code}\` | ${says} | ${next} |`);
  expect(table.split('\n')).toEqual(rows);
});
