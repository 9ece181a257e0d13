import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { codes } from '../../src/domain/codes.ts';

interface CodeList {
  readonly list: string;
  readonly version: string;
  readonly title: string;
  readonly codes: readonly {
    readonly code: string;
    readonly title: string;
    readonly iccam?: { readonly id: number; readonly name: string };
  }[];
  readonly patterns?: readonly { readonly pattern: string; readonly title: string }[];
}

const folder = new URL('../../schemas/codes/', import.meta.url);
const lists = readdirSync(folder).map(
  (name) => [name, JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as CodeList] as const,
);
/** Closed lists whose values stand in a schema, a list without public labels, and one whose unknown is XX. */
const withoutUnknown = new Set([
  ...['deny-ground', 'voided-reason', 'assessment-inhope-ucs', 'jurisdiction', 'action-standing', 'handover-step'],
  ...['hold-step', 'clearance-step', 'clearance-timeout'],
]);
const inCapitals = new Set([
  'jurisdiction',
  'marking-tlp',
  'marking-leo',
  'assessment-ncmec-industry',
  'assessment-uk-sentencing',
]);

describe('every code list is well formed', () => {
  test.each(lists)('%s', (name, list) => {
    expect(name).toBe(`${list.list}.json`);
    expect(list.version).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(list.title.length).toBeGreaterThan(5);
    const own = list.codes.map(({ code }) => code);
    expect(new Set(own).size).toBe(own.length);
    expect(own.includes('unknown')).toBe(!withoutUnknown.has(list.list));
    const form = inCapitals.has(list.list) ? /^(?:[A-Z0-9+]{1,12}|unknown)$/ : /^[a-z0-9:-]{1,64}$/;
    expect(own.filter((code) => !form.test(code))).toEqual([]);
    expect(list.codes.every(({ title }) => title.length > 1)).toBe(true);
    expect(
      Object.keys(list).filter((member) => !['list', 'version', 'title', 'codes', 'patterns'].includes(member)),
    ).toEqual([]);
    for (const { pattern } of list.patterns ?? []) expect(() => new RegExp(pattern, 'u')).not.toThrow();
  });
});

function iccamIds(name: string): readonly (readonly [number, string])[] {
  const list = lists.find(([, { list }]) => list === name)?.[1];
  return (list?.codes ?? []).flatMap(({ code, iccam }) => (iccam ? [[iccam.id, code] as const] : []));
}

test('reasons are ICCAM 1 to 21 in its order, and three more without a number', () => {
  const ids = iccamIds('reason');
  expect(ids.map(([id]) => id)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
  expect(ids[0]).toEqual([1, 'other']);
  expect(ids[20]).toEqual([21, 'age-over-national-threshold']);
  expect(codes.reason).toHaveLength(25);
});

test('means of payment are ICCAM 1 to 13 in its order', () => {
  const ids = iccamIds('payment');
  expect(ids.map(([id]) => id)).toEqual(Array.from({ length: 13 }, (_, i) => i + 1));
  expect([ids[0], ids[12]]).toEqual([
    [1, 'unknown'],
    [13, 'bitcoin'],
  ]);
});

test('no ICCAM number stands twice in a list', () => {
  for (const [, { list }] of lists) {
    const ids = iccamIds(list).map(([id]) => id);
    expect([list, new Set(ids).size]).toEqual([list, ids.length]);
  }
});

test('jurisdictions are the 249 of ISO 3166-1 and three more, and UK is none', () => {
  expect(codes.jurisdiction).toHaveLength(252);
  expect(codes.jurisdiction).toEqual(expect.arrayContaining(['GB', 'DE', 'XK', 'XX', 'XO']));
  expect(codes.jurisdiction).not.toContain('UK');
});

test('the code lists in the source are those of the files', () => {
  const camelCase = (list: string) => list.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const wanted = Object.fromEntries(
    lists.map(([, list]) => [camelCase(list.list), list.codes.map(({ code }) => code)]),
  );
  expect(codes).toEqual(wanted);
});
