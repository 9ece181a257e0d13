import { expect, test } from 'vitest';
import { placeIn, whereJsonBreaks } from '../../src/wire/json-place.ts';
import { readJson } from '../../src/wire/strict.ts';
import fc from '../support/property.ts';

test.each([
  ['{"a":1,}', 7],
  ['{"a" 1}', 5],
  ['{"a":1 "b":2}', 7],
  ["{'a':1}", 1],
  ['[1,2', 4],
  ['[1,2}', 4],
  ['{"a":tru}', 5],
  ['{"a":01}', 6],
  ['{"a":"cut', 5],
  ['{"a":"\\x"}', 5],
  ['{} {}', 3],
  ['{"a":}', 5],
  ['[,]', 1],
  ['nonsense', 0],
])('%j breaks at %i', (text, at) => {
  expect(whereJsonBreaks(text)).toBe(at);
});

test('a text that is JSON breaks nowhere before its end, and a cut one at or before the cut', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (text, cut) => {
      expect(whereJsonBreaks(text)).toBe(text.length);
      expect(whereJsonBreaks(text.slice(0, cut))).toBeLessThanOrEqual(Math.min(cut, text.length));
    }),
  );
});

test('a person is told line and column, and that a document is empty', () => {
  const said = (text: string) => {
    const read = readJson(text, { bytes: 1000 });
    return 'message' in read ? read.message : 'taken';
  };
  expect(said('{\n  "a": 1,\n  "b" 2\n}\n')).toBe('The body is not JSON at line 3, column 7.');
  expect(said('{\n  "a": 1,\n  "a": 2\n}\n')).toMatch(/same member name twice in one object, at line 3, column \d+\.$/);
  expect(said('{"a":}')).toBe('The body is not JSON at character 6.');
  expect(said(' \n')).toBe('The body is empty.');
  expect(placeIn('ab\ncd', 4)).toBe('line 2, column 2');
});
