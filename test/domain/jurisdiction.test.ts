import { describe, expect, it, test } from 'vitest';
import { checkJurisdiction, isJurisdiction, within } from '../../src/domain/jurisdiction.ts';

describe('a jurisdiction is', () => {
  test.each(['DE', 'NL', 'GB', 'GB-SCT', 'DE-BY', 'FR-75', 'US-CA', 'XK', 'XX', 'XO'])('%s', (code) => {
    expect(checkJurisdiction(code, '')).toBeUndefined();
    expect(isJurisdiction(code)).toBe(true);
  });
});

describe('jurisdiction-invalid', () => {
  test.each([
    '',
    'ZZ',
    'EU',
    'DEU',
    'D',
    '276',
    'DE-',
    'DE-BAYERN',
    'DE_BY',
    'ZZ-BY',
    'XX-1',
    'XO-1',
    'DE-by',
    'constructor',
    'DE\n',
  ])('"%s"', (code) => {
    expect(checkJurisdiction(code, '/jurisdiction/hosting')).toMatchObject({
      code: 'jurisdiction-invalid',
      pointer: '/jurisdiction/hosting',
    });
  });

  test.each([
    ['uk', '"GB"'],
    ['UK', '"GB"'],
    ['Uk', '"GB"'],
    ['UK-SCT', '"GB-SCT"'],
    ['uk-sct', '"GB-SCT"'],
    ['EL', '"GR"'],
    ['de', '"DE"'],
    ['de-by', '"DE-BY"'],
    ['xx', '"XX"'],
  ])('%s, and the next step names %s', (code, named) => {
    const refusal = checkJurisdiction(code, '');
    expect(refusal?.code).toBe('jurisdiction-invalid');
    expect(refusal?.next).toContain(named);
  });
});

describe('a place', () => {
  it('lies within its country and itself', () => {
    expect(within('DE-BY', 'DE')).toBe(true);
    expect(within('DE', 'DE')).toBe(true);
    expect(within('DE-BY', 'DE-BY')).toBe(true);
  });

  it('does not hold its country, nor its neighbour, nor a code that merely begins alike', () => {
    expect(within('DE', 'DE-BY')).toBe(false);
    expect(within('DE-BY', 'DE-B')).toBe(false);
    expect(within('AT-9', 'DE')).toBe(false);
    expect(within('DEX', 'DE')).toBe(false);
  });
});
