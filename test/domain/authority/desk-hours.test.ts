import { describe, expect, test } from 'vitest';
import { deadlineOf } from '../../../src/domain/authority/desk-hours.ts';
import fc from '../../support/property.ts';

const HOUR = 3_600_000;
const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri'] as const;
const office = (timezone: string) => ({
  timezone,
  hours: [{ days: [...weekdays], from: '08:00', to: '16:00' }],
});
const at = (text: string) => Date.parse(text);
const berlin = (instant: number) =>
  (instant >= at('2026-03-29T01:00:00Z') && instant < at('2026-10-25T01:00:00Z') ? 2 : 1) * HOUR;
const deadline = (asked: string, withinHours: number, desk = office('Europe/Berlin'), offset = berlin) =>
  new Date(deadlineOf(at(asked), { withinHours, desk }, offset)).toISOString();

describe('the deadline of a desk', () => {
  test('is so many hours later where no hours are recorded, a day where nothing is', () => {
    const plain = (given: object) => deadlineOf(at('2026-11-20T10:00:00Z'), given, berlin);
    expect(plain({ withinHours: 4 })).toBe(at('2026-11-20T14:00:00Z'));
    expect(plain({})).toBe(at('2026-11-21T10:00:00Z'));
  });

  test.each([
    ['within a day', '2026-11-19T08:00:00Z', 4, '2026-11-19T12:00:00.000Z'],
    ['over a night', '2026-11-19T13:00:00Z', 4, '2026-11-20T09:00:00.000Z'],
    ['over a week-end', '2026-11-20T14:00:00Z', 4, '2026-11-23T10:00:00.000Z'],
    ['asked at night', '2026-11-18T23:30:00Z', 2, '2026-11-19T09:00:00.000Z'],
    ['of 24 hours of the desk, three days', '2026-11-16T07:00:00Z', 24, '2026-11-18T15:00:00.000Z'],
  ])('%s', (_, asked, hours, wanted) => {
    expect(deadline(asked, hours)).toBe(wanted);
  });

  test('follows the desk’s own clock when summer time begins and ends', () => {
    expect(deadline('2026-03-27T15:30:00Z', 1)).toBe('2026-03-30T07:00:00.000Z');
    expect(deadline('2026-10-23T14:30:00Z', 1)).toBe('2026-10-26T08:00:00.000Z');
  });

  test('counts hours once where shifts overlap, and a night shift over midnight', () => {
    const shifts = (hours: object[]) => ({ timezone: 'UTC', hours }) as ReturnType<typeof office>;
    const utc = () => 0;
    const overlapping = shifts([
      { days: ['thu'], from: '08:00', to: '12:00' },
      { days: ['thu'], from: '10:00', to: '14:00' },
    ]);
    expect(deadline('2026-11-19T08:00:00Z', 6, overlapping, utc)).toBe('2026-11-19T14:00:00.000Z');
    const night = shifts([
      { days: ['thu'], from: '22:00', to: '24:00' },
      { days: ['fri'], from: '00:00', to: '06:00' },
    ]);
    expect(deadline('2026-11-19T22:00:00Z', 4, night, utc)).toBe('2026-11-20T02:00:00.000Z');
  });

  test('comes to an end with a desk that is hardly ever staffed', () => {
    const rare = { timezone: 'UTC', hours: [{ days: ['mon' as const], from: '08:00', to: '08:01' }] };
    expect(deadlineOf(at('2026-11-19T08:00:00Z'), { withinHours: 720, desk: rare as never }, () => 0)).toBeGreaterThan(
      0,
    );
  });

  test('is never sooner than the hours asked for, and never before a longer one', () => {
    const asked = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z') });
    fc.assert(
      fc.property(asked, fc.integer({ min: 1, max: 720 }), (instant, hours) => {
        const of = (withinHours: number) => deadlineOf(instant, { withinHours, desk: office('Europe/Berlin') }, berlin);
        expect(of(hours)).toBeGreaterThanOrEqual(instant + hours * HOUR);
        expect(of(hours + 1)).toBeGreaterThan(of(hours));
      }),
    );
  });
});
