import { describe, expect, it } from 'vitest';
import type { CaseReference } from '../../src/domain/contract.types.ts';
import type { Deny, PartnerFacts } from '../../src/domain/decision.ts';
import { judgeDeny, mayConcern } from '../../src/domain/denies.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const reference: CaseReference = {
  revision: 1,
  url: 'https://host.example/path',
  jurisdiction: { hosting: 'NL' },
  category: 'csam',
  marking: { tlp: 'AMBER' },
};

function judge(
  deny: Partial<Deny>,
  over: Partial<CaseReference> = {},
  jurisdictions = ['NL'],
  hostMatches?: () => boolean,
) {
  const partner: PartnerFacts = { issuer: 'https://node.police-b.example', type: 'law-enforcement', jurisdictions };
  return judgeDeny(
    { id: 'd1', ground: 'death-penalty', ...deny },
    {
      reference: { ...reference, ...over },
      partner,
      partnerType: partner.type,
      now,
      ...(hostMatches && { hostMatches }),
    },
  );
}

describe('an organisation-wide deny', () => {
  it('withholds from a destination that it names', () => {
    expect(judge({ destination: ['NL'] })).toMatchObject({ effect: 'withhold', rule: 'deny:d1' });
  });

  it('for a country withholds from a subdivision of it', () => {
    expect(judge({ destination: ['DE'] }, {}, ['DE-BY']).effect).toBe('withhold');
  });

  it('for a subdivision holds where only its country is recorded', () => {
    expect(judge({ destination: ['DE-BY'] }, {}, ['DE']).effect).toBe('hold');
  });

  it('withholds when one of several recorded countries is named', () => {
    expect(judge({ destination: ['US'] }, {}, ['NL', 'US']).effect).toBe('withhold');
  });

  it('is out for another destination, whatever else cannot be told', () => {
    const ruling = judge({ destination: ['US'], when: { features: ['self-generated'] } });
    expect(ruling.effect).toBe('send');
    expect(ruling.step).toEqual({
      kind: 'deny',
      id: 'd1',
      matched: false,
      failed: { member: 'jurisdiction.destination', wanted: ['US'], found: ['NL'] },
    });
  });

  it.each([
    ['nothing is recorded', []],
    ['XX is recorded', ['XX']],
  ])('holds where of the destination %s', (_title, jurisdictions) => {
    expect(judge({ destination: ['US'] }, {}, jurisdictions).effect).toBe('hold');
  });

  it.each([
    ['absent', { jurisdiction: { hosting: 'NL' } }],
    ['XX', { jurisdiction: { concerned: [{ country: 'XX', basis: 'suspect' }] } }],
    [
      'said for one of two only',
      {
        jurisdiction: {
          concerned: [
            { country: 'NL', basis: 'victim' },
            { country: 'XX', basis: 'suspect' },
          ],
        },
      },
    ],
  ])('holds where a country that it asks for is %s', (_title, over) => {
    const ruling = judge({ when: { 'jurisdiction.concerned': ['US'] } }, over);
    expect(ruling.effect).toBe('hold');
    expect(ruling.step.failed?.member).toBe('jurisdiction.concerned');
  });

  it('holds where the category is unknown, or newer than this node', () => {
    expect(judge({ when: { category: ['csam'] } }, { category: 'unknown' }).effect).toBe('hold');
    expect(judge({ when: { category: ['csam'] } }, { category: 'code-of-tomorrow' }).effect).toBe('hold');
  });

  it('withholds the literal unknown where it names it', () => {
    expect(judge({ when: { category: ['unknown'] } }, { category: 'unknown' }).effect).toBe('withhold');
  });

  it('that names nothing withholds everything', () => {
    expect(judge({}).effect).toBe('withhold');
  });

  it('judges hosts by the comparison given, and holds without one', () => {
    expect(judge({ hosts: ['host.example'] }, {}, ['NL'], () => true).effect).toBe('withhold');
    expect(judge({ hosts: ['host.example'] }, {}, ['NL'], () => false).effect).toBe('send');
    expect(judge({ hosts: ['host.example'] }).effect).toBe('hold');
  });

  it('says what it cannot be told, and what would lift it', () => {
    const unclear = judge({ when: { 'jurisdiction.concerned': ['US'] } });
    expect(unclear.step.note).toBe('It cannot be ruled out that this deny applies (ground: death-penalty).');
    expect(unclear.lift).toBe(
      'deny d1 asks for jurisdiction.concerned, which is absent, unknown or too coarse: say it, and the deny can be judged',
    );
    const applies = judge({ destination: ['NL'], when: { category: ['csam'] } });
    expect(applies.step.note).toBe('An organisation-wide deny applies (ground: death-penalty).');
    expect(applies.step.compared).toEqual([
      { member: 'jurisdiction.destination', wanted: ['NL'], found: ['NL'] },
      { member: 'category', wanted: ['csam'], found: ['csam'] },
    ]);
  });

  it.each([
    [undefined, ['NL'], true],
    [['NL'], ['NL', 'US'], true],
    [['NL-NH'], ['NL'], true],
    [['US'], [], true],
    [['US'], ['XX'], true],
    [['US'], ['NL'], false],
  ])('for %j may concern a partner in %j: %s', (destination, jurisdictions, wanted) => {
    const facts = { issuer: 'https://node.police-b.example', type: 'hotline', jurisdictions };
    expect(mayConcern({ id: 'd', ground: 'legal', ...(destination && { destination }) }, facts)).toBe(wanted);
  });

  it('never shows a host in its trace', () => {
    for (const hostMatches of [undefined, () => true, () => false]) {
      expect(JSON.stringify(judge({ hosts: ['host.example'] }, {}, ['NL'], hostMatches))).not.toContain('host.example');
    }
  });
});
