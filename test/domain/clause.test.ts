import { describe, expect, it } from 'vitest';
import {
  type Answer,
  ageInDays,
  compare,
  conditionList,
  isListedCode,
  isPlace,
  together,
} from '../../src/domain/clause.ts';
import { codes } from '../../src/domain/codes.ts';
import type { Assessment, CaseReference, When } from '../../src/domain/contract.types.ts';
import fc from '../support/property.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const claim: Assessment = {
  scheme: 'iccam',
  version: '3',
  code: 'baseline',
  law: 'DE',
  method: 'viewed',
  at: '2026-11-20T10:00:00Z',
};
const base: CaseReference = {
  revision: 1,
  url: 'https://host.example/path',
  jurisdiction: { hosting: 'DE-BY', concerned: [{ country: 'NL', basis: 'victim' }] },
  category: 'csam',
  marking: { tlp: 'AMBER' },
  receivedAt: '2026-11-11T12:00:00Z',
};

function answer(when: When, over: Partial<CaseReference> = {}): Answer {
  return together(compare(when, { reference: { ...base, ...over }, partnerType: 'law-enforcement', now }));
}

describe('a condition', () => {
  const rows: [title: string, when: When, over: Partial<CaseReference>, wanted: Answer][] = [
    ['without a member matches', {}, {}, 'yes'],
    ['matches a listed category', { category: ['grooming', 'csam'] }, {}, 'yes'],
    ['does not match another category', { category: ['grooming'] }, {}, 'no'],
    ['needs every member to match', { category: ['csam'], 'marking.tlp': ['RED'] }, {}, 'no'],
    ['matches any value with *', { category: ['*'] }, { category: 'code-of-tomorrow' }, 'yes'],
    ['does not match an absent value with *', { role: ['*'] }, {}, 'unsaid'],
    ['matches the literal unknown where it is listed', { category: ['unknown'] }, { category: 'unknown' }, 'yes'],
    ['cannot tell an unknown value', { category: ['csam'] }, { category: 'unknown' }, 'unsaid'],
    ['cannot tell a code of tomorrow', { category: ['csam'] }, { category: 'code-of-tomorrow' }, 'unsaid'],
    ['never matches an unlisted code, even spelt the same', { category: ['novel'] }, { category: 'novel' }, 'unsaid'],
    ['for a country matches its subdivision', { 'jurisdiction.hosting': ['DE'] }, {}, 'yes'],
    ['for a subdivision matches that one', { 'jurisdiction.hosting': ['DE-BY'] }, {}, 'yes'],
    ['for a subdivision does not match another', { 'jurisdiction.hosting': ['DE-BE'] }, {}, 'no'],
    [
      'for a subdivision cannot tell from the country alone',
      { 'jurisdiction.hosting': ['DE-BY'] },
      { jurisdiction: { hosting: 'DE' } },
      'unsaid',
    ],
    ['for a country cannot tell XX', { 'jurisdiction.hosting': ['DE'] }, { jurisdiction: { hosting: 'XX' } }, 'unsaid'],
    [
      'for a country cannot tell an onion service',
      { 'jurisdiction.hosting': ['DE'] },
      { jurisdiction: { hosting: 'XO' } },
      'unsaid',
    ],
    ['matches XX where it is listed', { 'jurisdiction.hosting': ['XX'] }, { jurisdiction: { hosting: 'XX' } }, 'yes'],
    ['cannot tell an absent country', { 'jurisdiction.reporting': ['DE'] }, {}, 'unsaid'],
    ['matches one of several countries concerned', { 'jurisdiction.concerned': ['NL', 'FR'] }, {}, 'yes'],
    ['cannot tell absent features', { features: ['ai-generated'] }, {}, 'unsaid'],
    ['reads an empty list of features as none', { features: ['ai-generated'] }, { features: [] }, 'no'],
    ['reads absent urgency as routine', { 'urgency.level': ['routine'] }, {}, 'yes'],
    ['does not rule out an emergency that is not said', { 'urgency.level': ['emergency'] }, {}, 'unsaid'],
    [
      'rules out an emergency that is denied',
      { 'urgency.level': ['emergency'] },
      { urgency: { level: 'routine' } },
      'no',
    ],
    ['matches the kind of partner as recorded', { 'partner.type': ['law-enforcement'] }, {}, 'yes'],
    ['matches the kind of site', { 'site.type': ['forum'] }, { site: { type: 'forum' } }, 'yes'],
    ['matches an assessment', { 'assessment.code': ['baseline'] }, { assessments: [claim] }, 'yes'],
    [
      'matches the law of an assessment from above',
      { 'assessment.law': ['GB'] },
      { assessments: [{ ...claim, law: 'GB-SCT' }] },
      'yes',
    ],
    [
      'matches a code of a national scheme',
      { 'assessment.scheme': ['national:NL'], 'assessment.code': ['own-grade'] },
      { assessments: [{ ...claim, scheme: 'national:NL', code: 'own-grade' }] },
      'yes',
    ],
    ['matches an age within both ends', { ageDays: { min: 10, max: 10 } }, {}, 'yes'],
    ['does not match too young', { ageDays: { min: 11 } }, {}, 'no'],
    ['does not match too old', { ageDays: { max: 9 } }, {}, 'no'],
    ['cannot tell the age without an instant', { ageDays: { max: 9 } }, { receivedAt: undefined }, 'unsaid'],
  ];
  it.each(rows)('%s', (_title, when, over, wanted) => {
    expect(answer(when, over)).toBe(wanted);
  });

  it('asks all its members on assessments of one and the same assessment', () => {
    const automated = { ...claim, code: 'national', method: 'automated' };
    const when: When = { 'assessment.code': ['national'], 'assessment.method': ['viewed'] };
    expect(answer(when, { assessments: [claim, automated] })).toBe('no');
    expect(answer(when, { assessments: [{ ...claim, code: 'national' }, automated] })).toBe('yes');
  });

  it('does not complete one assessment with a claim of unknown outcome', () => {
    const when: When = { 'assessment.code': ['national'], 'assessment.method': ['viewed'] };
    const automated = { ...claim, code: 'national', method: 'automated' };
    expect(answer(when, { assessments: [automated, { ...claim, code: 'unknown' }] })).toBe('unsaid');
  });

  it.each([
    ['text', { category: 'csam' }],
    ['an object', { category: {} }],
    ['a list with a number in it', { category: ['csam', 1] }],
    ['null', { category: null }],
    ['an age as text', { ageDays: '3' }],
    ['an age of null', { ageDays: null }],
  ])('cannot be told where it is %s', (_title, when) => {
    expect(answer(when as unknown as When)).toBe('unsaid');
  });

  it('takes an age without ends for any age, and ends that are no numbers for none', () => {
    expect(answer({ ageDays: {} })).toBe('yes');
    expect(answer({ ageDays: { min: '99', max: '1' } } as unknown as When)).toBe('yes');
  });

  it('asks for nothing by a member that is undefined', () => {
    expect(answer({ category: undefined, role: undefined } as unknown as When)).toBe('yes');
  });

  it('cannot rule out one subdivision by its country, whatever else is listed', () => {
    expect(answer({ 'jurisdiction.hosting': ['US', 'DE-BY'] }, { jurisdiction: { hosting: 'DE' } })).toBe('unsaid');
  });

  it('cannot tell a place of no list, nor anything of the reduced form but what it says', () => {
    expect(answer({ 'jurisdiction.hosting': ['US'] }, { jurisdiction: { hosting: 'ZZ' } })).toBe('unsaid');
    const reduced = { revision: 1, url: base.url, category: 'csam', marking: base.marking };
    const told = (when: When) => together(compare(when, { reference: reduced, partnerType: 'hotline', now }));
    expect(told({ category: ['csam'], 'marking.tlp': ['AMBER'], 'urgency.level': ['routine'] })).toBe('yes');
    for (const member of ['jurisdiction.hosting', 'jurisdiction.reporting', 'jurisdiction.concerned'] as const)
      expect(told({ [member]: ['*'] })).toBe('unsaid');
    expect(told({ 'assessment.code': ['*'] })).toBe('unsaid');
    expect(told({ ageDays: { min: 0 } })).toBe('unsaid');
  });

  it('knows national schemes as schemes and as nothing else', () => {
    expect(isListedCode('assessment.scheme', 'national:NL')).toBe(true);
    expect(isListedCode('features', 'national:NL')).toBe(false);
    expect(isListedCode('weather', 'rain')).toBe(false);
  });

  it('does not match by a member that this node does not know', () => {
    expect(answer({ weather: ['rain'] } as When)).toBe('unsaid');
  });

  it('shows what it wanted and what it found', () => {
    const [clause] = compare({ 'jurisdiction.hosting': ['NL'] }, { reference: base, partnerType: 'hotline', now });
    expect(clause).toEqual({ member: 'jurisdiction.hosting', wanted: ['NL'], found: ['DE-BY'], answer: 'no' });
  });

  it('never matches a code that is in no list to a listed one', () => {
    const listed = fc.subarray([...codes.category], { minLength: 1 });
    const novel = fc
      .stringMatching(/^[a-z0-9:-]{1,64}$/)
      .filter((code) => !(codes.category as readonly string[]).includes(code));
    fc.assert(
      fc.property(listed, novel, (category, found) => {
        expect(answer({ category }, { category: found })).toBe('unsaid');
      }),
    );
  });
});

describe('the members of a condition', () => {
  it('list values, and some of them ask for places', () => {
    expect(conditionList({ role: ['source'], category: ['csam'] }, 'category')).toEqual(['csam']);
    expect(conditionList({ category: 'csam' }, 'category')).toBeUndefined();
    expect(conditionList({ role: ['source'] }, 'category')).toBeUndefined();
    expect([isPlace('assessment.law'), isPlace('assessment.code')]).toEqual([true, false]);
  });
});

describe('the age of a reference', () => {
  it('is whole days since it was received, else observed', () => {
    expect(ageInDays(base, now)).toBe(10);
    expect(ageInDays({ ...base, receivedAt: undefined, observedAt: '2026-11-20T12:00:01Z' }, now)).toBe(0);
    expect(ageInDays({ ...base, receivedAt: undefined }, now)).toBeUndefined();
    expect(ageInDays({ ...base, receivedAt: '2026-11-21T12:00:01Z' }, now)).toBe(0);
  });
});
