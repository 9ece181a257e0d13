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
    [
      'more a minute than a day',
      mended((draft) => Object.assign(draft.send, { perMinute: 10, perDay: 5 })),
      [['policy-invalid', '/send/perMinute']],
    ],
    [
      'the same on the other side',
      mended((draft) => Object.assign(draft.receive, { perMinute: 6000, perDay: 5999 })),
      [['policy-invalid', '/receive/perMinute']],
    ],
    [
      'more emergencies a day than references',
      mended((draft) => Object.assign(draft.receive, { perMinute: 1, perDay: 9 })),
      [['policy-invalid', '/receive/emergenciesPerDay']],
    ],
    [
      'holds that are taken, and none a day',
      mended((draft) => Object.assign(draft.receive, { mayHold: true, holdsPerDay: 0 })),
      [['policy-invalid', '/receive/holdsPerDay']],
    ],
    [
      'an instruction that asks for nothing known, on no basis',
      mended((draft) => Object.assign(draft.send, { industry: { requested: 'novel', legalBasis: 'unknown' } })),
      [
        ['code-unknown', '/send/industry/requested'],
        ['code-unknown', '/send/industry/legalBasis'],
      ],
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
      'a rule that two others share out',
      withRules(
        ['a', { category: ['csam'] }, 'hold'],
        ['b', { category: ['grooming'] }, 'hold'],
        ['c', { category: ['csam', 'grooming'], role: ['source'] }, 'send'],
      ),
      '/send/rules/2 Rule c is never reached: rules a and b before it take all that it would.',
    ],
    [
      'automated assessments of codes of which their scheme has baseline alone',
      withRules([
        'a',
        {
          'assessment.scheme': ['iccam'],
          'assessment.code': ['baseline', 'A1'],
          'assessment.method': ['automated'],
        },
        'hold',
      ]),
      '/send/rules/0/when Rule a can never match: an automated assessment is never baseline.',
    ],
    [
      'a limit a day that the limit a minute never reaches',
      mended((draft) => Object.assign(draft.send, { perMinute: 1, perDay: 1441 })),
      '/send/perDay The limit a minute lets less through in a day than this allows, so this has no effect.',
    ],
    [
      'a limit that sends nothing, whatever else is allowed',
      mended((draft) => Object.assign(draft.send, { perMinute: 10, perDay: 0 })),
      '/send/perDay Nothing is sent: the limit a day is 0.',
    ],
    [
      'a limit that takes nothing',
      mended((draft) => Object.assign(draft.receive, { perDay: 0 })),
      '/receive/perDay Nothing is taken: the limit a day is 0.',
    ],
    [
      'withdrawals that all wait',
      mended((draft) => Object.assign(draft.receive, { withdrawalsPerHour: 0 })),
      '/receive/withdrawalsPerHour No withdrawal is followed by itself: each waits for the operator.',
    ],
    [
      'emergencies that are none',
      mended((draft) => Object.assign(draft.receive, { emergenciesPerDay: 0 })),
      '/receive/emergenciesPerDay No emergency is shown as one: each is shown as priority.',
    ],
    [
      'a limit for holds that are not taken',
      mended((draft) => Object.assign(draft.receive, { mayHold: false, holdsPerDay: 3 })),
      '/receive/holdsPerDay Holds of this partner are not taken, so their limit has no effect.',
    ],
    [
      'no rule for what comes in',
      mended((draft) => Object.assign(draft.receive, { rules: [] })),
      '/receive/rules There is no rule: everything is held for a person to decide.',
    ],
  ];
  it.each(warnings)('warns of %s', (_title, policy, wanted) => {
    expect(checkPolicy(policy).refusals).toEqual([]);
    expect(warned(policy)).toEqual([wanted]);
  });

  it.each(warnings)('says what to do about %s', (_title, policy) => {
    expect(checkPolicy(policy).warnings.map(({ next }) => next)).toEqual([expect.stringMatching(/^[A-Z].{10,}\.$/)]);
  });

  it('takes limits that just agree', () => {
    const policy = mended((draft) => {
      Object.assign(draft.send, { perMinute: 1, perDay: 1440 });
      Object.assign(draft.receive, { perMinute: 10, perDay: 10, emergenciesPerDay: 10, mayHold: true, holdsPerDay: 1 });
    });
    expect(checkPolicy(policy)).toEqual({ refusals: [], warnings: [] });
  });

  it('does not bind codes to their schemes where a partner may know newer lists', () => {
    const when = { 'assessment.scheme': ['iccam'], 'assessment.code': ['A1'] };
    const rules = [Object.fromEntries([...Object.entries({ id: 'a', when }), ['then', 'hold']])];
    expect(checkPolicy(mended((draft) => Object.assign(draft.receive, { rules }))).warnings).toEqual([]);
  });

  describe('with what is recorded of both sides', () => {
    const instructed = mended((draft) =>
      Object.assign(draft.send, { industry: { requested: 'remove', legalBasis: 'court-order' } }),
    );
    const byType = withRules(['a', { 'partner.type': ['law-enforcement', 'judicial'], category: ['csam'] }, 'hold']);
    const rows: [title: string, policy: Policy, known: Parameters<typeof checkPolicy>[1], wanted: string[]][] = [
      ['an industry partner without instruction', example, { partnerType: 'industry' }, ['/send']],
      ['an instruction to somebody else', instructed, { partnerType: 'hotline' }, ['/send/industry']],
      ['an instruction to industry', instructed, { partnerType: 'industry' }, []],
      ['an instruction to nobody knows whom', instructed, {}, []],
      ['a rule for another kind of partner', byType, { partnerType: 'hotline' }, ['/send/rules/0/when']],
      ['a rule for this kind of partner', byType, { partnerType: 'judicial' }, []],
      [
        'a rule for what the reduced form does not say',
        mended((draft) => {
          const when = { category: ['csam'], features: ['ai-generated'] };
          const all = { category: ['*'] };
          const rule = (id: string, one: object) =>
            Object.fromEntries([
              ['id', id],
              ['when', one],
              ['then', 'hold'],
            ]);
          Object.assign(draft.receive, { rules: [rule('a', when), rule('b', all)] });
        }),
        { ownType: 'industry' },
        ['/receive/rules/0/when'],
      ],
      ['a rule for sending at an industry node', example, { ownType: 'industry' }, []],
    ];
    it.each(rows)('%s', (_title, policy, known, wanted) => {
      expect(checkPolicy(policy, known).warnings.map(({ pointer }) => pointer)).toEqual(wanted);
    });
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
