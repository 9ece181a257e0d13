import { describe, expect, test } from 'vitest';
import { dueFor, narrow, standingOf } from '../../src/domain/accreditation.ts';
import { within } from '../../src/domain/jurisdiction.ts';
import fc from '../support/property.ts';

const DAY = 86_400_000;
const now = Date.parse('2026-11-20T12:00:00Z');
const active = { state: 'active', until: '2027-06-01', usedAt: now - DAY } as const;

describe('an accreditation is in force', () => {
  test('on its last day, and not on the day after', () => {
    const last = { ...active, until: '2026-11-20' };
    expect(standingOf(last, Date.parse('2026-11-20T23:59:59.999Z'))).toBe('in-force');
    expect(standingOf(last, Date.parse('2026-11-21T00:00:00Z'))).toBe('expired');
  });

  test('while it is used: after 90 days without use it is not', () => {
    expect(standingOf({ ...active, usedAt: now - 90 * DAY + 1 }, now)).toBe('in-force');
    expect(standingOf({ ...active, usedAt: now - 90 * DAY }, now)).toBe('unused');
  });

  test('unless it was suspended, or its end cannot be read', () => {
    expect(standingOf({ ...active, state: 'suspended' }, now)).toBe('suspended');
    expect(standingOf({ ...active, until: 'some day' }, now)).toBe('expired');
  });
});

test.each([
  ['nothing', {}, []],
  ['an end within 30 days', { until: '2026-12-19' }, ['ends-soon']],
  ['an end that is over', { until: '2026-11-19' }, ['expired']],
  ['no use for 60 days', { usedAt: now - 60 * DAY }, ['unused']],
  ['both', { until: '2026-12-01', usedAt: now - 70 * DAY }, ['ends-soon', 'unused']],
  ['a suspension', { state: 'suspended' as const }, ['suspended']],
])('%s makes it due', (_name, change, due) => expect(dueFor({ ...active, ...change }, now)).toEqual(due));

describe('claims of an identity provider', () => {
  const accredited = { unit: 'Child protection', jurisdictions: ['DE', 'NL'] };

  test.each([
    ['nothing', {}, accredited],
    ['a country of it', { jurisdictions: ['NL'] }, { ...accredited, jurisdictions: ['NL'] }],
    ['a state of it', { jurisdictions: ['DE-BY'] }, { ...accredited, jurisdictions: ['DE-BY'] }],
    ['one of it and another', { jurisdictions: ['FR', 'NL'] }, { ...accredited, jurisdictions: ['NL'] }],
    ['a part of the unit', { unit: 'Child protection/Team 2' }, { ...accredited, unit: 'Child protection/Team 2' }],
  ])('that say %s narrow it', (_name, claimed, left) => expect(narrow(accredited, claimed)).toEqual(left));

  test('that say more than a state leave the state', () => {
    expect(narrow({ unit: 'U', jurisdictions: ['DE-BY'] }, { jurisdictions: ['DE'] })?.jurisdictions).toEqual([
      'DE-BY',
    ]);
  });

  test.each([
    ['another country', { jurisdictions: ['FR'] }],
    ['no country', { jurisdictions: [] }],
    ['another unit', { unit: 'Traffic' }],
    ['a unit whose name only begins alike', { unit: 'Child protection 2' }],
    ['no unit', { unit: '' }],
  ])('that say %s leave nothing', (_name, claimed) => expect(narrow(accredited, claimed)).toBeUndefined());

  test('never widen it', () => {
    const codes = fc.array(fc.constantFrom('DE', 'DE-BY', 'DE-BE', 'NL', 'FR', 'FR-75', 'XX'), { maxLength: 5 });
    fc.assert(
      fc.property(codes, codes, (own, claimed) => {
        const left = narrow({ unit: 'U', jurisdictions: own }, { jurisdictions: claimed });
        return (left?.jurisdictions ?? []).every(
          (code) => own.some((one) => within(code, one)) && claimed.some((one) => within(code, one)),
        );
      }),
    );
  });
});
