import { describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { scanJson } from '../../src/wire/json-scan.ts';
import { isJsonFault, parseStrict, readJson } from '../../src/wire/strict.ts';
import fc from '../support/property.ts';

const limits = { bytes: 1_000_000 };

function verdict(source: string | Uint8Array, depth?: number) {
  const read = parseStrict(source, { ...limits, ...(depth !== undefined && { depth }) });
  return isJsonFault(read) ? read.violation : 'taken';
}

/** A parser of our own making: every member name, by a reviver that cannot see duplicates, against a count in the text. */
const honestValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 7, withCrossShrink: true },
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value;

describe('strict JSON', () => {
  test.each([
    ['an empty object', '{}'],
    ['a scalar', '"text"'],
    ['the same name in two objects', '{"a":{"a":1},"b":{"a":1}}'],
    ['the same name in two objects of a list', '[{"a":1},{"a":1}]'],
    ['a name that is also a value', '{"a":"a","b":["a","a"]}'],
    ['names that differ in case', '{"a":1,"A":2}'],
    ['a name after a nested object', '{"a":{"b":1},"b":2}'],
    ['escaped quotes and backslashes in values', '{"a":"\\"\\\\","b":"\\\\\\"{","c":"\\u0022"}'],
    ['an escaped name', '{"\\u0061":1,"b":2}'],
    ['a surrogate pair, escaped', '{"a":"\\ud83d\\ude00"}'],
    ['a surrogate pair, as it is', '{"a":"😀"}'],
    ['brackets, commas and numbers inside strings', '{"a":"[{,1.5e3}]","b":1}'],
    ['the greatest safe integers', '[9007199254740991,-9007199254740991,0]'],
    ['__proto__ as a value', '{"a":"__proto__"}'],
    ['white space between all of it', ' {\n"a" :\t[ 1 , 2 ] }\r\n'],
  ])('takes %s', (_, text) => {
    expect(parseStrict(text, limits)).toEqual({ value: JSON.parse(text) });
  });

  test.each([
    ['duplicate-member', '{"a":1,"a":1}'],
    ['duplicate-member', '{"a":1,"\\u0061":2}'],
    ['duplicate-member', '{"x":[{"b":{},"c":[1,{"d":1}],"b":[]}]}'],
    ['duplicate-member', '{"":1,"":2}'],
    ['prototype-member', '{"__proto__":{}}'],
    ['prototype-member', '{"a":{"\\u005f_proto__":1}}'],
    ['lone-surrogate', '{"a":"\\ud83d"}'],
    ['lone-surrogate', '{"\\ude00":1}'],
    ['lone-surrogate', '{"a":"\\ude00\\ud83d"}'],
    ['lone-surrogate', '{"a":"\ud83d"}'],
    ['number-fractional', '[1.5]'],
    ['number-fractional', '[1.0]'],
    ['number-exponent', '[1e3]'],
    ['number-exponent', '[1E-3]'],
    ['number-exponent', '[1.5e3]'],
    ['number-unsafe', '[9007199254740992]'],
    ['number-unsafe', '[-9007199254740992]'],
    ['number-unsafe', '{"a":12345678901234567890}'],
    ['not-json', '{"a":1,}'],
    ['not-json', '{"a":01}'],
    ['not-json', ''],
    ['not-json', '{} {}'],
    ['not-json', '{"a":NaN}'],
    ['not-json', "{'a':1}"],
    ['byte-order-mark', '\ufeff{}'],
  ])('refuses with %s: %s', (violation, text) => {
    expect(verdict(text)).toBe(violation);
  });

  test('takes eight levels of nesting and refuses nine', () => {
    expect(verdict(`${'['.repeat(8)}1${']'.repeat(8)}`)).toBe('taken');
    expect(verdict(`${'['.repeat(9)}1${']'.repeat(9)}`)).toBe('too-deep');
    expect(verdict('{"a":[{"b":1}]}', 2)).toBe('too-deep');
  });

  test('counts size in bytes, not in characters', () => {
    expect(isJsonFault(parseStrict('"äää"', { bytes: 8 }))).toBe(false);
    expect(parseStrict('"äää"', { bytes: 7 })).toMatchObject({ violation: 'too-large' });
  });

  test('refuses bytes that are not UTF-8, overlong and surrogate forms included', () => {
    expect(verdict(Uint8Array.of(0x22, 0xff, 0x22))).toBe('not-utf8');
    expect(verdict(Uint8Array.of(0x22, 0xc0, 0xa2, 0x22))).toBe('not-utf8');
    expect(verdict(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toBe('not-utf8');
  });

  test('tells where it saw the second member of one name', () => {
    expect(scanJson('{"a":1,"a":2}')).toEqual({ violation: 'duplicate-member', at: 8 });
  });

  test('agrees with JSON.parse on every honest value', () => {
    fc.assert(
      fc.property(honestValue, fc.constantFrom(undefined, 1), (value, space) => {
        const text = JSON.stringify(value, null, space);
        fc.pre(text.isWellFormed() && !text.includes('__proto__') && !/\\ud[89a-f]/.test(text));
        expect(parseStrict(text, limits)).toEqual({ value: JSON.parse(text) });
      }),
    );
  });

  test('finds the duplicate wherever in an honest document it stands', () => {
    fc.assert(
      fc.property(
        honestValue,
        honestValue,
        honestValue,
        fc.string({ unit: 'grapheme' }),
        (before, first, second, name) => {
          const member = JSON.stringify(name);
          const text = `[${JSON.stringify(before)},{${member}:${JSON.stringify(first)},${member}:${JSON.stringify(second)}}]`;
          fc.pre(
            name !== '__proto__' &&
              !/__proto__|\\ud[89a-f]/.test(text) &&
              scanJson(JSON.stringify([before, first, second]), 7) === undefined,
          );
          expect(verdict(text, 12)).toBe('duplicate-member');
        },
      ),
    );
  });
});

describe('an HTTP body', () => {
  test('that is strict JSON is read', () => {
    expect(readJson(Buffer.from('{"a":[1]}'), limits)).toEqual({ value: { a: [1] } });
  });

  test('that is not is refused with what was seen and where, never with what it held', () => {
    const refused = readJson('{"secret":1,"secret":2}', limits);
    expect(refused).toMatchObject({
      code: 'json-invalid',
      pointer: '',
      message: 'The body has the same member name twice in one object, at character 14.',
    });
  });

  test('that is too large is refused as such', () => {
    expect(readJson('[1,2,3]', { bytes: 6 })).toMatchObject({ code: 'too-large' });
  });

  test('of any kind is answered and never thrown upon', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.uint8Array(), fc.json()), (body) => {
        const read = readJson(body, limits);
        expect(isRefusal(read) || 'value' in read).toBe(true);
      }),
    );
  });
});
