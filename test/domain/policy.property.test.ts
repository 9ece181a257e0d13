// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { codes } from '../../src/domain/codes.ts';
import type { CaseReference, Policy } from '../../src/domain/contract.types.ts';
import { explainDecision } from '../../src/domain/explain.ts';
import { hostNotice, mergeMarking, portalReach, strictestTlp } from '../../src/domain/marking.ts';
import { decideReceive, decideSend } from '../../src/domain/policy.ts';
import { disclosedMembers, redact } from '../../src/domain/redact.ts';
import { checkSchema } from '../../src/wire/schema.ts';
import { anyDeny, anyInput, anyPolicy, anyReference, novelCode, now, openInput } from '../support/policy-arbitrary.ts';
import fc from '../support/property.ts';

/** Positive examples stand in policy.test.ts, denies.test.ts and redact.test.ts. */
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

  it('never goes to a partner that is not active', () => {
    fc.assert(
      fc.property(openInput, fc.constantFrom('pending', 'suspended'), (input, state) => {
        expect(decideSend({ ...input, partner: { ...input.partner, state } }).effect).not.toBe('send');
      }),
    );
  });

  it('goes to an industry partner only where its host may be told, in the reduced form', () => {
    let sent = 0;
    fc.assert(
      fc.property(openInput, fc.constantFrom('may', undefined, 'must-not', 'of-tomorrow'), (input, notifyHost) => {
        const { notifyHost: _, ...marking } = input.reference.marking;
        const reference = { ...input.reference, marking: { ...marking, ...(notifyHost && { notifyHost }) } };
        const partner = { ...input.partner, type: 'industry' };
        const rules = [{ id: 'all', when: { category: ['*'] }, then: 'send' as const }];
        const policy = input.policy && { ...input.policy, send: { ...input.policy.send, rules } };
        const decision = decideSend({ ...input, reference, partner, policy });
        if (decision.effect !== 'send' || policy === undefined) return;
        sent += 1;
        expect(notifyHost).toBe('may');
        const disclosure = redact(reference, decision, { partner, policy, now });
        expect(checkSchema('industry-reference', disclosure)).toEqual([]);
      }),
      { numRuns: 1000 },
    );
    expect(sent).toBeGreaterThan(10);
  });

  it('never discloses more for one disclose member less', () => {
    let less = 0;
    const member = fc.constantFrom('handles', 'assessments', 'site', 'access', 'hosting', 'report');
    fc.assert(
      fc.property(openInput, member, (input, removed) => {
        const { policy, reference, partner } = input;
        if (policy?.send.disclose === undefined) return;
        const disclose = Object.fromEntries(Object.entries(policy.send.disclose).filter(([name]) => name !== removed));
        const narrower = { ...policy, send: { ...policy.send, disclose } };
        const all = disclosedMembers(reference, { partner, policy, now });
        const rest = disclosedMembers(reference, { partner, policy: narrower, now });
        expect(all).toEqual(expect.arrayContaining([...rest]));
        expect(all.filter((name) => !rest.includes(name) && name !== removed)).toEqual([]);
        if (rest.length < all.length) less += 1;
      }),
      { numRuns: 500 },
    );
    expect(less).toBeGreaterThan(10);
  });

  it('is redacted to members of the reference with its own values, under no laxer a marking and no later a day', () => {
    let sent = 0;
    fc.assert(
      fc.property(openInput, ({ policy, ...input }) => {
        const decision = decideSend({ ...input, policy });
        if (policy === undefined || decision.effect !== 'send') return;
        sent += 1;
        const { reference, partner } = input;
        const { marking, ...rest } = redact(reference, decision, { partner, policy, now });
        const whole = new Map<string, unknown>(Object.entries({ ...reference, ...policy.send.industry }));
        for (const [name, value] of Object.entries(rest)) {
          if (name === 'handles') expect(whole.get(name)).toEqual(expect.arrayContaining(value as unknown[]));
          else if (name === 'retainUntil') expect(value <= (reference.retainUntil ?? value)).toBe(true);
          else expect(value).toEqual(whole.get(name));
        }
        expect(mergeMarking(marking, reference.marking).tlp).toBe(marking.tlp);
        expect(strictestTlp(marking.tlp, policy.send.marking?.tlpFloor ?? 'CLEAR')).toBe(marking.tlp);
        expect(hostNotice(marking)).toBe(hostNotice(reference.marking));
        const reach = ['none', 'national', 'concerned'];
        expect(reach.indexOf(portalReach(marking))).toBeLessThanOrEqual(reach.indexOf(portalReach(reference.marking)));
        if (marking.onward === 'national') expect(reference.marking.onward).toBe('national');
      }),
      { numRuns: 500 },
    );
    expect(sent).toBeGreaterThan(50);
  });

  it('is decided alike in any order of rules that do not overlap', () => {
    const apart = fc.shuffledSubarray(['csam', 'grooming', 'livestream', 'trafficking'], { minLength: 2 });
    const effect = fc.constantFrom('send', 'hold', 'withhold');
    fc.assert(
      fc.property(openInput, apart, fc.array(effect, { minLength: 4, maxLength: 4 }), (input, categories, effects) => {
        if (input.policy === undefined) return;
        const { policy } = input;
        const rules = categories.map((category, n) => ({
          id: category,
          when: { category: [category] },
          then: effects[n],
        }));
        const decideBy = (list: typeof rules) => {
          const send = { ...policy.send, rules: list as Policy['send']['rules'] };
          const { effect: decided, rule } = decideSend({ ...input, policy: { ...policy, send } });
          return { decided, rule };
        };
        expect(decideBy(rules.toReversed())).toEqual(decideBy(rules));
      }),
    );
  });

  it('never matches a rule by a code that is in no list, and never slips past a deny that asks for a listed one', () => {
    const novel = novelCode.filter((code) => !codes.category.some((listed) => listed === code));
    const listed = fc.subarray([...codes.category], { minLength: 1 });
    fc.assert(
      fc.property(openInput, novel, listed, (input, category, wanted) => {
        const reference = { ...input.reference, category };
        const when = { category: wanted };
        const rules = [{ id: 'listed', when, then: 'send' as const }];
        const policy = input.policy && { ...input.policy, send: { ...input.policy.send, rules } };
        expect(decideSend({ ...input, reference, policy }).effect).toBe('withhold');
        const denies = [{ id: 'd', ground: 'legal' as const, when }];
        expect(decideSend({ ...input, reference, denies }).effect).not.toBe('send');
      }),
    );
  });

  it('is told in sentences, one a line', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        for (const line of explainDecision(decideSend(input), { partner: 'B' }))
          expect(line).toMatch(/^[A-Z][^\n]*\.$/);
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
        const { handles = [] } = disclosure as CaseReference;
        if (!police) expect(handles.some(({ system }) => policeSystems(system))).toBe(false);
        expect(Object.keys(disclosure).sort()).toEqual(decision.disclosed);
      }),
      { numRuns: 300 },
    );
    expect(sent).toBeGreaterThan(20);
  });
});
