import { expect, test } from 'vitest';
import { generateDescription, storedDescription } from '../support/openapi.ts';

test('schemas/openapi.json is what the routes say (else run: node test/support/openapi.ts)', async () => {
  expect(await storedDescription()).toBe(await generateDescription());
});

test('every reference in the description leads somewhere, and no path carries an address in its query', async () => {
  const text = await generateDescription();
  const description = JSON.parse(text);
  const targets = [...text.matchAll(/"\$ref": "([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(targets.length).toBeGreaterThan(20);
  for (const target of targets) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(target)?.[1] ?? '';
    expect(description.components.schemas, target).toHaveProperty(name);
  }
  expect(description.openapi).toBe('3.1.0');
  const names = JSON.stringify(description.paths).match(/"in":"query","name":"(\w+)"/g) ?? [];
  expect(names.some((name) => /limit/.test(name))).toBe(true);
  expect(names.filter((name) => /url|host/.test(name))).toEqual([]);
});
