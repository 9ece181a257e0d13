import { describe, expect, test } from 'vitest';
import { type FileLine, readLines } from '../../src/cli/lines.ts';
import fc from '../support/property.ts';

async function* bytes(...chunks: (string | Uint8Array)[]) {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function linesOf(source: AsyncIterable<Uint8Array>, longest = 20): Promise<FileLine[]> {
  const lines: FileLine[] = [];
  for await (const line of readLines(source, longest)) lines.push(line);
  return lines;
}

const seen = (line: FileLine) => [line.line, 'text' in line ? line.text : line.refusal.code];

describe('lines of a file', () => {
  test.each([
    [
      'with an end after the last',
      ['a\nb\n'],
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'without an end after the last',
      ['a\nb'],
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'that end as on Windows',
      ['a\r\nb\r\n'],
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'with empty ones between, which count',
      ['a\n\n  \nb'],
      [
        [1, 'a'],
        [4, 'b'],
      ],
    ],
    [
      'cut anywhere by the reader',
      ['{"a"', ':1}\n{', '}'],
      [
        [1, '{"a":1}'],
        [2, '{}'],
      ],
    ],
    [
      'with a byte order mark in front',
      ['\ufeffa\n\ufeffb'],
      [
        [1, 'a'],
        [2, '\ufeffb'],
      ],
    ],
    ['of nothing', [''], []],
  ])('%s', async (_name, chunks, expected) => expect((await linesOf(bytes(...chunks))).map(seen)).toEqual(expected));

  test('are the same however the bytes are cut', async () => {
    const line = fc
      .stringMatching(/^[^\r\n]{1,8}$/u)
      .filter((text) => text.trim() !== '' && !text.startsWith('\ufeff'));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 5 }), async (texts, size) => {
        const whole = Buffer.from(texts.join('\n'));
        const parts = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
          whole.subarray(at * size, (at + 1) * size),
        );
        const read = await linesOf(bytes(...parts), 1000);
        expect(read.map(seen)).toEqual(
          texts.map((text, at) => [at + 1, text.isWellFormed() ? text : text.toWellFormed()]),
        );
      }),
    );
  });
});

describe('a line that is too long', () => {
  test('is refused, and its neighbours are read', async () => {
    const read = await linesOf(bytes(`a\n${'x'.repeat(21)}\nb`));
    expect(read.map(seen)).toEqual([
      [1, 'a'],
      [2, 'too-large'],
      [3, 'b'],
    ]);
  });

  test.each([
    ['exactly the longest', `${'x'.repeat(20)}\n`, 'x'.repeat(20)],
    ['the longest with a Windows end', `${'x'.repeat(20)}\r\n`, 'x'.repeat(20)],
    ['one byte more', `${'x'.repeat(21)}\n`, 'too-large'],
    ['one byte more with a Windows end', `${'x'.repeat(21)}\r\n`, 'too-large'],
    ['a byte more in bytes, not in characters', `${'x'.repeat(19)}é`, 'too-large'],
  ])('counts bytes: %s', async (_name, text, expected) => {
    expect((await linesOf(bytes(text))).map(seen)).toEqual([[1, expected]]);
  });

  test('is never held: a line of 256 MiB costs no memory', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    async function* endless() {
      for (let at = 0; at < 256; at += 1) yield chunk;
    }
    const before = process.memoryUsage().arrayBuffers;
    const read = await linesOf(endless(), 64 * 1024);
    expect(read.map(seen)).toEqual([[1, 'too-large']]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });
});

test('invalid UTF-8 refuses its line instead of changing it', async () => {
  const read = await linesOf(bytes(Uint8Array.of(0x61, 0xff, 0x0a, 0x62)));
  expect(read.map(seen)).toEqual([
    [1, 'json-invalid'],
    [2, 'b'],
  ]);
});
