import { describe, expect, test } from 'vitest';
import type { CaseReference, Marking } from '../../src/domain/contract.types.ts';
import { checkPassedOn } from '../../src/domain/onward.ts';
import { checkRevision } from '../../src/domain/reference.ts';

const self = 'https://node.police-b.example';
const sender = 'https://node.hotline-a.example';
const originator = 'https://node.hotline-c.example';
const sub = '0190a6b0-5d3c-7c11-9d5e-2f60b6a1c001';

function passed(
  marking: Partial<Marking>,
  given: { iss?: string; home?: string[]; places?: string[] } = {},
): ReturnType<typeof checkPassedOn> {
  const reference: CaseReference = {
    revision: 1,
    url: 'https://host.example/path',
    jurisdiction: { hosting: 'DE' },
    category: 'csam',
    marking: { tlp: 'AMBER', ...marking },
    source: { iss: given.iss ?? originator, sub },
  };
  const facts = { issuer: sender, type: 'hotline', jurisdictions: given.places ?? ['DE'] };
  return checkPassedOn(reference, { self, home: given.home ?? ['DE'], sender: facts });
}

describe('what is passed on', () => {
  test.each([
    [['DE'], ['DE']],
    [['DE-BY'], ['DE']],
    [['DE'], ['FR', 'DE-HH']],
    [['NL', 'DE'], ['DE']],
  ])('is taken with leave, in %j from %j', (home, places) =>
    expect(passed({ onward: 'national' }, { home, places })).toBeUndefined(),
  );

  test.each([
    [{}],
    [{ onward: 'none' }],
    [{ onward: 'unknown' }],
    [{ onward: 'international' }],
    [{ onward: 'NATIONAL' }],
  ])('is refused with the marking %j', (marking) =>
    expect(passed(marking)).toMatchObject({ code: 'onward-not-allowed', pointer: '/marking/onward' }),
  );

  test.each([
    [['DE'], ['NL']],
    [['DE'], []],
    [[], ['DE']],
    [['XX'], ['XX']],
    [['XO'], ['XO']],
  ])('is refused across a border, in %j from %j', (home, places) =>
    expect(passed({ onward: 'national' }, { home, places })).toMatchObject({
      code: 'onward-not-allowed',
      pointer: '/source',
    }),
  );

  test('is refused by its own originator', () =>
    expect(passed({ onward: 'national' }, { iss: self })).toMatchObject({
      code: 'not-originator',
      pointer: '/source/iss',
    }));

  test('is refused where the sender names itself', () =>
    expect(passed({ onward: 'national' }, { iss: sender })).toMatchObject({
      code: 'schema-invalid',
      pointer: '/source/iss',
    }));
});

describe('the source of a reference', () => {
  const own: CaseReference = {
    revision: 1,
    url: 'https://host.example/path',
    jurisdiction: { hosting: 'DE' },
    category: 'csam',
    marking: { tlp: 'AMBER' },
  };
  const from = (iss: string, revision: number): CaseReference => ({ ...own, revision, source: { iss, sub } });

  test.each([
    ['comes', own, from(originator, 2)],
    ['goes', from(originator, 1), { ...own, revision: 2 }],
    ['changes', from(originator, 1), from(sender, 2)],
    ['goes in an older revision', from(originator, 2), own],
  ])('that %s by a revision is refused', (_how, before, after) =>
    expect(checkRevision(before, after)).toMatchObject({ code: 'revision-conflict', pointer: '/source' }),
  );

  test('stays in a revision', () => expect(checkRevision(from(originator, 1), from(originator, 2))).toBe('newer'));
});
