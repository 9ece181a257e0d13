import { describe, expect, test } from 'vitest';
import { isPlainJson } from '../../src/wire/json-plain.ts';
import { scanJson } from '../../src/wire/json-scan.ts';
import fc from '../support/property.ts';
import { honestClaims } from '../support/tokens.ts';

const isPlain = (text: string, maxDepth?: number) => isPlainJson(text, JSON.parse(text), maxDepth);

describe('plain JSON', () => {
  test.each([
    JSON.stringify(honestClaims()),
    JSON.stringify(honestClaims(), null, 2),
    '{"a":true,"b":false,"c":null,"d":[{"a":1},{"a":2}],"e":"a:b,{}[]1.5e3","f":-0}',
    '[999999999999999,-1]',
    '"Übersicht 画像 😀"',
    '{}',
    '1',
  ])('%s is told at once', (text) => {
    expect(isPlain(text)).toBe(true);
  });

  test.each([
    ['a duplicate member', '{"a":1,"a":1}'],
    ['a duplicate member with other members inside', '{"a":{"b":1},"c":{"a":{}},"a":{"b":1}}'],
    ['a duplicate that swallows one', '[{"a":{"b":1,"b":2},"a":1}]'],
    ['a prototype member', '{"__proto__":1}'],
    ['an escape', '{"\\u0061":1}'],
    ['a lone surrogate', '"\ud800"'],
    ['a fraction', '[1.0]'],
    ['an exponent', '{"a":1e2}'],
    ['an exponent in capitals', '[1E2]'],
    ['a number of sixteen digits', '1234567890123456'],
    ['nine levels', '[[[[[[[[[1]]]]]]]]]'],
  ])('is not what has %s', (_, text) => {
    expect(isPlain(text)).toBe(false);
  });

  test('counts levels as it is told', () => {
    expect([isPlain('[[1]]', 2), isPlain('[[[1]]]', 2)]).toEqual([true, false]);
  });
});

const names = fc.constantFrom('a', 'b', 'e', '1', '__proto__', 'toString', '"'.repeat(1), ':');
/** JSON as an attacker writes it: few names, so that they meet, and numbers of every kind. */
const { node } = fc.letrec<{ node: string; leaf: string; object: string; list: string }>((tie) => ({
  node: fc.oneof({ maxDepth: 5 }, tie('leaf'), tie('object'), tie('list')),
  leaf: fc.oneof(
    fc.constantFrom('1', '-1.5', '1e3', '9007199254740993', 'true', 'null', '"e:{"', '"\\""', '"\\ud800"'),
    fc.string().map((text) => JSON.stringify(text)),
  ),
  object: fc
    .array(fc.tuple(names, tie('node')), { maxLength: 4 })
    .map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(',')}}`),
  list: fc.array(tie('node'), { maxLength: 4 }).map((entries) => `[${entries.join(' ,')}]`),
}));

test('nothing is plain in which the exact scan finds something', () => {
  let plain = 0;
  fc.assert(
    fc.property(node, fc.integer({ min: 1, max: 6 }), (text, maxDepth) => {
      const found = scanJson(text, maxDepth);
      const told = isPlain(text, maxDepth);
      if (told) plain += 1;
      expect(told && found !== undefined).toBe(false);
    }),
    { numRuns: 5000 },
  );
  expect(plain).toBeGreaterThan(200);
});
