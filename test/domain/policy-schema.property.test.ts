import { describe, expect, it } from 'vitest';
import type { CaseReference, Deny, IndustryReference, Policy } from '../../src/domain/contract.types.ts';
import { explainDecision } from '../../src/domain/explain.ts';
import { decideReceive, decideSend } from '../../src/domain/policy.ts';
import { checkDeny, checkPolicy } from '../../src/domain/policy-check.ts';
import { redact } from '../../src/domain/redact.ts';
import { compareDecisions, decisionChanges } from '../../src/domain/simulate.ts';
import { checkSchema } from '../../src/wire/schema.ts';
import fc from '../support/property.ts';
import { arbitraryOf } from '../support/schema-arbitrary.ts';

/** Positive examples stand in policy.test.ts and in schemas/vectors/policy. */
const valid = <Form>(name: 'reference' | 'policy' | 'deny' | 'industry-reference') =>
  arbitraryOf(name).filter((value) => checkSchema(name, value).length === 0) as fc.Arbitrary<Form>;
const reference = valid<CaseReference>('reference');
const policy = valid<Policy>('policy');
const deny = valid<Deny>('deny');
const reduced = valid<IndustryReference>('industry-reference');
const now = fc.constantFrom(0, Date.parse('2026-11-21T12:00:00Z'), 8.64e15);
const type = fc.constantFrom('hotline', 'law-enforcement', 'industry', 'of-tomorrow', '');
const places = fc.subarray(['NL', 'DE', 'DE-BY', 'US', 'XX', 'XO', 'ZZ']);
const state = fc.constantFrom('active', 'active', 'active', 'active', 'pending', 'suspended');
const denies = fc.oneof({ arbitrary: fc.constant([]), weight: 3 }, fc.array(deny, { minLength: 1, maxLength: 2 }));

describe('for whatever the schemas allow', () => {
  it('sending is decided, explained, compared and redacted without an error', () => {
    let sent = 0;
    fc.assert(
      fc.property(reference, policy, denies, type, places, state, now, (one, document, ...rest) => {
        const [made, partnerType, jurisdictions, partnerState, at] = rest;
        // As it came, and opened as far as a policy can: what leaves has to be seen as well.
        const send = { ...document.send, rules: [all] };
        const open: Policy = { ...document, legal: { basis: 'Invented Act', transfer: 'adequacy' }, send };
        const partner = { issuer: document.partner, type: partnerType, jurisdictions, state: partnerState };
        const input = { reference: one, self: document.partner, home: jurisdictions, partner, denies: made, now: at };
        const decision = decideSend({ ...input, policy: open });
        expect(['send', 'hold', 'withhold']).toContain(decision.effect);
        expect(decision.change).toMatch(/\.$/);
        expect(explainDecision(decision, { partner: 'B' }).length).toBeGreaterThan(0);
        expect(decisionChanges).toContain(
          compareDecisions(decideSend({ ...input, policy: document }), decision).change,
        );
        if (decision.effect !== 'send') return;
        sent += 1;
        const disclosure = redact(one, decision, { partner, policy: open, now: at });
        expect(Object.keys(disclosure).sort()).toEqual(decision.disclosed);
        expect(checkSchema(partnerType === 'industry' ? 'industry-reference' : 'reference', disclosure)).toEqual([]);
      }),
      { numRuns: 400 },
    );
    expect(sent).toBeGreaterThan(5);
  });

  it('what comes in is decided and explained, whole or reduced', () => {
    fc.assert(
      fc.property(fc.oneof(reference, reduced), policy, type, now, (one, document, partnerType, at) => {
        const originator = { issuer: document.partner, type: partnerType, jurisdictions: [] };
        const decision = decideReceive({ reference: one, originator, policy: document, now: at });
        expect(['accept', 'hold', 'refuse']).toContain(decision.effect);
        expect(explainDecision(decision, { partner: 'B', direction: 'receive' }).length).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
    );
  });

  it('a policy and a deny are checked, each finding with its place and its next step', () => {
    fc.assert(
      fc.property(policy, deny, type, (document, one, partnerType) => {
        const { refusals, warnings } = checkPolicy(document, { partnerType, ownType: partnerType });
        for (const { pointer, next } of [...refusals, ...warnings, ...checkDeny(one)]) {
          expect(pointer).toMatch(/^(?:\/.+)?$/);
          expect(next).toMatch(/^[A-Z"].*\.$/);
        }
      }),
      { numRuns: 200 },
    );
  });
});

const all = Object.fromEntries([
  ['id', 'all'],
  ['when', { category: ['*'] }],
  ['then', 'send'],
]) as unknown as Policy['send']['rules'][number];
