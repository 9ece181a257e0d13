// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { describe, expect, test } from 'vitest';
import { isListedCode } from '../../src/domain/clause.ts';
import { checkCodeList } from '../../src/domain/code-import.ts';
import { type CodeList, shippedLists, withImported, withRetired } from '../../src/domain/code-lists.ts';
import { decideReceive } from '../../src/domain/policy.ts';
import { checkPolicy } from '../../src/domain/policy-check.ts';
import { checkReference } from '../../src/domain/reference.ts';
import { shippedCodeLists } from '../../src/wire/code-list.ts';
import { wireReference } from '../support/foreign-partner.ts';
import fc from '../support/property.ts';

const shipped = (name: string): CodeList => {
  const list = shippedCodeLists.find((one) => one.list === name);
  if (!list) throw new Error(`no list ${name}`);
  return list;
};
const category = shipped('category');
const next = (changes: Partial<CodeList> = {}): CodeList => ({
  ...category,
  version: '2027-01-01',
  codes: [...category.codes, { code: 'invented', title: 'Something invented' }],
  ...changes,
});
const refused = (list: CodeList, before: CodeList | undefined = category, lists = shippedLists) => {
  const refusal = checkCodeList(list, before, lists);
  return refusal && `${refusal.code} ${refusal.pointer}`;
};
const partner = 'https://node.hotline-b.example';
const policy = (wanted: Record<string, string[]>) => ({
  ...{ partner, version: 1, legal: { basis: 'Invented act', transfer: 'none' as const } },
  send: { rules: [] },
  receive: { rules: [{ id: 'wanted', when: wanted, then: 'accept' as const }] },
});
const reference = (changes: object) => wireReference(changes as Record<string, never>) as never;

describe('the next version of a list', () => {
  test('adds and retires codes', () => {
    const retired = category.codes.map((one) =>
      one.code === 'trafficking' ? { ...one, retired: true as const } : one,
    );
    expect(refused(next())).toBeUndefined();
    expect(refused(next({ codes: retired }))).toBeUndefined();
  });

  test.each([
    ['an older or equal version', next({ version: category.version }), 'state-conflict /version'],
    ['a version that is no day', next({ version: '2027-02-30' }), 'schema-invalid /version'],
    ['a code that is gone', next({ codes: category.codes.slice(1) }), 'schema-invalid /codes'],
    [
      'a code that means something else',
      next({ codes: category.codes.map((one) => ({ ...one, title: `${one.title}, or not` })) }),
      'schema-invalid /codes/0',
    ],
    [
      'a code that stands twice',
      next({ codes: [...category.codes, { code: 'csam', title: 'Again' }] }),
      `schema-invalid /codes/${category.codes.length}/code`,
    ],
    [
      'a code that the wire refuses',
      next({ codes: [...category.codes, { code: 'New', title: 'New' }] }),
      `schema-invalid /codes/${category.codes.length}/code`,
    ],
    ['a list that this program acts upon', next({ list: 'marking-tlp' }), 'code-unknown /list'],
    ['outcomes of a scheme that nobody registered', next({ list: 'assessment-invented' }), 'code-unknown /list'],
    ['a national scheme of no country', next({ list: 'assessment-national:UK' }), 'code-unknown /list'],
  ])('refuses %s', (_, list, refusal) => {
    expect(refused(list)).toBe(refusal);
  });

  test('does not bring back what was retired', () => {
    const before = next({ version: '2026-12-01', codes: [{ code: 'gone', title: 'Gone', retired: true }] });
    expect(refused(next({ codes: [{ code: 'gone', title: 'Gone' }] }), before)).toBe('schema-invalid /codes/0/retired');
  });

  test('fills a scheme that was registered empty, and one of a country', () => {
    const of = (list: string, code: string): CodeList => ({
      ...{ list, version: '2027-01-01', title: 'Outcomes' },
      codes: [{ code, title: 'An outcome' }],
    });
    expect(refused(of('assessment-inhope-ucs', 'X1'), shipped('assessment-inhope-ucs'))).toBeUndefined();
    expect(checkCodeList(of('assessment-national:DE-BY', 'A'), undefined, shippedLists)).toBeUndefined();
    const lists = withImported([of('assessment-inhope-ucs', 'X1'), of('assessment-national:DE', 'A')]);
    const claim = { version: '1', law: 'DE', method: 'viewed', at: '2026-11-20T10:00:00Z' };
    const wrong = (scheme: string, code: string, known = lists) =>
      checkReference(reference({ assessments: [{ ...claim, scheme, code }] }), {
        ...{ codes: 'listed', lists: known, profile: { loopback: false } },
      }).map(({ pointer }) => pointer);
    for (const scheme of ['inhope-ucs', 'national:DE']) {
      expect(wrong(scheme, 'whatever', shippedLists)).toEqual([]);
      expect(wrong(scheme, 'whatever')).toEqual(['/assessments/0/code']);
    }
    expect([wrong('inhope-ucs', 'X1'), wrong('national:DE', 'A')]).toEqual([[], []]);
  });
});

describe('after an import', () => {
  const lists = withImported([next()]);
  const wrong = (code: string, known = lists) =>
    checkReference(reference({ category: code }), {
      ...{ codes: 'listed', lists: known, profile: { loopback: false } },
    }).map((one) => one.code);

  test('the node API takes the code, a policy may name it, and a rule matches it', () => {
    expect([wrong('invented'), wrong('invented', shippedLists)]).toEqual([[], ['category-unknown']]);
    const draft = policy({ category: ['invented'] });
    expect(checkPolicy(draft, {}, lists).refusals).toEqual([]);
    expect(checkPolicy(draft).refusals).toMatchObject([{ code: 'category-unknown' }]);
    const asked = {
      reference: reference({ category: 'invented' }),
      originator: { issuer: partner, type: 'hotline', jurisdictions: ['NL'] },
    };
    const decide = (codes = shippedLists) => decideReceive({ ...asked, policy: draft, codes, now: 0 }).effect;
    expect([decide(lists), decide()]).toEqual(['accept', 'hold']);
  });

  test('a retired code still matches and is not used in what is new', () => {
    const codes = category.codes.map((one) => (one.code === 'grooming' ? { ...one, retired: true as const } : one));
    const known = withImported([next({ codes })]);
    expect(wrong('grooming', known)).toEqual(['category-unknown']);
    expect(wrong('grooming', withRetired(known))).toEqual([]);
    expect(isListedCode('category', 'grooming', known)).toBe(true);
  });

  test('nothing of a release is forgotten', () => {
    const known = withImported([next({ codes: [{ code: 'invented', title: 'Something invented' }] })]);
    expect(isListedCode('category', 'csam', known)).toBe(true);
  });
});

describe('a code that this node does not know', () => {
  const code = fc.stringMatching(/^[a-z0-9:-]{1,64}$/).filter((one) => !shippedLists.known.category?.includes(one));
  const originator = { issuer: partner, type: 'hotline', jurisdictions: ['NL'] };

  test('stands as it came and matches no list, whatever a policy or another node’s import names', () => {
    fc.assert(
      fc.property(code, fc.subarray([...(shippedLists.known.category ?? [])], { minLength: 1 }), (unknown, wanted) => {
        const came = reference({ category: unknown });
        expect(checkReference(came, { codes: 'open', profile: { loopback: false } })).toEqual([]);
        const decide = (list: string[]) =>
          decideReceive({ reference: came, originator, policy: policy({ category: list }), now: 0 }).effect;
        // A policy that names it was written where the code is known: here it is still nothing that can be matched.
        expect([decide([...wanted]), decide([...wanted, unknown])]).toEqual(['hold', 'hold']);
        expect(decide(['*'])).toBe('accept');
      }),
    );
  });

  test('and one that it knows is matched', () => {
    const decide = (list: string[]) =>
      decideReceive({
        reference: reference({ category: 'csam' }),
        originator,
        policy: policy({ category: list }),
        now: 0,
      });
    expect([decide(['csam']).effect, decide(['grooming']).effect]).toEqual(['accept', 'hold']);
  });
});
