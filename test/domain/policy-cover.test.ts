import { describe, expect, it } from 'vitest';
import { compare, together } from '../../src/domain/clause.ts';
import type { Assessment, CaseReference, When } from '../../src/domain/contract.types.ts';
import { coveredBy } from '../../src/domain/policy/cover.ts';
import fc from '../support/property.ts';

const now = Date.parse('2026-11-21T12:00:00Z');

interface Named {
  readonly id: string;
  readonly when: When;
}

function takers(when: When, ...before: When[]): string | undefined {
  const rules: Named[] = before.map((earlier, index) => ({ id: String(index), when: earlier }));
  return coveredBy(when, rules)
    ?.map(({ id }) => id)
    .join();
}

describe('a rule is taken by those before it', () => {
  const rows: [title: string, when: When, before: When[], by: string | undefined][] = [
    ['that ask the same', { category: ['csam'] }, [{ category: ['csam'] }], '0'],
    ['that ask for less', { category: ['csam'], role: ['source'] }, [{ category: ['csam'] }], '0'],
    ['that list more', { category: ['csam'] }, [{ category: ['grooming', 'csam'] }], '0'],
    ['that take anything', { features: ['ai-generated'] }, [{ category: ['*'] }], '0'],
    ['that take any value of the member', { role: ['source'] }, [{ role: ['*'] }], '0'],
    ['by the country of a subdivision', { 'assessment.law': ['GB-SCT'] }, [{ 'assessment.law': ['GB'] }], '0'],
    ['code by code', { category: ['csam', 'grooming'] }, [{ category: ['csam'] }, { category: ['grooming'] }], '0,1'],
    [
      'code by code over two members',
      { category: ['csam', 'grooming'], role: ['source', 'content'] },
      [
        { category: ['csam'], role: ['source'] },
        { category: ['livestream'] },
        { role: ['content'] },
        { category: ['*'] },
      ],
      '3',
    ],
    [
      'that share it out, naming only those that take something',
      { category: ['csam', 'grooming'] },
      [{ role: ['source'] }, { category: ['grooming'] }, { category: ['csam'] }],
      '1,2',
    ],
    ['by an age within theirs', { ageDays: { min: 2, max: 3 } }, [{ ageDays: { max: 3 } }], '0'],
    ['by any age', { ageDays: { max: 3 } }, [{ ageDays: { min: 0 } }], '0'],
    [
      'not where one code is left',
      { category: ['csam', 'other-child-protection'] },
      [{ category: ['csam'] }],
      undefined,
    ],
    ['not by a subdivision', { 'jurisdiction.hosting': ['DE'] }, [{ 'jurisdiction.hosting': ['DE-BY'] }], undefined],
    ['not by a list that names every code', { 'urgency.level': ['*'] }, [{ 'urgency.level': ['routine'] }], undefined],
    ['not where theirs may be absent', { category: ['csam'] }, [{ role: ['*'] }], undefined],
    ['not by an age that a reference may not tell', { category: ['csam'] }, [{ ageDays: { min: 0 } }], undefined],
    ['not by an age that ends before', { ageDays: { max: 4 } }, [{ ageDays: { max: 3 } }], undefined],
    ['not by an age that begins after', { ageDays: { min: 1 } }, [{ ageDays: { min: 2 } }], undefined],
    ['not by none', { category: ['csam', 'grooming'] }, [], undefined],
  ];
  it.each(rows)('%s', (_title, when, before, by) => {
    expect(takers(when, ...before)).toBe(by);
  });

  it('and says nothing where there are very many combinations', () => {
    const many = Array.from({ length: 40 }, (_, n) => `c${n}`);
    const halves: When[] = [{ role: ['source'] }, { role: ['content'] }];
    expect(takers({ role: ['source', 'content'], category: many.slice(0, 32) }, ...halves)).toBe('0,1');
    expect(takers({ role: ['source', 'content'], category: many }, ...halves)).toBeUndefined();
  });
});

const category = fc.constantFrom('csam', 'grooming', 'unknown', 'of-tomorrow');
const place = fc.constantFrom('NL', 'DE', 'DE-BY', 'XX');
const listOf = (code: fc.Arbitrary<string>) =>
  fc.uniqueArray(fc.oneof({ arbitrary: code, weight: 5 }, fc.constant('*')), { minLength: 1, maxLength: 3 });
const outcome = fc.constantFrom('baseline', 'national');
const method = fc.constantFrom('viewed', 'automated');
const anyWhen = fc.record(
  {
    category: listOf(category),
    'jurisdiction.hosting': listOf(place),
    'assessment.code': listOf(outcome),
    'assessment.method': listOf(method),
    'urgency.level': listOf(fc.constantFrom('routine', 'emergency')),
    ageDays: fc.record({ min: fc.nat(3), max: fc.nat(3) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<When>;
const anyClaim = fc
  .record({ code: outcome, method })
  .map((claim): Assessment => ({ scheme: 'iccam', version: '3', at: '2026-11-20T10:00:00Z', ...claim }));
const anyReference = fc
  .record(
    {
      category,
      hosting: place,
      assessments: fc.array(anyClaim, { maxLength: 2 }),
      urgency: fc.constantFrom({ level: 'routine' }, { level: 'emergency', code: 'live-now' }),
      receivedAt: fc.constantFrom('2026-11-21T10:00:00Z', '2026-11-19T10:00:00Z'),
    },
    { requiredKeys: ['category'] },
  )
  .map(({ hosting, ...rest }) => ({
    revision: 1,
    url: 'https://host.example/path',
    marking: { tlp: 'AMBER' },
    jurisdiction: hosting === undefined ? { reporting: 'DE' } : { hosting },
    ...rest,
  })) as fc.Arbitrary<CaseReference>;

describe('whatever the rules', () => {
  it('one that is called covered is reached by no reference', () => {
    let covered = 0;
    fc.assert(
      fc.property(
        anyWhen,
        fc.array(anyWhen, { minLength: 1, maxLength: 4 }),
        fc.array(anyReference, { minLength: 12, maxLength: 12 }),
        (when, before, references) => {
          const named = before.map((earlier, id) => ({ id, when: earlier }));
          const by = coveredBy(when, named);
          if (by === undefined) return;
          covered += 1;
          for (const reference of references) {
            const matches = (one: When) => together(compare(one, { reference, partnerType: 'hotline', now })) === 'yes';
            if (matches(when)) expect(by.some((taker) => matches(taker.when))).toBe(true);
          }
        },
      ),
      { numRuns: 3000 },
    );
    expect(covered).toBeGreaterThan(60);
  });
});
