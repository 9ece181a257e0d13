import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

type Node = Readonly<Record<string, unknown>>;
interface Place {
  readonly at: string;
  readonly node: Node;
  /** A condition narrows an object that is closed elsewhere. */
  readonly conditional: boolean;
}

const folder = new URL('../../schemas/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.schema.json'));
const documents = new Map(files.map((name) => [name, JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Node]));
const places = [...documents].flatMap(([name, schema]) => walk(schema, `${name}#`, false));

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function walk(value: unknown, at: string, conditional: boolean): Place[] {
  if (!isNode(value)) return [];
  const own = [{ at, node: value, conditional }];
  const named = ['properties', 'patternProperties', '$defs'].flatMap((keyword) =>
    Object.entries(isNode(value[keyword]) ? value[keyword] : {}).flatMap(([name, part]) =>
      walk(part, `${at}/${keyword}/${name}`, conditional),
    ),
  );
  const single = ['items', 'additionalProperties', 'propertyNames'].flatMap((keyword) =>
    walk(value[keyword], `${at}/${keyword}`, conditional),
  );
  const conditions = ['if', 'then', 'else', 'not'].flatMap((keyword) => walk(value[keyword], `${at}/${keyword}`, true));
  const parts = ['allOf', 'anyOf', 'oneOf'].flatMap((keyword) =>
    Array.isArray(value[keyword]) ? value[keyword].flatMap((part, i) => walk(part, `${at}/${keyword}/${i}`, true)) : [],
  );
  return [...own, ...named, ...single, ...conditions, ...parts];
}

/** Objects without members of their own: what an event carries or relays, and what every kind of key needs. */
const open = new Set(['formats.schema.json#/$defs/keyMaterial', 'relayed.schema.json#/properties/body']);
function isPayload(at: string): boolean {
  return at.startsWith('set.schema.json#/properties/events/patternProperties/');
}

test('the contract has the schemas that the protocol names', () => {
  expect(files.map((name) => name.replace('.schema.json', '')).sort()).toEqual(
    [
      ...['acknowledged', 'acted', 'assessed', 'clearance', 'feedback', 'handover', 'hold', 'relayed', 'told-by'],
      ...[
        'deny',
        'formats',
        'industry-reference',
        'industry-revised',
        'key-set',
        'peer-card',
        'policy',
        'policy-draft',
        'poll-answer',
        'poll-request',
        'problem',
        'receipt',
        'replay-answer',
        'replay-refusal',
        'replay-request',
      ],
      ...['reference', 'revised', 'set', 'submission', 'submitted', 'verify', 'voided', 'withdrawn'],
    ].sort(),
  );
});

test.each(files)('%s says its dialect and its own address', (name) => {
  expect(documents.get(name)).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `https://caseref.example/schemas/1/${name}`,
  });
});

test('every object is closed', () => {
  const objects = places.filter(({ node, conditional }) => node.type === 'object' && !conditional);
  expect(objects.length).toBeGreaterThan(35);
  const loose = objects.filter(
    ({ at, node }) => node.additionalProperties !== false && !open.has(at) && !isPayload(at),
  );
  expect(loose.map(({ at }) => at)).toEqual([]);
});

test('whatever names members is an object, so that nothing is closed in appearance only', () => {
  const naming = places.filter(({ node, conditional }) => isNode(node.properties) && !conditional);
  expect(naming.filter(({ node }) => node.type !== 'object').map(({ at }) => at)).toEqual([]);
});

test('every member is described', () => {
  const members = places.filter(({ at, conditional }) => !conditional && /\/(?:properties|\$defs)\/[^/]+$/.test(at));
  expect(members.length).toBeGreaterThan(150);
  const silent = members.filter(({ node }) => typeof node.description !== 'string' || node.description.length < 10);
  expect(silent.map(({ at }) => at)).toEqual([]);
});

test('every string has a pattern and a length, or a list of values', () => {
  const strings = places.filter(({ node }) => node.type === 'string');
  expect(strings.length).toBeGreaterThan(40);
  const loose = strings.filter(
    ({ node }) => !Array.isArray(node.enum) && (typeof node.pattern !== 'string' || typeof node.maxLength !== 'number'),
  );
  expect(loose.map(({ at }) => at)).toEqual([]);
});

test('every list is bounded, every number is whole and in the safe range', () => {
  const lists = places.filter(({ node }) => node.type === 'array');
  expect(lists.length).toBeGreaterThan(20);
  expect(lists.filter(({ node }) => !((node.maxItems as number) <= 1000)).map(({ at }) => at)).toEqual([]);
  const numbers = places.filter(({ node }) => node.type === 'number' || node.type === 'integer');
  const loose = numbers.filter(
    ({ node }) => node.type !== 'integer' || !Number.isSafeInteger(node.minimum) || !Number.isSafeInteger(node.maximum),
  );
  expect(loose.map(({ at }) => at)).toEqual([]);
});

test('every schema has a type, a constant or a reference', () => {
  const vague = places.filter(
    ({ node, conditional }) =>
      !conditional && !('type' in node || 'const' in node || '$ref' in node || '$defs' in node),
  );
  expect(vague.map(({ at }) => at)).toEqual([]);
});

test('references are relative files or stay inside the file, and all of them lead somewhere', () => {
  const references = places.filter(({ node }) => typeof node.$ref === 'string');
  expect(references.length).toBeGreaterThan(100);
  const lost = references.filter(({ at, node }) => !leads(String(node.$ref), at.split('#')[0] ?? ''));
  expect(lost.map(({ at }) => at)).toEqual([]);
});

function leads(reference: string, from: string): boolean {
  const [file = '', pointer = ''] = reference.split('#');
  const document: unknown = documents.get(file === '' ? from : file);
  const steps = pointer.split('/').slice(1);
  return steps.reduce((node, step) => (isNode(node) ? node[step] : undefined), document) !== undefined;
}

test('no keyword is used that common tools misread', () => {
  const misread = ['prefixItems', 'unevaluatedProperties', 'unevaluatedItems', '$dynamicRef', 'format'];
  expect(places.filter(({ node }) => misread.some((keyword) => keyword in node)).map(({ at }) => at)).toEqual([]);
});

test('submission and revised have the members of a reference, and their own', () => {
  const membersOf = (name: string) => Object.keys(documents.get(`${name}.schema.json`)?.properties ?? {});
  const reference = membersOf('reference').filter((member) => member !== 'revision');
  expect(membersOf('submission').sort()).toEqual(['id', ...reference].sort());
  expect(membersOf('revised').sort()).toEqual(['revision', 'supersedes', ...reference].sort());
  expect(membersOf('policy-draft')).toEqual(membersOf('policy'));
});
