import { describe, expect, it } from 'vitest';
import type { IndustryReference, Policy } from '../../src/domain/contract.types.ts';
import {
  checkIndustryReference,
  instructionOf,
  isIndustryForm,
  isInstructive,
} from '../../src/domain/policy/industry.ts';

const reduced: IndustryReference = {
  revision: 1,
  url: 'https://host.example/path',
  category: 'csam',
  requested: 'remove',
  legalBasis: 'notice-and-action',
  marking: { tlp: 'AMBER', notifyHost: 'may' },
};
const policy: Policy = {
  partner: 'https://node.provider.example',
  version: 1,
  send: { rules: [] },
  receive: { rules: [] },
};

function instructed(requested: string, legalBasis: string) {
  return instructionOf({ ...policy, send: { rules: [], industry: { requested, legalBasis } } });
}

describe('an instruction to an industry partner', () => {
  it('says what is asked and on what basis', () => {
    expect(instructed('preserve', 'court-order')).toEqual({ requested: 'preserve', legalBasis: 'court-order' });
  });

  it.each([
    ['unknown', 'court-order'],
    ['remove', 'unknown'],
    ['of-tomorrow', 'court-order'],
    ['remove', 'remove'],
    ['court-order', 'court-order'],
  ])('is none where it says %s by %s', (requested, legalBasis) => {
    expect(instructed(requested, legalBasis)).toBeUndefined();
  });

  it('is none where the policy has none', () => {
    expect(instructionOf(policy)).toBeUndefined();
  });

  it('needs codes of its own lists', () => {
    expect([isInstructive('requested', 'remove'), isInstructive('legalBasis', 'statutory-duty')]).toEqual([true, true]);
    expect([isInstructive('legalBasis', 'remove'), isInstructive('requested', 'unknown')]).toEqual([false, false]);
  });
});

describe('the reduced form on the wire', () => {
  const refused = (over: Partial<IndustryReference>, loopback = false) =>
    checkIndustryReference({ ...reduced, ...over }, { loopback }).map(({ code, pointer }) => [code, pointer]);

  it('is told from a whole reference', () => {
    const { requested: _, ...rest } = reduced;
    expect([isIndustryForm(reduced), isIndustryForm(rest)]).toEqual([true, false]);
  });

  it('passes with codes of a newer list', () => {
    expect(refused({ requested: 'of-tomorrow', legalBasis: 'of-tomorrow', category: 'of-tomorrow' })).toEqual([]);
  });

  it('is refused with an address that is refused', () => {
    expect(refused({ url: 'https://user@host.example/' })).toEqual([['url-quarantined', '/url']]);
    expect(refused({ url: 'http://127.0.0.1:1/' })).toEqual([['url-quarantined', '/url']]);
    expect(refused({ url: 'http://127.0.0.1:1/' }, true)).toEqual([]);
  });

  it('is refused with a marking that contradicts itself', () => {
    expect(refused({ marking: { tlp: 'RED', portal: 'national' } })).toEqual([['marking-invalid', '/marking/portal']]);
    expect(refused({ url: 'magnet:?xt=1', marking: { tlp: 'RED', portal: 'national' } })).toHaveLength(2);
  });
});
