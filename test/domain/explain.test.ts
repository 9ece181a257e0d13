import { describe, expect, it } from 'vitest';
import type { CaseReference, Policy } from '../../src/domain/contract.types.ts';
import type { SendInput } from '../../src/domain/decision.ts';
import { explainDecision } from '../../src/domain/explain.ts';
import { decideReceive, decideSend } from '../../src/domain/policy.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const issuer = 'https://node.police-b.example';
const names = { partner: 'Police B' };
const reference: CaseReference = {
  revision: 1,
  url: 'https://host.example/path',
  jurisdiction: { hosting: 'FR' },
  category: 'csam',
  marking: { tlp: 'AMBER' },
};
const rules: Policy['send']['rules'] = JSON.parse(
  '[{"id":"hosted-there","when":{"jurisdiction.hosting":["NL"]},"then":"send"}]',
);
const all: Policy['send']['rules'] = JSON.parse('[{"id":"all","when":{"category":["*"]},"then":"send"}]');
const policy: Policy = {
  partner: issuer,
  version: 1,
  legal: { basis: 'Invented Act', transfer: 'none' },
  send: { rules },
  receive: { rules: [] },
};

function explain(over: Partial<SendInput> = {}) {
  const partner = { issuer, type: 'law-enforcement', jurisdictions: ['NL'], state: 'active' } as const;
  const self = 'https://node.hotline-a.example';
  return explainDecision(
    decideSend({ reference, self, home: ['DE'], partner, policy, denies: [], now, ...over }),
    names,
  );
}

describe('explaining a decision', () => {
  it('says why nothing was sent, what each rule asked and what would turn it', () => {
    expect(explain()).toEqual([
      'Withheld from Police B: no rule matched.',
      'Rule hosted-there asked jurisdiction.hosting NL; the reference says FR.',
      'Rule hosted-there would send it if jurisdiction.hosting were NL (the reference says FR).',
    ]);
  });

  it('says what leaves by which rule', () => {
    expect(explain({ policy: { ...policy, send: { rules: all } } })).toEqual([
      'Sent to Police B: rule all says send.',
      'Rule all matched: the reference says csam (asked for any category).',
      'Without rule all it would be withheld: no other rule matches.',
      'Leaves: category, jurisdiction, marking, revision, url.',
    ]);
  });

  it('names the code of a gate', () => {
    expect(explain({ policy: { ...policy, legal: undefined, send: { rules: all } } })).toEqual([
      'Held, for Police B: the policy names no legal basis (legal-basis-missing).',
      'Rule all matched: the reference says csam (asked for any category).',
      'A legal basis would have to be recorded in the policy.',
      'Would leave: category, jurisdiction, marking, revision, url.',
    ]);
  });

  it('names a deny, its ground and what it could not be told', () => {
    const lines = explain({
      policy: { ...policy, send: { rules: all } },
      denies: [{ id: 'd1', ground: 'legal', when: { 'jurisdiction.concerned': ['US'] } }],
    });
    expect(lines.slice(0, 2)).toEqual([
      'Held, for Police B: deny d1: it cannot be ruled out that this deny applies (ground: legal).',
      'Deny d1 asked jurisdiction.concerned US; the reference says nothing of it.',
    ]);
  });

  it('tells of the other things in the way', () => {
    const lines = explain({ denies: [{ id: 'd1', ground: 'legal' }], policy: { ...policy, legal: undefined } });
    expect(lines[0]).toBe('Withheld from Police B: deny d1: an organisation-wide deny applies (ground: legal).');
    expect(lines).toContain('Also: the policy names no legal basis.');
    expect(lines).toContain('Also: no rule matched.');
  });

  it('says that a country is recorded for the partner, not said by the reference', () => {
    const lines = explain({ denies: [{ id: 'd1', ground: 'legal', destination: ['US'] }] });
    expect(lines).toContain('Deny d1 asked jurisdiction.destination US; recorded for the partner: NL.');
  });

  it('tells a received one from a sent one', () => {
    const originator = { issuer, type: 'hotline', jurisdictions: ['NL'] };
    const decision = decideReceive({ reference, originator, policy, now });
    expect(explainDecision(decision, { ...names, direction: 'receive' })[0]).toBe(
      'Held, from Police B: no rule matched (policy-held).',
    );
  });

  it('tells what the deciding rule compared, and each before it asked', () => {
    const some: Policy['send']['rules'] = JSON.parse(
      '[{"id":"old","when":{"ageDays":{"min":30}},"then":"withhold"},{"id":"french","when":{"category":["csam","grooming"],"jurisdiction.hosting":["FR"]},"then":"send"}]',
    );
    expect(explain({ policy: { ...policy, send: { rules: some } } })).toEqual([
      'Sent to Police B: rule french says send.',
      'Rule old asked ageDays min 30; the reference says nothing of it.',
      'Rule french matched: the reference says csam (asked category csam or grooming); the reference says FR (asked jurisdiction.hosting FR).',
      'Without rule french it would be withheld: no other rule matches.',
      'Leaves: category, jurisdiction, marking, revision, url.',
    ]);
  });

  it('tells what an applying deny compared, and never a host', () => {
    const denies = [{ id: 'd1', ground: 'legal' as const, destination: ['NL'], hosts: ['host.example'] }];
    const lines = explain({ denies, hostMatches: () => true });
    expect(lines).toContain(
      'Deny d1 matched: recorded for the partner: NL (asked jurisdiction.destination NL); the host of the address was compared (asked host).',
    );
    expect(lines.join()).not.toContain('host.example');
  });

  it('names the person who decided in the place of a rule, and what the rule said', () => {
    const held: Policy['send']['rules'] = JSON.parse('[{"id":"look","when":{"category":["*"]},"then":"hold"}]');
    const partner = { issuer, type: 'law-enforcement', jurisdictions: ['NL'], state: 'active' } as const;
    const self = 'https://node.hotline-a.example';
    const own = { ...policy, send: { rules: held } };
    const ruled = decideSend({ reference, self, home: ['DE'], partner, policy: own, denies: [], now });
    const wanted = [
      'Also: rule look says hold.',
      'Rule look matched: the reference says csam (asked for any category).',
      'Leaves: category, jurisdiction, marking, revision, url.',
    ];
    expect(explainDecision({ ...ruled, effect: 'send' }, { ...names, by: 'operator anna' })).toEqual([
      'Sent to Police B: operator anna decided so.',
      ...wanted,
    ]);
    expect(explainDecision({ ...ruled, effect: 'send' }, names)).toEqual([
      'Sent to Police B: a person decided so.',
      ...wanted,
    ]);
  });

  it.each([
    ['accept', 'Accepted from Police B: rule r says accept.'],
    ['refuse', 'Refused, from Police B: rule r says refuse.'],
  ] as const)('tells of what came in: %s', (effect, line) => {
    const trace = [{ kind: 'rule', id: 'r', matched: true, effect }] as const;
    expect(explainDecision({ effect, rule: 'r', policyVersion: 1, trace }, { ...names, direction: 'receive' })).toEqual(
      [line],
    );
  });
});
