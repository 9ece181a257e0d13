// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document

import { codes } from '../../src/domain/codes.ts';
import type { CaseReference, Policy, When } from '../../src/domain/contract.types.ts';
import type { Deny, SendInput } from '../../src/domain/decision.ts';
import fc from './property.ts';

// References, policies and denies of codes that often meet one another; codes of no list among them.

export const now = Date.parse('2026-11-21T12:00:00Z');
const self = 'https://node.hotline-a.example';
const issuer = 'https://node.police-b.example';

export const novelCode = fc.stringMatching(/^[a-z0-9:-]{1,12}$/);
const codeOf = (list: readonly string[]) =>
  fc.oneof({ arbitrary: fc.constantFrom(...list), weight: 4 }, { arbitrary: novelCode, weight: 1 });
const place = fc.constantFrom('NL', 'DE', 'DE-BY', 'US', 'FR', 'XX', 'XO');
const issuers = fc.constantFrom(self, issuer, 'https://node.hotline-c.example');
const instant = fc.constantFrom('2026-11-20T09:12:00Z', '2024-02-29T23:59:59Z', '2026-02-29T00:00:00Z');
const uuid = fc.constant('0b2f8a54-6a0e-4a53-9d56-3f2c1c8e7a11');
const flags = { requiredKeys: [] };
const some = <T>(one: fc.Arbitrary<T>, maxLength = 3) => fc.uniqueArray(one, { maxLength });

export const anyReference = fc.record(
  {
    revision: fc.integer({ min: 1, max: 9 }),
    url: fc.constant('https://host.example/path'),
    role: codeOf(codes.role),
    report: uuid,
    related: fc.constant(['0b2f8a54-6a0e-4a53-9d56-3f2c1c8e7a11']),
    jurisdiction: fc.record(
      {
        hosting: place,
        reporting: place,
        concerned: fc.array(fc.record({ country: place, basis: codeOf(codes.concernedBasis) }), {
          minLength: 1,
          maxLength: 2,
        }),
      },
      { requiredKeys: ['reporting'] },
    ),
    assignee: issuers,
    category: codeOf(codes.category),
    features: some(codeOf(codes.features)),
    assessments: fc.array(
      fc.record(
        {
          scheme: codeOf(codes.assessmentScheme),
          version: fc.constant('3'),
          code: fc.constantFrom('baseline', 'national', 'A1', 'of-tomorrow'),
          law: place,
          method: fc.constantFrom('viewed', 'inherited', 'of-tomorrow'),
          by: issuers,
          at: instant,
        },
        { requiredKeys: ['scheme', 'version', 'code', 'method', 'at'] },
      ),
      { maxLength: 2 },
    ),
    site: fc.record({ type: codeOf(codes.siteType), commercial: codeOf(codes.commercial) }, flags),
    access: fc.record({ login: fc.boolean(), referrer: fc.constant('https://from.example/') }, flags),
    hosting: fc.array(fc.record({ country: place, method: codeOf(codes.hostingMethod), at: instant }), {
      maxLength: 2,
    }),
    handles: fc.array(
      fc.record({
        system: fc.oneof(codeOf(codes.handleSystem), fc.constant('national:DE')),
        id: fc.stringMatching(/^[0-9]{1,6}$/),
      }),
      { maxLength: 3 },
    ),
    urgency: fc.record({ level: codeOf(codes.urgencyLevel), code: codeOf(codes.urgencyCode) }),
    marking: fc.record(
      {
        tlp: fc.constantFrom(...codes.markingTlp),
        notifyHost: codeOf(codes.markingNotifyHost),
        portal: codeOf(codes.markingPortal),
        onward: codeOf(codes.markingOnward),
      },
      { requiredKeys: ['tlp'] },
    ),
    receivedAt: instant,
    observedAt: instant,
    retainUntil: fc.constantFrom('2026-12-01', '2030-01-31'),
    source: fc.record({ iss: issuers, sub: uuid }),
  },
  { requiredKeys: ['revision', 'url', 'jurisdiction', 'category', 'marking'] },
) as fc.Arbitrary<CaseReference>;

const wanted = (list: readonly string[]) =>
  fc.uniqueArray(fc.oneof(codeOf(list), fc.constant('*')), { minLength: 1, maxLength: 3 });
const wantedPlaces = fc.uniqueArray(fc.oneof(place, fc.constant('*')), { minLength: 1, maxLength: 3 });
const anyWhen = fc
  .record(
    {
      category: wanted(codes.category),
      features: wanted(codes.features),
      role: wanted(codes.role),
      'jurisdiction.hosting': wantedPlaces,
      'jurisdiction.concerned': wantedPlaces,
      'assessment.code': wanted(codes.assessmentIccam),
      'assessment.method': wanted(codes.assessmentMethod),
      'assessment.law': wantedPlaces,
      'urgency.level': wanted(codes.urgencyLevel),
      'partner.type': wanted(codes.organisationType),
      ageDays: fc.record({ min: fc.nat(900), max: fc.nat(900) }),
    },
    flags,
  )
  .map((when): When => (Object.keys(when).length === 0 ? { category: ['*'] } : when));

const anyRules = fc.array(
  fc.record({
    id: fc.constantFrom('r1', 'r2', 'r3'),
    when: anyWhen,
    then: fc.constantFrom('send', 'send', 'hold', 'withhold'),
  }),
  { maxLength: 3 },
);
const anyDisclose = fc.record(
  {
    handles: fc.constantFrom('never', 'law-enforcement', 'always'),
    assessments: fc.boolean(),
    site: fc.boolean(),
    access: fc.boolean(),
    hosting: fc.boolean(),
    report: fc.boolean(),
  },
  flags,
);
export const anyPolicy = fc.record(
  {
    partner: fc.constantFrom(issuer, issuer, issuer, self),
    version: fc.integer({ min: 1, max: 9 }),
    legal: fc.record(
      {
        basis: fc.constant('Invented Act'),
        transfer: fc.constantFrom('none', 'adequacy', 'led-37'),
        reviewBy: fc.constantFrom('2026-11-20', '2027-11-20'),
      },
      { requiredKeys: ['basis', 'transfer'] },
    ),
    send: fc.record(
      {
        rules: fc.oneof(anyRules, fc.constant([{ id: 'all', when: { category: ['*'] }, then: 'send' }])),
        disclose: anyDisclose,
        marking: fc.record(
          {
            tlpFloor: fc.constantFrom(...codes.markingTlp),
            portal: codeOf(codes.markingPortal),
            onward: codeOf(codes.markingOnward),
          },
          flags,
        ),
        industry: fc.record({
          requested: codeOf(codes.requested),
          legalBasis: codeOf(codes.legalBasisIndustry),
        }),
        retainDays: fc.constantFrom(1, 365, 36_500),
      },
      { requiredKeys: ['rules'] },
    ),
    receive: fc.record({
      rules: anyRules.map((rules) =>
        rules.map((one) => ({
          ...one,
          then: one.then === 'send' ? 'accept' : one.then === 'hold' ? 'hold' : 'refuse',
        })),
      ),
    }),
  },
  { requiredKeys: ['partner', 'version', 'send', 'receive'] },
) as fc.Arbitrary<Policy>;

export const anyDeny = fc.record(
  {
    id: fc.constantFrom('d1', 'd2'),
    destination: fc.uniqueArray(place, { minLength: 1, maxLength: 2 }),
    when: anyWhen,
    hosts: fc.constant(['host.example']),
    ground: fc.constantFrom('legal', 'sanctions'),
  },
  { requiredKeys: ['id', 'ground'] },
) as fc.Arbitrary<Deny>;

export const anyInput = fc.record(
  {
    reference: anyReference,
    self: fc.constant(self),
    home: some(place),
    partner: fc.record({
      issuer: fc.constant(issuer),
      type: codeOf(codes.organisationType),
      jurisdictions: some(place),
      state: fc.constantFrom('active', 'active', 'active', 'pending', 'suspended'),
    }),
    policy: fc.option(anyPolicy, { nil: undefined, freq: 8 }),
    denies: fc.array(anyDeny, { maxLength: 2 }),
    hostMatches: fc.constantFrom(
      () => true,
      () => false,
    ),
    now: fc.constant(now),
  },
  { requiredKeys: ['reference', 'self', 'home', 'partner', 'policy', 'denies', 'now'] },
) as fc.Arbitrary<SendInput>;

/** Inputs that often come to `send`, so that properties of what leaves are not empty. */
export const openInput = anyInput.map((input) => ({
  ...input,
  denies: [],
  home: ['NL'],
  partner: { ...input.partner, state: 'active' as const, jurisdictions: ['NL'] },
  ...(input.policy && {
    policy: { ...input.policy, partner: issuer, legal: { basis: 'Invented Act', transfer: 'none' as const } },
  }),
}));
