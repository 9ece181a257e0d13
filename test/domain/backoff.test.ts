import { expect, test } from 'vitest';
import { nextAttemptDelay } from '../../src/domain/backoff.ts';
import fc from '../support/property.ts';

test.each([
  [1, 5000],
  [2, 10_000],
  [5, 80_000],
  [10, 2_560_000],
  [11, 3_600_000],
  [10_000, 3_600_000],
])('attempt %i is followed by at most %i ms', (attempt, most) => expect(nextAttemptDelay(attempt, 1)).toBe(most));

test('chance spreads the attempts over the whole span', () => {
  expect(nextAttemptDelay(11, 0)).toBeLessThan(5001);
  expect(nextAttemptDelay(11, 0.5)).toBeGreaterThan(1_700_000);
});

test('a delay is never shorter than an instant nor longer than an hour', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const delay = nextAttemptDelay(attempt, random);
      expect(Number.isInteger(delay) && delay >= 1000 && delay <= 3_600_000).toBe(true);
    }),
  );
});
