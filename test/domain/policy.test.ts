// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { describe, expect, it } from 'vitest';
import type { CaseReference, Policy, SendRule, When } from '../../src/domain/contract.types.ts';
import type { Deny, SendEffect, SendInput } from '../../src/domain/decision.ts';
import { decideReceive, decideSend } from '../../src/domain/policy.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const self = 'https://node.hotline-a.example';
const issuer = 'https://node.police-b.example';
const partner = { issuer, type: 'law-enforcement', jurisdictions: ['NL'], state: 'active' } as const;

const reference: CaseReference = {
  revision: 1,
  url: 'https://host.example/path',
  jurisdiction: { hosting: 'NL', reporting: 'DE' },
  category: 'csam',
  handles: [{ system: 'own', id: 'H-4711' }],
  marking: { tlp: 'AMBER', notifyHost: 'after-clearance' },
  receivedAt: '2026-11-20T09:12:00Z',
};

const policy: Policy = {
  partner: issuer,
  version: 3,
  legal: { basis: 'Invented Act, section 1', transfer: 'none', route: 'own-police', reviewBy: '2027-11-20' },
  send: {
    rules: [
      { id: 'hosted-there', when: { category: ['csam'], 'jurisdiction.hosting': ['NL'] }, then: 'send' },
      { id: 'others-by-hand', when: { category: ['*'] }, then: 'hold' },
    ],
  },
  receive: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'accept' }] },
};

function withRules(...rules: SendRule[]): Policy {
  return { ...policy, send: { ...policy.send, rules } };
}

function rule(id: string, when: When, then: SendEffect): SendRule {
  return { id, when, then };
}

function withLegal(over: Partial<NonNullable<Policy['legal']>>): Policy {
  return { ...policy, legal: { basis: 'Invented Act, section 1', transfer: 'none', ...over } };
}

function decide(over: Partial<SendInput> = {}) {
  return decideSend({ reference, self, home: ['DE'], partner, policy, denies: [], now, ...over });
}

const abroad = { ...reference, jurisdiction: { hosting: 'FR' } };
const emergency = { ...reference, urgency: { level: 'emergency', code: 'live-now' } };
const foreign = {
  ...reference,
  source: { iss: 'https://node.hotline-c.example', sub: '0b2f8a54-6a0e-4a53-9d56-3f2c1c8e7a11' },
};
const industry = { ...partner, type: 'industry' };
const mayNotify = { ...reference, marking: { tlp: 'AMBER', notifyHost: 'may' } };
const deny: Deny = { id: 'd1', ground: 'death-penalty', destination: ['NL'] };
const unclear: Deny = { id: 'd2', ground: 'legal', when: { 'jurisdiction.concerned': ['US'] } };

describe('deciding to send', () => {
  const rows: [title: string, over: Partial<SendInput>, effect: SendEffect, rule: string, code?: string][] = [
    ['sends by the first rule that matches', {}, 'send', 'hosted-there'],
    ['holds by a later rule', { reference: abroad }, 'hold', 'others-by-hand'],
    [
      'lets the first of two matching rules win',
      {
        policy: withRules(rule('no', { category: ['csam'] }, 'withhold'), rule('yes', { category: ['csam'] }, 'send')),
      },
      'withhold',
      'no',
    ],
    [
      'withholds where no rule matches',
      { policy: withRules(rule('other', { category: ['grooming'] }, 'send')) },
      'withhold',
      'no-match',
    ],
    ['withholds where there is no rule', { policy: withRules() }, 'withhold', 'no-match'],
    ['withholds without a policy', { policy: undefined }, 'withhold', 'no-policy'],
    [
      'withholds under the policy of another partner',
      { policy: { ...policy, partner: 'https://node.police-c.example' } },
      'withhold',
      'no-policy',
    ],
    [
      'holds without a legal basis',
      { policy: { ...policy, legal: undefined } },
      'hold',
      'legal-basis',
      'legal-basis-missing',
    ],
    [
      'holds an emergency without a legal basis',
      { reference: emergency, policy: { ...policy, legal: undefined } },
      'hold',
      'legal-basis',
      'legal-basis-missing',
    ],
    ['sends on the last day of the review', { policy: withLegal({ reviewBy: '2026-11-21' }) }, 'send', 'hosted-there'],
    ['holds the day after', { policy: withLegal({ reviewBy: '2026-11-20' }) }, 'hold', 'legal-review'],
    [
      'sends an emergency although the review is overdue',
      { reference: emergency, policy: withLegal({ reviewBy: '2026-11-20' }) },
      'send',
      'hosted-there',
    ],
    ['holds where the review date is no date', { policy: withLegal({ reviewBy: 'soon' }) }, 'hold', 'legal-review'],
    ['sends at home without a ground of transfer', { home: ['NL'] }, 'send', 'hosted-there'],
    [
      'sends at home outside the EEA without a ground of transfer',
      { home: ['US'], partner: { ...partner, jurisdictions: ['US-CA'] } },
      'send',
      'hosted-there',
    ],
    [
      'holds for a third country without a ground of transfer',
      { partner: { ...partner, jurisdictions: ['US'] } },
      'hold',
      'transfer',
      'transfer-not-allowed',
    ],
    [
      'holds where one of several countries is a third one',
      { partner: { ...partner, jurisdictions: ['NL', 'US'] } },
      'hold',
      'transfer',
      'transfer-not-allowed',
    ],
    [
      'holds where the country of the partner is unknown',
      { partner: { ...partner, jurisdictions: ['XX'] } },
      'hold',
      'transfer',
      'transfer-not-allowed',
    ],
    [
      'does not take two unknown countries for one',
      { home: ['XX'], partner: { ...partner, jurisdictions: ['XX'] } },
      'hold',
      'transfer',
      'transfer-not-allowed',
    ],
    [
      'holds where no country of the partner is recorded',
      { partner: { ...partner, jurisdictions: [] } },
      'hold',
      'transfer',
      'transfer-not-allowed',
    ],
    ['holds from a third country into the EEA alike', { home: ['GB'] }, 'hold', 'transfer', 'transfer-not-allowed'],
    [
      'sends to a third country on a recorded ground',
      { partner: { ...partner, jurisdictions: ['US'] }, policy: withLegal({ transfer: 'safeguards' }) },
      'send',
      'hosted-there',
    ],
    [
      'holds for a pending partner',
      { partner: { ...partner, state: 'pending' } },
      'hold',
      'partner-state',
      'partner-pending',
    ],
    [
      'holds for a suspended partner',
      { partner: { ...partner, state: 'suspended' } },
      'hold',
      'partner-state',
      'partner-suspended',
    ],
    ['withholds what another organisation originated', { reference: foreign }, 'withhold', 'onward'],
    [
      'withholds it even where its marking says national',
      { reference: { ...foreign, marking: { tlp: 'GREEN', onward: 'national' } } },
      'withhold',
      'onward',
    ],
    [
      'sends RED: the policy names the one recipient',
      { reference: { ...reference, marking: { tlp: 'RED' } } },
      'send',
      'hosted-there',
    ],
    ['withholds from industry while clearance is open', { partner: industry }, 'withhold', 'industry-form'],
    [
      'withholds the full form from industry even when cleared',
      { partner: industry, reference: mayNotify },
      'withhold',
      'industry-form',
    ],
    ['withholds by a deny whatever the rules say', { denies: [deny] }, 'withhold', 'deny:d1'],
    ['holds where a deny cannot be judged', { denies: [unclear] }, 'hold', 'deny:d2'],
    ['lets a deny that applies beat one that cannot be judged', { denies: [unclear, deny] }, 'withhold', 'deny:d1'],
    [
      'keeps a rule that withholds above a deny that only holds',
      { denies: [unclear], policy: withRules(rule('no', { category: ['*'] }, 'withhold')) },
      'withhold',
      'no',
    ],
    [
      'keeps a rule that withholds above a missing legal basis',
      { policy: { ...withRules(rule('no', { category: ['*'] }, 'withhold')), legal: undefined } },
      'withhold',
      'no',
    ],
    [
      'names the deny first where a deny and a gate hold',
      { denies: [unclear], policy: { ...policy, legal: undefined } },
      'hold',
      'deny:d2',
    ],
    ['withholds an emergency by a deny', { reference: emergency, denies: [deny] }, 'withhold', 'deny:d1'],
    [
      'sends past a deny of another destination',
      { denies: [{ ...deny, destination: ['US'] }] },
      'send',
      'hosted-there',
    ],
    [
      'does not match a rule for a subdivision by its country',
      { policy: withRules(rule('north', { 'jurisdiction.hosting': ['NL-NH'] }, 'send')) },
      'withhold',
      'no-match',
    ],
    [
      'matches a rule for a country by its subdivision',
      { reference: { ...reference, jurisdiction: { hosting: 'NL-NH' } } },
      'send',
      'hosted-there',
    ],
    [
      'does not match an unknown country',
      { reference: { ...reference, jurisdiction: { hosting: 'XX' } } },
      'hold',
      'others-by-hand',
    ],
    [
      'does not match a category of tomorrow to a listed one',
      { reference: { ...reference, category: 'csam-of-tomorrow' } },
      'hold',
      'others-by-hand',
    ],
  ];
  it.each(rows)('%s', (_title, over, effect, decidedBy, code) => {
    const decision = decide(over);
    expect([decision.effect, decision.rule, decision.code]).toEqual([effect, decidedBy, code]);
  });

  it('keeps a trace of denies, gates and each rule before the winner with its first failed clause', () => {
    const decision = decide({ reference: abroad, denies: [{ ...deny, destination: ['US'] }] });
    expect(decision.policyVersion).toBe(3);
    expect(decision.trace.map(({ kind, id, matched }) => [kind, id, matched])).toEqual([
      ['deny', 'd1', false],
      ['partner', 'partner-state', false],
      ['legal', 'legal-basis', false],
      ['legal', 'legal-review', false],
      ['legal', 'transfer', false],
      ['marking', 'onward', false],
      ['rule', 'hosted-there', false],
      ['rule', 'others-by-hand', true],
    ]);
    expect(decision.trace.at(-2)?.failed).toEqual({ member: 'jurisdiction.hosting', wanted: ['NL'], found: ['FR'] });
  });

  it('lists what leaves, and for a hold what would leave; nothing for what is withheld', () => {
    expect(decide().disclosed).toEqual(['category', 'jurisdiction', 'marking', 'receivedAt', 'revision', 'url']);
    expect(decide({ reference: abroad }).disclosed).toContain('url');
    expect(decide({ denies: [deny] }).disclosed).toBeUndefined();
  });

  const changes: [title: string, over: Partial<SendInput>, sentence: string][] = [
    [
      'the clause that the nearest rule still asks for',
      { reference: abroad },
      'Rule hosted-there would send it if jurisdiction.hosting were NL (the reference says FR).',
    ],
    [
      'that a value is not said',
      { reference: { ...reference, jurisdiction: { reporting: 'DE' } } },
      'Rule hosted-there would send it if jurisdiction.hosting were NL (the reference says nothing of it).',
    ],
    [
      'the rule that asks for least, not the first',
      {
        policy: withRules(
          rule('far', { category: ['grooming'], 'jurisdiction.hosting': ['FR'] }, 'send'),
          rule('near', { category: ['csam'], 'jurisdiction.hosting': ['FR'] }, 'send'),
        ),
      },
      'Rule near would send it if jurisdiction.hosting were FR (the reference says NL).',
    ],
    [
      'the rule that decided, where none comes near',
      { policy: withRules(rule('no', { category: ['*'] }, 'withhold')) },
      'Rule no would have to say send.',
    ],
    ['that a rule is missing', { policy: withRules() }, 'A rule that matches and says send would have to be added.'],
    [
      'the policy that is missing',
      { policy: undefined },
      'A policy for this partner would have to be set and approved.',
    ],
    [
      'the legal basis',
      { policy: { ...policy, legal: undefined } },
      'A legal basis would have to be recorded in the policy.',
    ],
    [
      'that no rule overrides a deny',
      { denies: [deny] },
      'No rule overrides deny d1; only removing the deny would lift it.',
    ],
    [
      'every obstacle where there are several',
      { reference: abroad, policy: { ...policy, legal: undefined } },
      'Several things stand in the way: a legal basis would have to be recorded in the policy; rule hosted-there would send it if jurisdiction.hosting were NL (the reference says FR).',
    ],
    [
      'what happens to a sent one without its rule',
      {},
      'Without rule hosted-there, rule others-by-hand decides: it would be held.',
    ],
    [
      'that nothing else would send it',
      { policy: withRules(rule('only', { category: ['csam'] }, 'send')) },
      'Without rule only it would be withheld: no other rule matches.',
    ],
  ];
  it.each(changes)('names as the change %s', (_title, over, sentence) => {
    expect(decide(over).change).toBe(sentence);
  });
});

describe('deciding to receive', () => {
  const originator = { issuer, type: 'hotline', jurisdictions: ['NL'] };
  const receive = (rules: Policy['receive']['rules'], over: Partial<Policy> = {}) =>
    decideReceive({ reference, originator, policy: { ...policy, receive: { rules }, ...over }, now });

  it('accepts by a rule', () => {
    expect(receive(policy.receive.rules)).toMatchObject({ effect: 'accept', rule: 'all', policyVersion: 3 });
    expect(receive(policy.receive.rules).code).toBeUndefined();
  });

  it('refuses by a rule, with the code for the receipt', () => {
    expect(receive([{ id: 'no', when: { category: ['csam'] }, then: 'refuse' }])).toMatchObject({
      effect: 'refuse',
      rule: 'no',
      code: 'policy-refused',
    });
  });

  it('holds where no rule matches', () => {
    const decision = receive([{ id: 'other', when: { category: ['grooming'] }, then: 'accept' }]);
    expect(decision).toMatchObject({ effect: 'hold', rule: 'no-match', code: 'policy-held' });
    expect(decision.change).toBe('Rule other would accept it if category were grooming (the reference says csam).');
  });

  it('holds without a policy, and under the policy of another partner', () => {
    expect(decideReceive({ reference, originator, policy: undefined, now })).toMatchObject({
      effect: 'hold',
      rule: 'no-policy',
      code: 'policy-held',
    });
    expect(receive(policy.receive.rules, { partner: self })).toMatchObject({ effect: 'hold', rule: 'no-policy' });
  });

  it('looks at the kind of the originator as recorded', () => {
    expect(receive([{ id: 'police', when: { 'partner.type': ['law-enforcement'] }, then: 'accept' }]).effect).toBe(
      'hold',
    );
    expect(receive([{ id: 'hotlines', when: { 'partner.type': ['hotline'] }, then: 'accept' }]).effect).toBe('accept');
  });
});
