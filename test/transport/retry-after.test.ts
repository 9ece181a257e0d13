import { expect, test } from 'vitest';
import { readRetryAfter } from '../../src/transport/retry-after.ts';

const now = Date.parse('2026-11-21T10:00:00Z');

test.each([
  ['120', 120_000],
  ['0', 0],
  ['Sat, 21 Nov 2026 10:01:30 GMT', 90_000],
  ['Sat, 21 Nov 2026 09:00:00 GMT', 0],
])('%s is so many milliseconds from now', (header, delay) => expect(readRetryAfter(header, now)).toBe(delay));

test.each([undefined, '', '-5', '1.5', 'soon', '9'.repeat(40), ['1', '2']])('%s says nothing', (header) =>
  expect(readRetryAfter(header, now)).toBeUndefined(),
);
