import { describe, expect, test } from 'vitest';
import { columnsOf, cut, pad, printable, printableJson, wrap } from '../../src/cli/printable.ts';
import { createTerminal, type Stream } from '../../src/cli/terminal.ts';
import { readEnvironment } from '../../src/config.ts';
import fc from '../support/property.ts';

describe('what would steer a terminal is spelled out', () => {
  test.each([
    ['an escape sequence', 'a\u001b[2Jb', 'a\\u001b[2Jb'],
    ['a C1 control sequence introducer', 'a\u009b31mb', 'a\\u009b31mb'],
    ['a line break', 'a\r\nb', 'a\\u000d\\u000ab'],
    ['a right-to-left override', 'a\u202etxt.exe', 'a\\u202etxt.exe'],
    ['an isolate', 'a\u2067b\u2069', 'a\\u2067b\\u2069'],
    ['a right-to-left mark', 'a\u200fb', 'a\\u200fb'],
    ['a tag character', 'a\u{e0041}b', 'a\\u{e0041}b'],
    ['a lone surrogate', 'a\ud800b', 'a\\ud800b'],
    ['a backspace', 'safe\b\b\b\bevil', 'safe\\u0008\\u0008\\u0008\\u0008evil'],
  ])('%s', (_name, text, expected) => expect(printable(text)).toBe(expected));

  test.each(['Žluťoučký kůň', 'مكتب الشرطة', '警察庁', 'می‌خواهم', 'Police 👮‍♀️', "O'Brien & Co. (NL)"])(
    'and honest text stays: %s',
    (text) => expect(printable(text)).toBe(text),
  );
});

describe('JSON is printable and says the same', () => {
  test('for every value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = printableJson(value);
        expect(printable(json)).toBe(json);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test.each(['\u009b31m', '\u202e', '\u{e0041}', '\u2028', '\u007f'])('for text that steers (%#)', (text) => {
    expect(printableJson({ text })).toMatch(/^\{"text":"(\\u[0-9a-f]{4})+(31m)?"\}$/);
    expect(JSON.parse(printableJson({ text }))).toEqual({ text });
  });
});

describe('widths', () => {
  test.each([
    ['latin', 'abc', 3],
    ['a combining accent', 'e\u0301', 1],
    ['wide letters', '警察庁', 6],
    ['an emoji of several code points', '👩‍👩‍👧', 2],
    ['nothing', '', 0],
  ])('of %s', (_name, text, columns) => expect(columnsOf(text)).toBe(columns));

  test('a cut keeps whole characters and the width', () => {
    expect(cut('警察庁', 5)).toBe('警察…');
    expect(cut('警察庁', 4)).toBe('警…');
    expect(cut('abc', 3)).toBe('abc');
  });

  test('a filled cell counts columns, not characters', () => {
    expect(pad('警', 4)).toBe('警  ');
    expect(pad('abcde', 4)).toBe('abcde');
  });
});

test.each([
  ['1', false],
  ['', true],
  [undefined, true],
])('NO_COLOR=%j leaves colour on a terminal that can: %j', (NO_COLOR, coloured) => {
  let written = '';
  const stream: Stream = {
    isTTY: true,
    hasColors: () => true,
    write: (text) => {
      written += text;
    },
  };
  const { noColor } = readEnvironment({ NO_COLOR });
  createTerminal({ stdout: stream, stderr: stream, noColor }).step('sent', 'good');
  expect(written.includes('\u001b[')).toBe(coloured);
});

test('prose is broken between words, each line where the first began, and a long word stays whole', () => {
  expect(wrap('  one two three four', 11)).toBe('  one two\n  three\n  four');
  expect(wrap('one', 2)).toBe('one');
  expect(wrap('see abcdefghijklmnop now', 8)).toBe('see\nabcdefghijklmnop\nnow');
  expect(wrap('keeps  two spaces', 80)).toBe('keeps  two spaces');
});
