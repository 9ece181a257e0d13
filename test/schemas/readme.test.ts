import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventNames } from '../../src/domain/message.ts';
import { refusals } from '../../src/domain/refusal.ts';

const folder = new URL('../../schemas/', import.meta.url);
const readme = readFileSync(new URL('README.md', folder), 'utf8');

test('every refusal code stands in the protocol page', () => {
  expect(Object.keys(refusals).filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});

test('every event type that the node speaks stands in the protocol page', () => {
  expect(eventNames.filter((name) => !readme.includes(`| \`${name}\` | \`${name}.schema.json\``))).toEqual([]);
});

test('every file that the protocol page names is there', () => {
  const schemas = [...readme.matchAll(/`([a-z-]+\.schema\.json)`/g)].map(([, name]) => name);
  const lists = [...readme.matchAll(/`([a-z-]+\.json)`/g)].map(([, name]) => name);
  expect(schemas.length).toBeGreaterThan(12);
  expect(schemas.filter((name) => !readdirSync(folder).includes(name ?? ''))).toEqual([]);
  expect(lists.filter((name) => !readdirSync(new URL('codes/', folder)).includes(name ?? ''))).toEqual([]);
});

test('the contents lead to headings that exist', () => {
  const headings = [...readme.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  const links = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target);
  expect(links.length).toBeGreaterThan(15);
  expect(links.filter((target) => !headings.includes(target ?? ''))).toEqual([]);
});

test('the examples of the protocol page are JSON', () => {
  const blocks = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].map(([, block = '']) => block);
  expect(blocks.length).toBeGreaterThan(2);
  for (const block of blocks) expect(() => JSON.parse(block)).not.toThrow();
});
