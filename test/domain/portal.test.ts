import { describe, expect, test } from 'vitest';
import { decidePortal, findablePlaces, type PortalInput } from '../../src/domain/portal.ts';

const now = Date.parse('2026-11-22T10:00:00Z');

function input(
  changes: Partial<PortalInput> & { readonly jurisdiction?: object; readonly marking?: object } = {},
): PortalInput {
  const { jurisdiction = { hosting: 'DE' }, marking = { tlp: 'AMBER', portal: 'concerned' }, ...rest } = changes;
  const reference = { revision: 1, url: 'https://a.host.example/1', category: 'csam', jurisdiction, marking };
  return {
    reference: reference as PortalInput['reference'],
    state: 'open',
    expiresAt: null,
    jurisdictions: ['DE'],
    home: ['DE'],
    now,
    ...rest,
  };
}

const effect = (changes: Parameters<typeof input>[0]) => decidePortal(input(changes)).rule;

describe('what a liaison may see', () => {
  test('what is hosted in the own country', () => expect(effect({})).toBe('shown'));
  test('what concerns the own country by another place', () =>
    expect(effect({ jurisdiction: { hosting: 'NL', concerned: [{ country: 'DE', basis: 'victim' }] } })).toBe('shown'));
  test('a nation sees what its states see', () => expect(effect({ jurisdiction: { hosting: 'DE-BY' } })).toBe('shown'));
  test('a state sees its own', () =>
    expect(effect({ jurisdiction: { hosting: 'DE-BY' }, jurisdictions: ['DE-BY'] })).toBe('shown'));
  test('a liaison of another country sees what concerns it, where the marking says so', () =>
    expect(effect({ jurisdiction: { hosting: 'NL' }, jurisdictions: ['NL'] })).toBe('shown'));
  test('until retention ends, and not at its end', () => {
    expect(effect({ expiresAt: now + 1 })).toBe('shown');
    expect(effect({ expiresAt: now })).toBe('retention');
  });
});

describe('what a liaison may not see, and which gate says so', () => {
  test.each([
    ['what only the report came from', { jurisdiction: { hosting: 'NL', reporting: 'DE' } }, 'place'],
    ['what is hosted elsewhere', { jurisdiction: { hosting: 'NL' } }, 'place'],
    ['a state does not see what is the whole nation’s', { jurisdictions: ['DE-BY'] }, 'place'],
    ['a state does not see another state’s', { jurisdiction: { hosting: 'DE-BE' }, jurisdictions: ['DE-BY'] }, 'place'],
    ['a place that is not known', { jurisdiction: { hosting: 'XX' }, jurisdictions: ['XX'] }, 'place'],
    ['RED', { marking: { tlp: 'RED', portal: 'concerned' } }, 'marking'],
    ['AMBER+STRICT', { marking: { tlp: 'AMBER+STRICT', portal: 'national' } }, 'marking'],
    ['a label that nobody knows', { marking: { tlp: 'PURPLE', portal: 'national' } }, 'marking'],
    ['a marking that is silent on portals', { marking: { tlp: 'AMBER' } }, 'marking'],
    ['a marking that names no portal', { marking: { tlp: 'AMBER', portal: 'none' } }, 'marking'],
    [
      'what is for the own nation, to a liaison of another',
      { jurisdiction: { hosting: 'NL' }, jurisdictions: ['NL'], marking: { tlp: 'AMBER', portal: 'national' } },
      'nation',
    ],
    ['a liaison without a jurisdiction', { jurisdictions: [] }, 'place'],
  ] as const)('%s', (_name, changes, gate) => expect(effect(changes)).toBe(gate));

  test.each(['held', 'sealed', 'restricted', 'purged', 'expired'])('a reference that is %s', (state) =>
    expect(effect({ state })).toBe('state'),
  );

  test('the reduced form, which names no place', () => {
    const reduced = {
      revision: 1,
      url: 'https://a.host.example/1',
      category: 'csam',
      requested: 'remove',
      legalBasis: 'court-order',
    };
    const reference = { ...reduced, marking: { tlp: 'AMBER', portal: 'concerned' } };
    expect(decidePortal({ ...input(), reference }).rule).toBe('form');
  });
});

test('the trace names every gate that was asked, in its order, and what was compared', () => {
  expect(decidePortal(input({ jurisdiction: { hosting: 'NL' } })).trace).toEqual([
    { gate: 'state', passed: true, compared: ['open'] },
    { gate: 'retention', passed: true, compared: [] },
    { gate: 'form', passed: true, compared: [] },
    { gate: 'marking', passed: true, compared: ['AMBER', 'concerned'] },
    { gate: 'place', passed: false, compared: ['DE'] },
  ]);
});

test('a reference is found under its places and their nations, never under the country of the report', () => {
  const jurisdiction = {
    hosting: 'DE-BY',
    reporting: 'FR',
    concerned: [
      { country: 'NL', basis: 'act' },
      { country: 'XX', basis: 'act' },
    ],
  };
  expect(findablePlaces({ jurisdiction })).toEqual(['DE-BY', 'DE', 'NL']);
});
