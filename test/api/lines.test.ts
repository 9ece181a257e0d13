import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { inOrder, readLines } from '../../src/api/lines.ts';
import fc from '../support/property.ts';

async function split(chunks: readonly (string | Buffer)[], longest = 10): Promise<[number, string | undefined][]> {
  const found: [number, string | undefined][] = [];
  const source = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  for await (const { line, bytes } of readLines(source, longest)) found.push([line, bytes?.toString()]);
  return found;
}

describe('lines', () => {
  test('are split at line feeds, wherever the chunks are cut', async () => {
    expect(await split(['a\nb', 'c\n', 'd'])).toEqual([
      [1, 'a'],
      [2, 'bc'],
      [3, 'd'],
    ]);
  });

  test('that are empty are counted and left out, and so is the end after the last line feed', async () => {
    expect(await split(['\n\na\r\n \n\nb\n'])).toEqual([
      [3, 'a\r'],
      [6, 'b'],
    ]);
    expect(await split([])).toEqual([]);
  });

  test('over the limit are named without their bytes, and the next one is whole', async () => {
    expect(await split(['0123456789', 'x\n0123456789\n', '0123456789ab'])).toEqual([
      [1, undefined],
      [2, '0123456789'],
      [3, undefined],
    ]);
  });

  test('are the same for every way of cutting the bytes', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'é', '{', ' ') });
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 7 }), async (texts, size) => {
        const bytes = Buffer.from(texts.join('\n'));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
          bytes.subarray(n * size, (n + 1) * size),
        );
        expect(await split(chunks, 1000)).toEqual(await split([bytes], 1000));
      }),
      { numRuns: 50 },
    );
  });
});

describe('work in order', () => {
  async function* numbers(count: number) {
    for (let n = 0; n < count; n += 1) yield n;
  }

  test('answers in the order of arrival, however long each takes, and never has more under way than the window', async () => {
    let underWay = 0;
    let most = 0;
    const work = async (n: number) => {
      most = Math.max(most, ++underWay);
      await sleep((n * 7) % 5);
      underWay -= 1;
      return n * 2;
    };
    const answers = [];
    for await (const answer of inOrder(numbers(40), work, 4)) answers.push(answer);
    expect(answers).toEqual(Array.from({ length: 40 }, (_, n) => n * 2));
    expect(most).toBe(4);
  });

  test('lets an answer out before the next entry has arrived', async () => {
    const gate = Promise.withResolvers<void>();
    async function* slow() {
      yield 1;
      await gate.promise;
      yield 2;
    }
    const answers = inOrder(slow(), async (n) => n, 8);
    expect(await answers.next()).toEqual({ done: false, value: 1 });
    gate.resolve();
    expect(await answers.next()).toEqual({ done: false, value: 2 });
    expect((await answers.next()).done).toBe(true);
  });

  test('passes on what its source throws', async () => {
    async function* broken() {
      yield 1;
      throw new Error('cut off');
    }
    const answers = inOrder(broken(), async (n) => n, 1);
    await answers.next();
    await expect(answers.next()).rejects.toThrow('cut off');
  });
});
