import { describe, expect, it, test } from 'vitest';
import { isDate, isInstant, isoInstant } from '../../src/domain/instant.ts';

describe('an instant is', () => {
  test.each(['2026-11-20T10:00:00Z', '2028-02-29T00:00:00Z', '2026-12-31T23:59:59Z', '1970-01-01T00:00:00Z'])(
    '%s',
    (text) => {
      expect(isInstant(text)).toBe(true);
    },
  );

  test.each([
    ['a day that the month does not have', '2026-02-31T10:00:00Z'],
    ['the leap day of a common year', '2026-02-29T10:00:00Z'],
    ['a thirteenth month', '2026-13-01T10:00:00Z'],
    ['the hour 24', '2026-11-20T24:00:00Z'],
    ['a leap second', '2026-12-31T23:59:60Z'],
    ['an offset', '2026-11-20T10:00:00+01:00'],
    ['fractions', '2026-11-20T10:00:00.000Z'],
    ['small letters', '2026-11-20t10:00:00z'],
    ['a space for the T', '2026-11-20 10:00:00Z'],
    ['no zone', '2026-11-20T10:00:00'],
    ['a date', '2026-11-20'],
    ['a trailing line feed', '2026-11-20T10:00:00Z\n'],
    ['nothing', ''],
  ])('not %s', (_, text) => {
    expect(isInstant(text)).toBe(false);
  });
});

describe('a date is', () => {
  test.each(['2027-05-21', '2028-02-29', '9999-12-31'])('%s', (text) => {
    expect(isDate(text)).toBe(true);
  });

  test.each([
    '2027-02-29',
    '2027-04-31',
    '2027-00-10',
    '2027-5-21',
    '20270521',
    '2027-05-21T00:00:00Z',
    '2027-05-21\n',
    '',
  ])('not "%s"', (text) => {
    expect(isDate(text)).toBe(false);
  });
});

describe('milliseconds', () => {
  it('are written without their fraction', () => {
    expect(isoInstant(1_795_000_000_999)).toBe('2026-11-18T11:06:40Z');
    expect(isInstant(isoInstant(0))).toBe(true);
  });

  it('that are no time are written as nothing', () => {
    expect(isoInstant(Number.NaN)).toBe('');
    expect(isoInstant(9e15)).toBe('');
  });
});
