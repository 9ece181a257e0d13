import { describe, expect, it } from 'vitest';
import { codes } from '../../src/domain/codes.ts';
import type { CaseReference, Disclose, Marking, Policy } from '../../src/domain/contract.types.ts';
import type { Decision, SendEffect } from '../../src/domain/decision.ts';
import { disclosedMembers, redact } from '../../src/domain/redact.ts';
import fc from '../support/property.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const issuer = 'https://node.police-b.example';
const police = { issuer, type: 'law-enforcement', jurisdictions: ['NL'] };
const hotline = { ...police, type: 'hotline' };
const industry = { ...police, type: 'industry' };
const instruction = { requested: 'preserve', legalBasis: 'court-order' };
const uuid = '0b2f8a54-6a0e-4a53-9d56-3f2c1c8e7a11';

const full: CaseReference = {
  revision: 2,
  url: 'https://host.example/path?page=1#part',
  role: 'content',
  report: uuid,
  related: [uuid],
  jurisdiction: { hosting: 'NL', concerned: [{ country: 'DE-BY', basis: 'victim' }] },
  assignee: 'https://node.hotline-nl.example',
  category: 'csam',
  features: ['possible-new-victim'],
  assessments: [{ scheme: 'iccam', version: '3', code: 'baseline', method: 'viewed', at: '2026-11-20T10:00:00Z' }],
  site: { type: 'image-host' },
  access: { referrer: 'https://from.example/' },
  hosting: [{ country: 'NL', method: 'dns', at: '2026-11-20T10:00:00Z' }],
  handles: [
    { system: 'own', id: 'H-4711' },
    { system: 'icse', id: '99' },
    { system: 'national:DE', id: '12/26' },
    { system: 'system-of-tomorrow', id: '7' },
  ],
  urgency: { level: 'priority', code: 'possible-new-victim' },
  marking: { tlp: 'GREEN', notifyHost: 'after-clearance', portal: 'concerned', onward: 'national' },
  receivedAt: '2026-11-20T09:12:00Z',
  observedAt: '2026-11-20T10:00:00Z',
  retainUntil: '2027-05-21',
  source: { iss: 'https://node.hotline-a.example', sub: uuid },
};

const always = [
  'assignee',
  'category',
  'features',
  'jurisdiction',
  'marking',
  'observedAt',
  'receivedAt',
  'related',
  'retainUntil',
  'revision',
  'role',
  'source',
  'urgency',
  'url',
];
const sending: Decision<SendEffect> = { effect: 'send', rule: 'all', policyVersion: 1, trace: [] };

function policyWith(send: Partial<Policy['send']>): Policy {
  return { partner: issuer, version: 1, send: { rules: [], ...send }, receive: { rules: [] } };
}

function disclose(send: Partial<Policy['send']>, partner = police, reference = full) {
  return redact(reference, sending, { partner, policy: policyWith(send), now }) as Readonly<CaseReference>;
}

function systems(handles: Disclose['handles'], partner = police) {
  return disclose({ disclose: { ...(handles && { handles }) } }, partner).handles?.map(({ system }) => system);
}

describe('a disclosure', () => {
  it('without any disclose has no handle, access or report', () => {
    expect(Object.keys(disclose({})).sort()).toEqual([...always, 'assessments', 'hosting', 'site'].sort());
  });

  it('holds what is named and always what every recipient needs', () => {
    expect(Object.keys(disclose({ disclose: {} })).sort()).toEqual(always);
  });

  it.each(['assessments', 'site', 'access', 'hosting', 'report'] as const)(
    'has %s only where the policy says so',
    (member) => {
      expect(disclose({ disclose: { [member]: true } })[member]).toEqual(full[member]);
      expect(disclose({ disclose: { [member]: false } })).not.toHaveProperty(member);
    },
  );

  it('has the address whole', () => {
    expect(disclose({}).url).toBe(full.url);
  });

  it('never has a member that this version does not name', () => {
    expect(disclose({}, police, { ...full, remark: 'x' } as CaseReference)).not.toHaveProperty('remark');
  });

  it('lists the same members before it is made', () => {
    const policy = policyWith({});
    expect(disclosedMembers(full, { partner: police, policy, now })).toEqual(Object.keys(disclose({})).sort());
  });

  it('leaves the reference as it was', () => {
    const before = structuredClone(full);
    disclose({ marking: { tlpFloor: 'RED', onward: 'none' }, retainDays: 1 });
    expect(full).toEqual(before);
  });
});

describe('handles', () => {
  it.each([
    [undefined, police, undefined],
    ['never', police, undefined],
    ['law-enforcement', police, ['own', 'icse', 'national:DE', 'system-of-tomorrow']],
    ['law-enforcement', hotline, undefined],
    ['always', police, ['own', 'icse', 'national:DE', 'system-of-tomorrow']],
    ['always', hotline, ['own']],
    ['always', { ...police, type: 'judicial' }, ['own']],
    ['always', { ...police, type: 'international' }, ['own']],
  ] as const)('under %s leave to %o as %o', (level, partner, wanted) => {
    expect(systems(level, { ...partner, jurisdictions: ['NL'] })).toEqual(wanted);
  });

  it('of police systems never reach anybody but police', () => {
    const type = fc
      .constantFrom(...codes.organisationType)
      .filter((one) => one !== 'law-enforcement' && one !== 'industry');
    const system = fc.oneof(fc.constantFrom('icse', 'siena', 'i247'), fc.stringMatching(/^national:[A-Z]{2}$/));
    const level = fc.constantFrom('never', 'law-enforcement', 'always', undefined);
    fc.assert(
      fc.property(type, system, level, (partnerType, name, handles) => {
        const reference = { ...full, handles: [{ system: name, id: '1' }] };
        const send = { disclose: { ...(handles && { handles }) } };
        expect(disclose(send, { ...police, type: partnerType }, reference)).not.toHaveProperty('handles');
      }),
    );
  });
});

describe('the marking that leaves', () => {
  const rows: [title: string, own: Marking, bounds: Policy['send']['marking'], wanted: Marking][] = [
    [
      'is the reference’s without bounds, but for leave to pass on',
      { tlp: 'GREEN', onward: 'national' },
      undefined,
      { tlp: 'GREEN', onward: 'none' },
    ],
    ['is raised to the floor', { tlp: 'GREEN' }, { tlpFloor: 'AMBER' }, { tlp: 'AMBER' }],
    ['is never lowered to the floor', { tlp: 'RED' }, { tlpFloor: 'AMBER' }, { tlp: 'RED' }],
    ['keeps a label that this node does not know', { tlp: 'unknown' }, { tlpFloor: 'CLEAR' }, { tlp: 'unknown' }],
    [
      'has the narrower portal',
      { tlp: 'GREEN', portal: 'concerned' },
      { portal: 'national' },
      { tlp: 'GREEN', portal: 'national' },
    ],
    [
      'is not opened to portals by a policy',
      { tlp: 'GREEN', portal: 'none' },
      { portal: 'concerned' },
      { tlp: 'GREEN', portal: 'none' },
    ],
    [
      'closes portals when the floor does',
      { tlp: 'GREEN', portal: 'national' },
      { tlpFloor: 'RED' },
      { tlp: 'RED', portal: 'none' },
    ],
    [
      'may be passed on where both say so',
      { tlp: 'GREEN', onward: 'national' },
      { onward: 'national' },
      { tlp: 'GREEN', onward: 'national' },
    ],
    [
      'may not where the policy says none',
      { tlp: 'GREEN', onward: 'national' },
      { onward: 'none' },
      { tlp: 'GREEN', onward: 'none' },
    ],
    ['is not opened for passing on by a policy', { tlp: 'GREEN' }, { onward: 'national' }, { tlp: 'GREEN' }],
    [
      'keeps what is said of the host and of police handling',
      { tlp: 'RED', notifyHost: 'must-not', leo: 'H3' },
      {},
      { tlp: 'RED', notifyHost: 'must-not', leo: 'H3' },
    ],
  ];
  it.each(rows)('%s', (_title, own, bounds, wanted) => {
    expect(disclose({ ...(bounds && { marking: bounds }) }, police, { ...full, marking: own }).marking).toEqual(wanted);
  });
});

describe('the reduced form for industry', () => {
  const cleared = { ...full, marking: { ...full.marking, notifyHost: 'may' } };

  it('says where, what, on what basis and under which marking, and nothing more', () => {
    const send = { industry: instruction, disclose: { handles: 'always', report: true } as const, retainDays: 5 };
    expect(disclose(send, industry, cleared)).toEqual({
      revision: 2,
      url: full.url,
      category: 'csam',
      requested: 'preserve',
      legalBasis: 'court-order',
      marking: { tlp: 'GREEN', notifyHost: 'may', portal: 'concerned', onward: 'none' },
    });
  });

  it('has the marking raised to the floor', () => {
    const { marking } = disclose({ industry: instruction, marking: { tlpFloor: 'RED' } }, industry, cleared);
    expect(marking).toEqual({ tlp: 'RED', notifyHost: 'may', portal: 'none', onward: 'none' });
  });

  it('lists the same members before it is made, and none without an instruction', () => {
    const context = { partner: industry, policy: policyWith({ industry: instruction }), now };
    expect(disclosedMembers(full, context)).toEqual([
      'category',
      'legalBasis',
      'marking',
      'requested',
      'revision',
      'url',
    ]);
    expect(disclosedMembers(full, { ...context, policy: policyWith({}) })).toEqual([]);
  });

  it('is for industry alone: nobody else gets it, whatever the policy says', () => {
    expect(disclose({ industry: instruction }, hotline, cleared)).not.toHaveProperty('requested');
    expect(disclose({ industry: instruction }, hotline, cleared).jurisdiction).toEqual(full.jurisdiction);
  });
});

describe('the last day of keeping', () => {
  it.each([
    ['the reference’s where the policy sets none', '2027-05-21', undefined, '2027-05-21'],
    ['the policy’s where the reference sets none', undefined, 10, '2026-12-01'],
    ['the policy’s where it is earlier', '2027-05-21', 10, '2026-12-01'],
    ['the reference’s where it is earlier', '2026-11-30', 10, '2026-11-30'],
    ['unset where neither sets one', undefined, undefined, undefined],
    ['still a date that compares as text for a century', undefined, 36_500, '2126-10-28'],
  ])('is %s', (_title, retainUntil, retainDays, wanted) => {
    const reference = { ...full, retainUntil };
    expect(disclose({ ...(retainDays && { retainDays }) }, police, reference).retainUntil).toBe(wanted);
  });
});

it('never names a day that the form of a date cannot say', () => {
  const kept = redact(full, sending, { partner: police, policy: policyWith({ retainDays: 1 }), now: 8.64e15 });
  expect(kept).toMatchObject({ retainUntil: '2027-05-21' });
  const { retainUntil: _, ...reference } = full;
  const late = redact(reference, sending, { partner: police, policy: policyWith({ retainDays: 1 }), now: 8.64e15 });
  expect(late).toMatchObject({ retainUntil: '2999-12-31' });
});

it('counts the days of keeping as whole days from this moment', () => {
  const late = Date.parse('2026-11-21T23:59:59.999Z');
  const { retainUntil: _, ...reference } = full;
  const kept = redact(reference, sending, { partner: police, policy: policyWith({ retainDays: 1 }), now: late });
  expect(kept).toMatchObject({ retainUntil: '2026-11-22' });
});

describe('what is a bug of the caller', () => {
  it.each(['hold', 'withhold'] as const)('throws for a decision to %s', (effect) => {
    expect(() => redact(full, { ...sending, effect }, { partner: police, policy: policyWith({}), now })).toThrow(
      effect,
    );
  });

  it('throws under the policy of another partner', () => {
    const policy = { ...policyWith({}), partner: 'https://node.police-c.example' };
    expect(() => redact(full, sending, { partner: police, policy, now })).toThrow('another partner');
  });

  it('throws before anything leaves to an industry partner without instruction', () => {
    const cleared = { ...full, marking: { tlp: 'AMBER', notifyHost: 'may' } };
    expect(() => disclose({}, industry, cleared)).toThrow('industry');
    expect(() => disclose({ industry: { ...instruction, legalBasis: 'unknown' } }, industry, cleared)).toThrow(
      'industry',
    );
  });

  it.each([undefined, 'after-clearance', 'must-not', 'of-tomorrow'])(
    'throws before a host is notified: %s',
    (notice) => {
      const marking = { tlp: 'AMBER', ...(notice !== undefined && { notifyHost: notice }) };
      expect(() => disclose({ industry: instruction }, industry, { ...full, marking })).toThrow('host');
    },
  );
});
