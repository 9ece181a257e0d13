import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { gather } from '../../src/exchange/gather.ts';

describe('calls that share a batch', () => {
  test('are each answered by their own', async () => {
    const call = gather<number, number>(async (batch) => batch.map((one) => one * 2), { most: 3 });
    expect(await Promise.all([1, 2, 3, 4, 5].map(call))).toEqual([2, 4, 6, 8, 10]);
  });

  test('do not fail for the one that is poisoned', async () => {
    const call = gather<number, number>(
      async (batch) => {
        if (batch.includes(3)) throw new Error('poisoned');
        return batch;
      },
      { most: 100 },
    );
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(call));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });

  test('are told soon, all of them, when nothing answers', async () => {
    let runs = 0;
    const call = gather<number, number>(
      async () => {
        runs += 1;
        await pause(30);
        throw new Error('the store is away');
      },
      { most: 100, aloneMs: 50 },
    );
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, (_, index) => call(index)));
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(runs).toBeLessThan(6);
  });
});
