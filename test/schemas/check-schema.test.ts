import { expect, test } from 'vitest';
import { checkSchema, MAX_REFUSALS } from '../../src/wire/schema.ts';
import fc from '../support/property.ts';

const reference = {
  revision: 1,
  url: 'https://host.example/path',
  jurisdiction: { hosting: 'NL' },
  category: 'csam',
  marking: { tlp: 'AMBER' },
};

test('a valid value is refused nothing and stays as it was', () => {
  const value = structuredClone(reference);
  expect(checkSchema('reference', value)).toEqual([]);
  expect(value).toEqual(reference);
});

test('a refusal says where, what and what next', () => {
  expect(checkSchema('reference', { ...reference, marking: {} })).toEqual([
    {
      refused: true,
      code: 'schema-invalid',
      pointer: '/marking/tlp',
      message: 'The member is missing.',
      next: expect.stringMatching(/^Add the member named by the pointer: ./),
    },
  ]);
  const [wrong] = checkSchema('reference', { ...reference, receivedAt: 'yesterday' });
  expect(wrong?.next).toContain('YYYY-MM-DDThh:mm:ssZ');
});

test('an invalid value is left as it was: nothing is removed, coerced or filled in', () => {
  const value = { ...reference, revision: '1', extra: true };
  expect(
    checkSchema('reference', value)
      .map(({ pointer }) => pointer)
      .sort(),
  ).toEqual(['/extra', '/revision']);
  expect(value).toEqual({ ...reference, revision: '1', extra: true });
});

test('pointers are escaped, and prefixed where the value is part of another', () => {
  expect(checkSchema('verify', { 'a/b~c': 1 })[0]?.pointer).toBe('/a~1b~0c');
  expect(checkSchema('verify', { x: 1 }, '/events/0')[0]?.pointer).toBe('/events/0/x');
});

test('a member name that may be text is not repeated: the pointer names its parent', () => {
  const refused = checkSchema('reference', { ...reference, marking: { tlp: 'RED', 'told by a neighbour': 1 } });
  expect(refused.map(({ pointer }) => pointer)).toEqual(['/marking']);
  expect(JSON.stringify(refused)).not.toContain('neighbour');
  for (const name of ['https://host.example/a', 'host.example', 'DE-2026-00123', 'x'.repeat(41)])
    expect(checkSchema('verify', { [name]: 1 }).map(({ pointer }) => pointer)).toEqual(['']);
  expect(checkSchema('verify', { ['x'.repeat(65)]: 1 }).map(({ pointer }) => pointer)).toEqual(['']);
});

test('a value never comes back in a refusal', () => {
  const canary = 'canary-7f3a';
  const value = {
    ...reference,
    category: `${canary} text`,
    features: [`${canary}!`],
    urgency: { level: canary.toUpperCase() },
    marking: { tlp: canary },
    handles: [{ system: 'own', id: `${canary}  ${canary}` }],
  };
  const refused = checkSchema('reference', value);
  expect(refused.length).toBe(5);
  expect(JSON.stringify(refused).toLowerCase()).not.toContain(canary);
  const outcome = {
    for: { jti: 'x' },
    digest: `S256:${'A'.repeat(43)}`,
    receivedAt: '2026-11-20T10:00:00Z',
    outcome: canary,
  };
  expect(JSON.stringify(checkSchema('receipt', outcome))).not.toContain(canary);
});

test('at most twenty refusals', () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`member-${i}`, i]));
  expect(checkSchema('verify', many)).toHaveLength(MAX_REFUSALS);
});

test('a huge value is refused at its first error', () => {
  const huge = { ...reference, related: Array.from({ length: 20_000 }, () => 'x'), extra: 1 };
  expect(checkSchema('reference', huge)).toHaveLength(1);
});

test('whatever is thrown at it, it answers with refusals', () => {
  const names = ['reference', 'receipt', 'policy', 'peer-card', 'set'] as const;
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.jsonValue(), (name, value) => {
      const refused = checkSchema(name, value);
      return refused.length > 0 && refused.every(({ code }) => code === 'schema-invalid');
    }),
    { numRuns: 200 },
  );
});

test('patterns answer long hostile strings at once', () => {
  const started = performance.now();
  const long = `${'a'.repeat(7_999)}!`;
  checkSchema('reference', {
    ...reference,
    handles: [{ system: 'own', id: `${'a '.repeat(4000)}!` }],
    assignee: `https://${long}`,
  });
  checkSchema('peer-card', {
    organisation: { name: `${'a '.repeat(4000)}!` },
    contact: { email: `${long}@${long}`, hours: long, phone: long },
  });
  checkSchema('receipt', { pointer: `${'/a'.repeat(4000)} ` });
  expect(performance.now() - started).toBeLessThan(500);
});
