import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { CaseReference, Deny, Policy } from '../../src/domain/contract.types.ts';
import type { Decision, SendEffect, SendInput, TraceStep } from '../../src/domain/decision.ts';
import { gateIds } from '../../src/domain/policy/gates.ts';
import { isIndustryForm } from '../../src/domain/policy/industry.ts';
import { decideReceive, decideSend } from '../../src/domain/policy.ts';
import { redact } from '../../src/domain/redact.ts';
import { matchKeys } from '../../src/wire/match.ts';
import { checkSchema } from '../../src/wire/schema.ts';

interface PolicyVector {
  readonly name: string;
  readonly description: string;
  readonly direction: 'send' | 'receive';
  readonly self: string;
  readonly home: readonly string[];
  readonly partner: SendInput['partner'];
  readonly denies?: readonly Deny[];
  readonly document: Policy | null;
  readonly reference: CaseReference;
  readonly now: string;
  readonly expected: {
    readonly effect: Decision['effect'];
    readonly rule: string;
    readonly code?: string;
    readonly policyVersion: number;
    readonly trace: readonly TraceStep[];
    readonly disclosed?: readonly string[];
    readonly disclosure?: object;
  };
}

const folder = new URL('../../schemas/vectors/policy/', import.meta.url);
const vectors = readdirSync(folder).map(
  (file) => [file, JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as PolicyVector] as const,
);

/** The sentences of a trace are each implementation's own. */
function withoutNotes({ trace, ...decision }: Decision) {
  return { ...decision, trace: trace.map(({ note: _, ...step }) => step) };
}

function decideOn({ direction, self, home, partner, denies = [], document, reference, now }: PolicyVector): Decision {
  const policy = document ?? undefined;
  const at = Date.parse(now);
  if (direction === 'receive') return decideReceive({ reference, originator: partner, policy, now: at });
  const { K3, K4 } = matchKeys(reference.url);
  const hostMatches = ({ hosts = [] }: { hosts?: readonly string[] }) => hosts.includes(K3) || hosts.includes(K4 ?? '');
  return decideSend({ reference, self, home, partner, policy, denies, hostMatches, now: at });
}

describe('the vectors of the policy', () => {
  test.each(vectors)('%s', (_, vector) => {
    const decision = decideOn(vector);
    const { disclosure, ...expected } = vector.expected;
    const { change, ...rest } = withoutNotes(decision);
    expect(rest).toEqual(expected);
    expect(change).toMatch(/^[A-Z].*\.$/);
    if (decision.effect !== 'send') {
      expect(disclosure).toBeUndefined();
      return;
    }
    const { partner, document, reference, now } = vector;
    const context = { partner, policy: document as Policy, now: Date.parse(now) };
    expect(redact(reference, decision as Decision<SendEffect>, context)).toEqual(disclosure);
    expect(Object.keys(disclosure ?? {}).sort()).toEqual(decision.disclosed);
  });

  test('are many, named as their files are, and valid by the schemas', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(60);
    for (const [file, { name, description, document, reference, denies = [] }] of vectors) {
      expect(file).toBe(`${name}.json`);
      expect(description.length).toBeGreaterThan(5);
      const form = isIndustryForm(reference) ? 'industry-reference' : 'reference';
      expect(checkSchema(form, reference), name).toEqual([]);
      if (document !== null) expect(checkSchema('policy', document), name).toEqual([]);
      for (const deny of denies) expect(checkSchema('deny', deny), name).toEqual([]);
    }
  });

  test('speak of every gate, every effect and every condition', () => {
    const rules = new Set(vectors.map(([, { expected }]) => expected.rule));
    expect(gateIds.filter((id) => !rules.has(id))).toEqual([]);
    const effects = new Set(vectors.map(([, { direction, expected }]) => `${direction} ${expected.effect}`));
    expect(effects.size).toBe(6);
    const schema = new URL('../../schemas/policy.schema.json', import.meta.url);
    const { $defs } = JSON.parse(readFileSync(schema, 'utf8')) as { $defs: { When: { properties: object } } };
    const asked = new Set(
      vectors.flatMap(([, { document }]) =>
        [...(document?.send.rules ?? []), ...(document?.receive.rules ?? [])].flatMap(({ when }) => Object.keys(when)),
      ),
    );
    expect(Object.keys($defs.When.properties).filter((member) => !asked.has(member))).toEqual([]);
  });
});
