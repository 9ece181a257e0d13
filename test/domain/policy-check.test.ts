import { describe, expect, it } from 'vitest';
import type { Policy } from '../../src/domain/contract.types.ts';
import { checkDeny, checkPolicy } from '../../src/domain/policy-check.ts';

const example: Policy = JSON.parse(`{"partner":"https://node.police-b.example","version":3,
 "legal":{"basis":"Invented Act","agreement":"Invented agreement","transfer":"none","route":"own-police","reviewBy":"2027-11-20"},
 "send":{"rules":[
    {"id":"hosted-there","when":{"category":["csam"],"jurisdiction.hosting":["NL"]},"then":"send"},
    {"id":"others-by-hand","when":{"category":["*"]},"then":"hold"}],
  "disclose":{"handles":"never","url":true,"assessments":true,"site":true,"access":false,"hosting":true,"report":false},
  "marking":{"tlpFloor":"AMBER","portal":"national","onward":"none"},"retainDays":365},
 "receive":{"rules":[{"id":"all","when":{"category":["*"]},"then":"accept"}],
  "perMinute":6000,"withdrawalsPerHour":20,"emergenciesPerDay":10,"mayHold":true,"inquiries":"manual","purgeAfterHours":72,"bindingAssessments":["baseline"]},
 "security":{"algs":["Ed25519"],"encryption":"required","receiptWithinHours":24}}`);

/** The example with one part of it replaced by JSON. */
function mended(change: (draft: { send: object; receive: object }) => void): Policy {
  const draft = structuredClone(example);
  change(draft);
  return draft;
}

function withRules(...rules: [id: string, when: object, effect: string][]): Policy {
  const list = rules.map(([id, when, effect]) =>
    Object.fromEntries([
      ['id', id],
      ['when', when],
      ['then', effect],
    ]),
  );
  return { ...example, send: { ...example.send, rules: list as unknown as Policy['send']['rules'] } };
}

function refused(policy: Policy) {
  return checkPolicy(policy).refusals.map(({ code, pointer }) => [code, pointer]);
}

function warned(policy: Policy) {
  return checkPolicy(policy).warnings.map(({ pointer, message }) => `${pointer} ${message}`);
}

describe('the check of a policy', () => {
  it('finds nothing in the published example', () => {
    expect(checkPolicy(example)).toEqual({ refusals: [], warnings: [] });
  });

  const refusals: [title: string, policy: Policy, wanted: [string, string][]][] = [
    [
      'two rules of one id',
      withRules(['a', { category: ['csam'] }, 'hold'], ['a', { category: ['grooming'] }, 'hold']),
      [['policy-invalid', '/send/rules/1/id']],
    ],
    [
      'a rule named like a gate',
      withRules(['legal-basis', { category: ['csam'] }, 'hold']),
      [['policy-invalid', '/send/rules/0/id']],
    ],
    [
      'a rule named like a deny',
      withRules(['deny:x', { category: ['csam'] }, 'hold']),
      [['policy-invalid', '/send/rules/0/id']],
    ],
    [
      'an unknown category',
      withRules(['a', { category: ['csam', 'novel'] }, 'hold']),
      [['category-unknown', '/send/rules/0/when/category/1']],
    ],
    [
      'an unknown code',
      withRules(['a', { 'site.type': ['novel'] }, 'hold']),
      [['code-unknown', '/send/rules/0/when/site.type/0']],
    ],
    [
      'a country that is none',
      withRules(['a', { 'jurisdiction.hosting': ['ZZ'] }, 'hold']),
      [['jurisdiction-invalid', '/send/rules/0/when/jurisdiction.hosting/0']],
    ],
    [
      'the usual slip for GB',
      withRules(['a', { 'jurisdiction.hosting': ['UK'] }, 'hold']),
      [['jurisdiction-invalid', '/send/rules/0/when/jurisdiction.hosting/0']],
    ],
    [
      'an unknown outcome',
      withRules(['a', { 'assessment.code': ['novel'] }, 'hold']),
      [['code-unknown', '/send/rules/0/when/assessment.code/0']],
    ],
    ['an empty list', withRules(['a', { category: [] }, 'hold']), [['policy-invalid', '/send/rules/0/when/category']]],
    [
      'ages the wrong way round',
      withRules(['a', { ageDays: { min: 5, max: 4 } }, 'hold']),
      [['policy-invalid', '/send/rules/0/when/ageDays']],
    ],
    [
      'a day that does not exist',
      { ...example, legal: { basis: 'Invented Act', transfer: 'none', reviewBy: '2027-02-29' } },
      [['policy-invalid', '/legal/reviewBy']],
    ],
    [
      'an unknown portal',
      mended((draft) => Object.assign(draft.send, { marking: { portal: 'novel' } })),
      [['marking-invalid', '/send/marking/portal']],
    ],
    [
      'an algorithm that nobody verifies',
      mended((draft) => Object.assign(draft, { security: { algs: ['Ed25519', 'HS256'] } })),
      [['policy-invalid', '/security/algs/1']],
    ],
    [
      'no algorithm at all',
      mended((draft) => Object.assign(draft, { security: { algs: [] } })),
      [['policy-invalid', '/security/algs']],
    ],
    [
      'an unknown binding assessment',
      mended((draft) => Object.assign(draft.receive, { bindingAssessments: ['novel'] })),
      [['code-unknown', '/receive/bindingAssessments/0']],
    ],
    [
      'the same in rules for receiving',
      mended((draft) => Object.assign(draft.receive, { rules: [{ id: 'a', when: { category: ['novel'] } }] })),
      [['category-unknown', '/receive/rules/0/when/category/0']],
    ],
  ];
  it.each(refusals)('refuses %s', (_title, policy, wanted) => {
    expect(refused(policy)).toEqual(wanted);
  });

  it('names GB where somebody wrote UK', () => {
    const [refusal] = checkPolicy(withRules(['a', { 'jurisdiction.hosting': ['UK'] }, 'hold'])).refusals;
    expect(refusal?.next).toContain('GB');
  });

  it('does not stumble over a scheme named like a member of every object', () => {
    const policy = withRules(['a', { 'assessment.scheme': ['constructor'], 'assessment.code': ['baseline'] }, 'hold']);
    expect(refused(policy)).toEqual([['code-unknown', '/send/rules/0/when/assessment.scheme/0']]);
  });

  it('takes outcomes of a national scheme that the rule names, and the same id on both sides', () => {
    const policy = withRules([
      'all',
      { 'assessment.scheme': ['national:NL'], 'assessment.code': ['own-grade'] },
      'send',
    ]);
    expect(checkPolicy(policy)).toEqual({ refusals: [], warnings: [] });
  });

  const warnings: [title: string, policy: Policy, wanted: string][] = [
    [
      'a missing legal basis',
      { ...example, legal: undefined },
      ' No legal basis is recorded: whatever the rules say, nothing is sent.',
    ],
    ['no rules', withRules(), '/send/rules There is no rule: everything is withheld.'],
    [
      'a rule that sends everything',
      withRules(['a', { category: ['*'] }, 'send']),
      '/send/rules/0 Rule a sends everything that reaches it.',
    ],
    [
      'a rule behind one that takes everything',
      withRules(['a', { category: ['*'] }, 'hold'], ['b', { 'site.type': ['forum'] }, 'send']),
      '/send/rules/1 Rule b is never reached: rule a before it takes all that it would.',
    ],
    [
      'a rule for a subdivision behind its country',
      withRules(
        ['a', { 'jurisdiction.hosting': ['DE'] }, 'hold'],
        ['b', { 'jurisdiction.hosting': ['DE-BY'], category: ['csam'] }, 'send'],
      ),
      '/send/rules/1 Rule b is never reached: rule a before it takes all that it would.',
    ],
    [
      'a rule for a narrower age',
      withRules(['a', { ageDays: { max: 9 } }, 'hold'], ['b', { ageDays: { min: 1, max: 9 } }, 'send']),
      '/send/rules/1 Rule b is never reached: rule a before it takes all that it would.',
    ],
    [
      'an outcome that no scheme named has',
      withRules(['a', { 'assessment.scheme': ['iccam'], 'assessment.code': ['A1'] }, 'hold']),
      '/send/rules/0/when Rule a can never match: none of the schemes has any of the codes.',
    ],
    [
      'automated baseline',
      withRules(['a', { 'assessment.code': ['baseline'], 'assessment.method': ['automated'] }, 'hold']),
      '/send/rules/0/when Rule a can never match: an automated assessment is never baseline.',
    ],
    [
      'a code beside *',
      withRules(['a', { category: ['*', 'csam'] }, 'hold']),
      '/send/rules/0/when/category "*" takes any value: the others beside it have no effect.',
    ],
    [
      'a portal for a label that closes portals',
      mended((draft) => Object.assign(draft.send, { marking: { tlpFloor: 'RED', portal: 'national' } })),
      '/send/marking/portal RED is never shown in a portal, so this has no effect.',
    ],
    [
      'more a minute than a day',
      mended((draft) => Object.assign(draft.send, { perMinute: 10, perDay: 5 })),
      '/send/perMinute More a minute than a day: the limit a minute has no effect.',
    ],
  ];
  it.each(warnings)('warns of %s', (_title, policy, wanted) => {
    expect(checkPolicy(policy).refusals).toEqual([]);
    expect(warned(policy)).toEqual([wanted]);
  });

  it('does not take a rule for shadowed that asks for less, or for something else', () => {
    const policy = withRules(
      ['narrow', { category: ['csam'], 'jurisdiction.hosting': ['DE-BY'] }, 'hold'],
      ['wider', { category: ['csam'], 'jurisdiction.hosting': ['DE', 'FR'] }, 'hold'],
      ['half', { category: ['csam', 'grooming'], 'jurisdiction.hosting': ['DE-BY'] }, 'hold'],
      ['other', { 'site.type': ['*'] }, 'hold'],
      ['last', { 'urgency.level': ['emergency'] }, 'hold'],
    );
    expect(checkPolicy(policy)).toEqual({ refusals: [], warnings: [] });
  });
});

describe('the check of a deny', () => {
  const refusalsOf = (deny: object) =>
    checkDeny({ id: 'd', ground: 'legal', ...deny }).map(({ code, pointer, next }) => ({ code, pointer, next }));

  it('takes places and codes that exist', () => {
    expect(refusalsOf({ destination: ['NL', 'DE-BY', 'XK'], when: { category: ['csam', 'grooming'] } })).toEqual([]);
  });

  it.each([
    [{ destination: ['NL', 'UK'] }, '/destination/1', /"GB"/],
    [{ destination: ['QQ'] }, '/destination/0', /3166/],
    [{ when: { category: ['csma'] } }, '/when/category/0', /category\.json/],
    [{ when: { 'jurisdiction.hosting': ['uk'] } }, '/when/jurisdiction.hosting/0', /"GB"/],
  ])('refuses %j at %s', (deny, pointer, next) => {
    expect(refusalsOf(deny)).toEqual([{ code: 'policy-invalid', pointer, next: expect.stringMatching(next) }]);
  });
});
