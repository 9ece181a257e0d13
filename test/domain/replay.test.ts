import { describe, expect, test } from 'vitest';
import { readReplayGrant, readReplayRefusal, readReplayRequest } from '../../src/domain/replay.ts';
import { firstMissing, runsOf } from '../../src/domain/sequence.ts';
import fc from '../support/property.ts';

const epoch = '3d2c1b0a-9f8e-4d7c-8b6a-5f4e3d2c1b0a';
const asked = { epoch, from: 5 };

test('a request names an epoch and a number, and nothing else', () => {
  expect(readReplayRequest({ epoch, from: 0 })).toEqual({ epoch, from: 0 });
  for (const wrong of [undefined, [], { epoch }, { from: 1 }, { epoch, from: 1, to: 2 }, { epoch: 'x', from: 1 }])
    expect(readReplayRequest(wrong)).toBeUndefined();
});

describe('what a partner answers', () => {
  const grant = { epoch, from: 5, to: 9, messages: 4 };

  test('is believed where it answers what was asked', () => {
    expect(readReplayGrant({ ...grant, more: 'of a newer release' }, asked)).toEqual(grant);
    expect(readReplayGrant({ ...grant, to: 10_004 }, asked)).toMatchObject({ to: 10_004 });
    // Numbers begin at 1: from 0 on, a whole replay ends at the same number as from 1 on.
    const whole = { epoch, from: 0, to: 10_000, messages: 10_000 };
    expect(readReplayGrant(whole, { epoch, from: 0 })).toEqual(whole);
    expect(readReplayGrant({ ...whole, to: 10_001 }, { epoch, from: 0 })).toBeUndefined();
  });

  test.each([
    ['another epoch', { epoch: epoch.replace('3', '4') }],
    ['another beginning', { from: 4 }],
    ['an end before the beginning', { to: 4 }],
    ['more than one replay has', { to: 10_005 }],
    ['numbers as text', { messages: '4' }],
  ])('is not with %s', (_name, change) => expect(readReplayGrant({ ...grant, ...change }, asked)).toBeUndefined());

  test('as a refusal is one of two, and the oldest number is above the one that was asked for', () => {
    expect(readReplayRefusal({ err: 'cursor_in_future' }, asked)).toEqual({ err: 'cursor_in_future' });
    expect(readReplayRefusal({ err: 'cursor_too_old', oldest: 6 }, asked)).toEqual({
      err: 'cursor_too_old',
      oldest: 6,
    });
    for (const wrong of [null, { err: 'x' }, { err: 'cursor_too_old' }, { err: 'cursor_too_old', oldest: 5 }])
      expect(readReplayRefusal(wrong, asked)).toBeUndefined();
  });
});

test('numbers become runs, each once', () => {
  expect(runsOf([1, 2, 2, 3, 7, 9, 10])).toEqual([
    [1, 3],
    [7, 7],
    [9, 10],
  ]);
  expect(runsOf([])).toEqual([]);
});

test('the first missing number is neither among what came nor voided, and all before it are', () => {
  expect(firstMissing(3, [3, 4, 8], [[5, 6]])).toBe(7);
  expect(firstMissing(3, [], [])).toBe(3);
  expect(firstMissing(3, [3], [[4, 9]])).toBe(10);
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 30 })),
      fc.uniqueArray(fc.integer({ min: 1, max: 30 })),
      (a, b) => {
        const came = a.toSorted((one, other) => one - other);
        const voided = runsOf(b.toSorted((one, other) => one - other));
        const known = new Set([...a, ...b]);
        let wanted = 1;
        while (known.has(wanted)) wanted += 1;
        expect(firstMissing(1, came, voided)).toBe(wanted);
      },
    ),
  );
});
