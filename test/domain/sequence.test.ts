import { describe, expect, test } from 'vitest';
import { HOLE_MS, jumps, LARGEST_JUMP, type Run, walkSequence } from '../../src/domain/sequence.ts';
import fc from '../support/property.ts';

const now = 10 * HOLE_MS;
const old = (...numbers: number[]) => numbers.map((n) => ({ n, at: 0 }));
const young = (...numbers: number[]) => numbers.map((n) => ({ n, at: now }));

describe('walking up the numbers', () => {
  test('takes what came without holes', () =>
    expect(walkSequence(0, young(1, 2, 3), [], now)).toEqual({ floor: 3, holes: [] }));

  test('stops before a hole that may still close', () =>
    expect(walkSequence(0, young(1, 4), [], now)).toEqual({ floor: 1, holes: [] }));

  test('passes a hole that is too old, and names it', () =>
    expect(walkSequence(0, old(1, 4, 5, 9), [], now)).toEqual({
      floor: 9,
      holes: [
        [2, 3],
        [6, 8],
      ],
    }));

  test('a hole is young at two hours and old a moment later', () => {
    expect(walkSequence(0, [{ n: 2, at: now - HOLE_MS }], [], now).holes).toEqual([]);
    expect(walkSequence(0, [{ n: 2, at: now - HOLE_MS - 1 }], [], now).holes).toEqual([[1, 1]]);
  });

  test('a number that came twice is one', () =>
    expect(walkSequence(2, old(1, 2, 3, 3), [], now)).toEqual({ floor: 3, holes: [] }));

  test('passes what was voided, at the end and in any order too', () => {
    const voided: Run[] = [
      [8, 9],
      [2, 3],
      [4, 4],
    ];
    expect(walkSequence(0, young(1, 5, 6, 7), voided, now)).toEqual({ floor: 9, holes: [] });
  });

  test('what was voided inside a hole is no part of it', () =>
    expect(walkSequence(0, old(6), [[2, 3]], now)).toEqual({
      floor: 6,
      holes: [
        [1, 1],
        [4, 5],
      ],
    }));

  test('what came, was voided or is a hole makes up everything below the floor', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 });
    fc.assert(
      fc.property(numbers, fc.integer({ min: 1, max: 60 }), (given, middle) => {
        const came = given.toSorted((a, b) => a - b).filter((n) => n !== middle);
        const { floor, holes } = walkSequence(0, old(...came), [[middle, middle]], now);
        const missing = holes.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, n) => first + n));
        const known = new Set([...came, middle]);
        for (let n = 1; n <= floor; n += 1) expect(known.has(n) !== missing.includes(n)).toBe(true);
        expect(floor).toBeGreaterThanOrEqual(came.at(-1) ?? 0);
      }),
    );
  });
});

test('a step of a hundred thousand is no jump, one more is', () => {
  expect(jumps(5, [5 + LARGEST_JUMP])).toBe(false);
  expect(jumps(5, [6 + LARGEST_JUMP])).toBe(true);
  expect(jumps(5, [6 + LARGEST_JUMP, 10])).toBe(false);
  expect(jumps(0, [3 * LARGEST_JUMP, LARGEST_JUMP, 1])).toBe(true);
  expect(jumps(500_000, [3])).toBe(false);
});
