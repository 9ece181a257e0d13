import { describe, expect, it } from 'vitest';
import type { Decision } from '../../src/domain/decision.ts';
import { previewDisclosure } from '../../src/domain/redact.ts';
import { compareDecisions, countChanges, type DecisionChange } from '../../src/domain/simulate.ts';

function decided(effect: Decision['effect'], ...disclosed: string[]): Decision {
  return { effect, rule: 'r', policyVersion: 1, trace: [], ...(disclosed.length > 0 && { disclosed }) };
}

describe('comparing a decision with that of a draft', () => {
  const rows: [before: Decision['effect'] | undefined, after: Decision['effect'], change: DecisionChange][] = [
    [undefined, 'send', 'newly-sent'],
    [undefined, 'hold', 'newly-held'],
    [undefined, 'withhold', 'same'],
    ['send', 'send', 'same'],
    ['send', 'hold', 'no-longer-sent'],
    ['send', 'withhold', 'no-longer-sent'],
    ['hold', 'send', 'newly-sent'],
    ['hold', 'hold', 'same'],
    ['hold', 'withhold', 'no-longer-held'],
    ['withhold', 'send', 'newly-sent'],
    ['withhold', 'hold', 'newly-held'],
    ['withhold', 'withhold', 'same'],
    ['hold', 'accept', 'newly-sent'],
    ['accept', 'accept', 'same'],
    ['accept', 'refuse', 'no-longer-sent'],
    ['accept', 'hold', 'no-longer-sent'],
    ['hold', 'refuse', 'no-longer-held'],
    ['refuse', 'hold', 'newly-held'],
    ['refuse', 'refuse', 'same'],
  ];
  it.each(rows)('%s to %s is %s', (before, after, change) => {
    const earlier = before && decided(before);
    expect(compareDecisions(earlier, decided(after))).toEqual({ change, gained: [], lost: [], changed: [] });
  });

  it('names the members that leave anew and those that stay', () => {
    const comparison = compareDecisions(decided('send', 'url', 'site'), decided('send', 'url', 'report', 'handles'));
    expect(comparison).toEqual({ change: 'disclosure', gained: ['handles', 'report'], lost: ['site'], changed: [] });
  });

  it('counts all members as gained where nothing left before, also where they were held', () => {
    expect(compareDecisions(decided('hold', 'url', 'site'), decided('send', 'url', 'site')).gained).toEqual([
      'site',
      'url',
    ]);
    expect(compareDecisions(decided('send', 'url'), decided('hold', 'url')).lost).toEqual(['url']);
  });

  it('sees what the members say, where that is given', () => {
    const before = {
      url: 'https://host.example/',
      marking: { tlp: 'GREEN' },
      handles: [{ system: 'own', id: '1' }],
      site: {},
    };
    const after = { url: 'https://host.example/', marking: { tlp: 'AMBER' }, handles: [{ id: '1', system: 'own' }] };
    const same = decided('send', 'url', 'marking', 'handles');
    expect(compareDecisions(same, same, { before, after })).toEqual({
      change: 'disclosure',
      gained: [],
      lost: [],
      changed: ['marking'],
    });
    expect(compareDecisions(same, same, { before: after, after }).change).toBe('same');
  });

  it('sees a floor that is raised, which no list of members shows', () => {
    const issuer = 'https://node.police-b.example';
    const partner = { issuer, type: 'law-enforcement', jurisdictions: ['NL'] };
    const reference = {
      revision: 1,
      url: 'https://host.example/path',
      jurisdiction: { hosting: 'NL' },
      category: 'csam',
      marking: { tlp: 'GREEN' },
    };
    const contentUnder = (tlpFloor: string) => {
      const policy = {
        partner: issuer,
        version: 1,
        send: { rules: [], marking: { tlpFloor } },
        receive: { rules: [] },
      };
      return previewDisclosure(reference, { partner, policy, now: 0 }) as object;
    };
    const same = decided('send', ...Object.keys(contentUnder('CLEAR')));
    const contents = { before: contentUnder('CLEAR'), after: contentUnder('AMBER') };
    expect(compareDecisions(same, same, contents)).toMatchObject({ change: 'disclosure', changed: ['marking'] });
    expect(compareDecisions(same, same, { ...contents, after: contentUnder('GREEN') }).change).toBe('same');
  });

  it('is counted, every change in its place', () => {
    const changes = rows.map(([before, after]) => compareDecisions(before && decided(before), decided(after)));
    expect(countChanges(changes)).toEqual({
      'newly-sent': 4,
      'no-longer-sent': 4,
      'newly-held': 3,
      'no-longer-held': 2,
      disclosure: 0,
      same: 6,
    });
    expect(countChanges([]).same).toBe(0);
  });
});
