import { readdirSync, readFileSync } from 'node:fs';
import fc from './property.ts';

type Schema = Readonly<Record<string, unknown>>;

const folder = new URL('../../schemas/', import.meta.url);
const documents = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith('.schema.json'))
    .map((name) => [name, JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Schema]),
);

/** Codes that the lists have, so that what is made up meets what rules ask for. */
const familiar: readonly string[] = [
  ...[
    'csam',
    'grooming',
    'unknown',
    'hotline',
    'industry',
    'law-enforcement',
    'baseline',
    'viewed',
    'automated',
    'may',
  ],
  ...[
    'iccam',
    'forum',
    'emergency',
    'routine',
    'live-now',
    'remove',
    'court-order',
    'none',
    'national',
    'content',
    '*',
  ],
  ...['NL', 'DE', 'DE-BY', 'US', 'XX', 'XO', 'ZZ', 'RED', 'AMBER', 'A1', 'icse', 'own', 'national:DE'],
];

/**
 * Values that a published schema allows, made from the schema itself: every member may be there or not, every list may be
 * empty or not. What its conditions (`if`, `allOf`) ask for beyond that is left to the caller to filter.
 */
export function arbitraryOf(name: string): fc.Arbitrary<unknown> {
  const file = `${name}.schema.json`;
  return fromSchema(documents.get(file) ?? {}, file);
}

function fromSchema(schema: Schema, file: string): fc.Arbitrary<unknown> {
  if (typeof schema.$ref === 'string') return fromReference(schema.$ref, file);
  if ('const' in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  switch (schema.type) {
    case 'object':
      return fromObject(schema, file);
    case 'array':
      return fromArray(schema, file);
    case 'string':
      return fromString(schema);
    case 'integer':
      return fc.integer({ min: Number(schema.minimum), max: Math.min(Number(schema.maximum), 2 ** 31 - 1) });
    case 'boolean':
      return fc.boolean();
    default:
      throw new Error(`nothing can be made of ${JSON.stringify(schema).slice(0, 80)}`);
  }
}

function fromReference(reference: string, from: string): fc.Arbitrary<unknown> {
  const [target = '', pointer = ''] = reference.split('#');
  const file = target === '' ? from : target;
  const schema = pointer
    .split('/')
    .slice(1)
    .reduce((node, step) => node[step] as Schema, documents.get(file) ?? {});
  return fromSchema(schema, file);
}

function fromObject(
  { properties = {}, required = [], minProperties = 0 }: Schema,
  file: string,
): fc.Arbitrary<unknown> {
  const members = Object.entries(properties as Readonly<Record<string, Schema>>);
  const made = Object.fromEntries(members.map(([name, part]) => [name, fromSchema(part, file)]));
  return fc
    .record(made, { requiredKeys: required as string[] })
    .filter((value) => Object.keys(value).length >= Number(minProperties));
}

function fromArray({ items, minItems = 0, maxItems, uniqueItems }: Schema, file: string): fc.Arbitrary<unknown> {
  const one = fromSchema(items as Schema, file);
  const bounds = { minLength: Number(minItems), maxLength: Math.min(Number(maxItems), 3) };
  return uniqueItems === true ? fc.uniqueArray(one, bounds) : fc.array(one, bounds);
}

function fromString({ pattern, maxLength }: Schema): fc.Arbitrary<unknown> {
  const form = new RegExp(String(pattern), 'u');
  const known = familiar.filter((code) => form.test(code) && code.length <= Number(maxLength));
  const made = /\\p|\\u/.test(String(pattern))
    ? fc.constantFrom('A-1', 'Az 12/26')
    : fc.stringMatching(form, { maxLength: Math.min(Number(maxLength), 300) });
  return known.length === 0 ? made : fc.oneof({ arbitrary: fc.constantFrom(...known), weight: 4 }, made);
}
