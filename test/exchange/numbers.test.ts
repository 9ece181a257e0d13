import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findGaps } from '../../src/exchange/numbering.ts';
import { askForReplays } from '../../src/exchange/replay-ask.ts';
import { followReplays } from '../../src/exchange/replay-follow.ts';
import { freshJti } from '../support/foreign-partner.ts';
import fc from '../support/property.ts';
import { type ReplayBench, replayBench } from '../support/replay-bench.ts';

// The numbers of a partner: accounted for in the end, and told where they were given a second time.

const HOUR = 3_600_000;

let bench: ReplayBench;
let epoch: string;
beforeAll(async () => {
  bench = await replayBench();
});
afterAll(() => bench.close());
beforeEach(async () => {
  await bench.clear();
  epoch = crypto.randomUUID();
});

describe('a number that was given twice', () => {
  test('is told, and the partner learns from what it is asked how far it had counted', async () => {
    for (const n of [1, 2, 3]) await bench.arrive(epoch, n);
    bench.highest = 3;
    bench.replies.push({ status: 400, body: { err: 'cursor_in_future', description: 'x' } });
    expect(await bench.arrive(epoch, 2)).toBe(true);
    await findGaps(bench.exchange);
    await followReplays(bench.exchange);
    await askForReplays(bench.exchange);
    expect(await bench.alerts()).toEqual(['sequence-reused']);
    expect(bench.asked).toEqual([{ epoch, from: 4 }]);
  });

  test('in one batch is told as well', async () => {
    await Promise.all([bench.arrive(epoch, 1), bench.arrive(epoch, 1), bench.arrive(epoch, 2)]);
    expect(await bench.alerts()).toEqual(['sequence-reused']);
  });

  test('is no message that comes twice, nor one that comes late', async () => {
    const jti = freshJti();
    await bench.arrive(epoch, 3);
    await bench.arrive(epoch, 1, jti);
    await bench.arrive(epoch, 2);
    expect(await bench.alerts()).toEqual([]);
  });
});

test('whatever is lost, late or voided, each number is accounted for in the end, and each message counts once', async () => {
  const streams = fc.array(fc.constantFrom('came', 'late', 'lost', 'void', 'twice'), { minLength: 2, maxLength: 12 });
  let ran = 0;
  await fc.assert(
    fc.asyncProperty(streams, async (fates) => {
      ran += 1;
      epoch = crypto.randomUUID();
      const jtis = fates.map(() => freshJti());
      const send = (i: number) => bench.arrive(epoch, i + 1, jtis[i] ?? '');
      const those = (...wanted: string[]) => fates.flatMap((fate, index) => (wanted.includes(fate) ? [index] : []));
      const last = fates.length + 1;
      for (const i of those('came', 'twice')) await send(i);
      await bench.arrive(epoch, last);
      bench.later(25 * HOUR);
      await findGaps(bench.exchange);
      await followReplays(bench.exchange);
      for (const i of those('late', 'lost', 'twice')) await send(i);
      const ranges = those('void').map((i): [number, number] => [i + 1, i + 1]);
      if (ranges.length > 0) await bench.voided(epoch, last + 1, ranges);
      await findGaps(bench.exchange);
      await followReplays(bench.exchange);
      const left = bench.exchange.store.db
        .selectFrom('gap')
        .select('first')
        .where('epoch', '=', epoch)
        .where('closed_at', 'is', null);
      expect(await left.execute()).toEqual([]);
      const stored = bench.exchange.store.db
        .selectFrom('message')
        .select(['n'])
        .where('epoch', '=', epoch)
        .orderBy('n');
      const numbers = (await stored.execute()).map(({ n }) => Number(n));
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(numbers.filter((n) => n < last)).toEqual(those('came', 'late', 'lost', 'twice').map((i) => i + 1));
    }),
    { numRuns: 12 },
  );
  expect(ran).toBeGreaterThanOrEqual(12);
});
