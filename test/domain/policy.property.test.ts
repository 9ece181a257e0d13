// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codes } from '../../src/domain/codes.ts';
import type { CaseReference, Policy, When } from '../../src/domain/contract.types.ts';
import type { Deny } from '../../src/domain/decision.ts';
import { decideReceive, decideSend, type SendInput } from '../../src/domain/policy.ts';
import { redact } from '../../src/domain/redact.ts';

/** Positive examples stand in policy.test.ts, denies.test.ts and redact.test.ts. */
const now = Date.parse('2026-11-21T12:00:00Z');
const self = 'https://node.hotline-a.example';
const issuer = 'https://node.police-b.example';

const novelCode = fc.stringMatching(/^[a-z0-9:-]{1,12}$/);
const codeOf = (list: readonly string[]) =>
  fc.oneof({ arbitrary: fc.constantFrom(...list), weight: 4 }, { arbitrary: novelCode, weight: 1 });
const place = fc.constantFrom('NL', 'DE', 'DE-BY', 'US', 'FR', 'XX', 'XO');
const issuers = fc.constantFrom(self, issuer, 'https://node.hotline-c.example');
const instant = fc.constantFrom('2026-11-20T09:12:00Z', '2024-02-29T23:59:59Z', '2026-02-29T00:00:00Z');
const uuid = fc.constant('0b2f8a54-6a0e-4a53-9d56-3f2c1c8e7a11');
const flags = { requiredKeys: [] };
const some = <T>(one: fc.Arbitrary<T>, maxLength = 3) => fc.uniqueArray(one, { maxLength });

const anyReference = fc.record(
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
const anyPolicy = fc.record(
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

const anyDeny = fc.record(
  {
    id: fc.constantFrom('d1', 'd2'),
    destination: fc.uniqueArray(place, { minLength: 1, maxLength: 2 }),
    when: anyWhen,
    hosts: fc.constant(['host.example']),
    ground: fc.constantFrom('legal', 'sanctions'),
  },
  { requiredKeys: ['id', 'ground'] },
) as fc.Arbitrary<Deny>;

const anyInput = fc.record(
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
const openInput = anyInput.map((input) => ({
  ...input,
  denies: [],
  home: ['NL'],
  partner: { ...input.partner, state: 'active' as const, jurisdictions: ['NL'] },
  ...(input.policy && {
    policy: { ...input.policy, partner: issuer, legal: { basis: 'Invented Act', transfer: 'none' as const } },
  }),
}));
const policeSystems = (system: string) => ['icse', 'siena', 'i247'].includes(system) || system.startsWith('national:');
const severity = { send: 0, hold: 1, withhold: 2 };

describe('whatever the schemas allow', () => {
  it('is what these properties are tried on', () => {
    const ajv = new Ajv2020({ strict: false });
    const folder = new URL('../../schemas/', import.meta.url);
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.schema.json'))) {
      ajv.addSchema(JSON.parse(readFileSync(new URL(name, folder), 'utf8')));
    }
    const valid = (name: string, value: unknown) => {
      const check = ajv.getSchema(`https://caseref.example/schemas/1/${name}.schema.json`);
      expect(check?.(value), JSON.stringify(check?.errors)).toBe(true);
    };
    fc.assert(fc.property(anyReference, (one) => valid('reference', one)));
    fc.assert(fc.property(anyPolicy, (one) => valid('policy', one)));
    fc.assert(fc.property(anyDeny, (one) => valid('deny', one)));
  });

  it('is decided without an error, and twice the same', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        expect(decideSend(structuredClone({ ...input, hostMatches: undefined }))).toEqual(
          decideSend({ ...input, hostMatches: undefined }),
        );
        const { reference, policy, partner } = input;
        const received = decideReceive({ reference, originator: partner, policy, now });
        expect(['accept', 'hold', 'refuse']).toContain(received.effect);
      }),
    );
  });

  it('is never decided more widely for one more deny', () => {
    fc.assert(
      fc.property(anyInput, anyDeny, fc.nat(2), (input, extra, at) => {
        const more = decideSend({ ...input, denies: input.denies.toSpliced(at, 0, extra) });
        expect(severity[more.effect]).toBeGreaterThanOrEqual(severity[decideSend(input).effect]);
      }),
    );
  });

  it('leaves no address, referrer, handle or host in a decision', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const handles = [{ system: 'own', id: 'Canary-4711' }];
        const told = JSON.stringify(decideSend({ ...input, reference: { ...input.reference, handles } }));
        expect(told).not.toMatch(/host\.example|from\.example|Canary/);
      }),
    );
  });

  it('never goes to an industry partner, nor to one that is not active', () => {
    fc.assert(
      fc.property(openInput, fc.constantFrom('industry', 'pending', 'suspended'), (input, what) => {
        const partner =
          what === 'industry' ? { ...input.partner, type: what } : { ...input.partner, state: what as 'pending' };
        expect(decideSend({ ...input, partner }).effect).not.toBe('send');
      }),
    );
  });

  it('is disclosed without what the policy forbids, and police handles to police only', () => {
    let sent = 0;
    fc.assert(
      fc.property(openInput, ({ policy, ...input }) => {
        const decision = decideSend({ ...input, policy });
        if (policy === undefined || decision.effect !== 'send') return;
        sent += 1;
        const disclosure = redact(input.reference, decision, { partner: input.partner, policy, now });
        const { disclose } = policy.send;
        for (const member of ['assessments', 'site', 'access', 'hosting', 'report'] as const) {
          const unstated = member !== 'access' && member !== 'report';
          if (!(disclose ? disclose[member] : unstated)) expect(disclosure).not.toHaveProperty(member);
        }
        const police = input.partner.type === 'law-enforcement';
        const level = disclose?.handles ?? 'never';
        if (level === 'never' || (level === 'law-enforcement' && !police))
          expect(disclosure).not.toHaveProperty('handles');
        if (!police) expect(disclosure.handles?.some(({ system }) => policeSystems(system)) ?? false).toBe(false);
        expect(Object.keys(disclosure).sort()).toEqual(decision.disclosed);
      }),
      { numRuns: 300 },
    );
    expect(sent).toBeGreaterThan(20);
  });
});
