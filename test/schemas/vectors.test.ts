import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { codes } from '../../src/domain/codes.ts';
import { refusals } from '../../src/domain/refusal.ts';
import { checkSchema, type SchemaName } from '../../src/wire/schema.ts';

interface Vector {
  readonly layer: 'schema' | 'domain';
  readonly schema: SchemaName;
  readonly description: string;
  readonly value: unknown;
  readonly code?: string;
  readonly pointer?: string;
}

const folder = new URL('../../schemas/vectors/', import.meta.url);

function read(kind: 'valid' | 'invalid'): readonly (readonly [string, Vector])[] {
  const names = readdirSync(new URL(`${kind}/`, folder));
  return names.map((name) => [name, JSON.parse(readFileSync(new URL(`${kind}/${name}`, folder), 'utf8')) as Vector]);
}

const valid = read('valid');
const invalid = read('invalid');

test('there are enough vectors, and each says what it is', () => {
  expect(valid.length).toBeGreaterThanOrEqual(25);
  expect(invalid.length).toBeGreaterThanOrEqual(60);
  for (const [name, vector] of [...valid, ...invalid]) {
    expect(name).toMatch(/^[a-z0-9-]+\.json$/);
    expect(vector.description.length).toBeGreaterThan(5);
    expect(['schema', 'domain']).toContain(vector.layer);
  }
  for (const [, { code, pointer }] of invalid) {
    expect(Object.keys(refusals)).toContain(code);
    expect(pointer).toMatch(/^(?:\/.*)?$/);
  }
});

test('every category and every schema has a valid vector', () => {
  const references = valid.filter(([, { schema }]) => schema === 'reference').map(([, { value }]) => value);
  const categories = new Set(references.map((value) => (value as { category: string }).category));
  expect(codes.category.filter((code) => !categories.has(code))).toEqual([]);
  expect(new Set(valid.map(([, { schema }]) => schema)).size).toBe(31);
});

describe('valid', () => {
  test.each(valid)('%s', (_, { schema, value }) => {
    expect(checkSchema(schema, value)).toEqual([]);
  });
});

describe('invalid by schema', () => {
  const bySchema = invalid.filter(([, { layer }]) => layer === 'schema');
  test.each(bySchema)('%s', (_, { schema, value, code, pointer }) => {
    const refused = checkSchema(schema, value);
    expect(refused.map((refusal) => refusal.pointer)).toEqual([pointer]);
    expect(refused.map((refusal) => refusal.code)).toEqual([code]);
  });
});

describe('invalid by the rules of the domain', () => {
  // What the schema alone may say is at most that the same member is wrong.
  const byDomain = invalid.filter(([, { layer }]) => layer === 'domain');
  test.each(byDomain)('%s', (_, { schema, value, pointer }) => {
    expect(checkSchema(schema, value).filter((refusal) => refusal.pointer !== pointer)).toEqual([]);
  });
});
