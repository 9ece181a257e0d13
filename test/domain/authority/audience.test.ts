import { describe, expect, test } from 'vitest';
import { type AudienceContext, audienceOf, type Holder } from '../../../src/domain/authority/audience.ts';
import type { Statement } from '../../../src/domain/authority/statement.ts';
import { utter } from '../../../src/domain/authority/utterance.ts';
import { handedOver, holdUntil, instant, parties, say, stateOf, subject, type Who, who } from '../../support/case.ts';
import fc from '../../support/property.ts';

const names: readonly Who[] = ['hotline', 'neighbour', 'bystander', 'police', 'policeElsewhere', 'provider'];
const holders: readonly Holder[] = names.map((name) => {
  const { type, jurisdictions } = parties.get(who[name]) ?? { type: 'hotline', jurisdictions: [] };
  return { issuer: who[name], type, jurisdictions, assessments: name !== 'neighbour' };
});
const toNeighbour = handedOver(0, 'originator', 'neighbour');

function context(log: readonly Statement[], changes: Partial<AudienceContext> = {}): AudienceContext {
  const state = stateOf(log, 60);
  return { self: who.originator, subject, marking: { tlp: 'AMBER' }, state, holders, ...changes };
}

/** Who is told by the originator, by the names above. */
function told(statement: Statement, log: readonly Statement[] = [], changes: Partial<AudienceContext> = {}): Who[] {
  const audience = audienceOf(statement, context(log, changes));
  return names.filter((name) => audience.includes(who[name]));
}

const at = instant(60);
const assessed = say(60, 'hotline', 'assessed', {
  scheme: 'iccam',
  version: '3',
  code: 'baseline',
  method: 'viewed',
  at,
});
const acted = say(60, 'hotline', 'acted', { action: 'online', at, standing: 'observed' });
const hold = say(60, 'police', 'hold', holdUntil(600));
const asked = say(60, 'hotline', 'clearance', { step: 'requested', deadline: instant(600) });
const granted = say(60, 'police', 'clearance', { step: 'granted' });
const offered = say(60, 'neighbour', 'handover', { step: 'offered', to: who.bystander });
const acknowledged = say(60, 'police', 'acknowledged', { at });
const feedback = say(60, 'police', 'feedback', { code: 'useful' });

describe('the originator tells', () => {
  test('what was done and where the pen goes to every holder but industry and the speaker', () => {
    expect(told(acted)).toEqual(['neighbour', 'bystander', 'police', 'policeElsewhere']);
    expect(told(offered)).toEqual(['hotline', 'bystander', 'police', 'policeElsewhere']);
  });

  test('assessments to those to whom its policy discloses them', () => {
    expect(told(assessed)).toEqual(['bystander', 'police', 'policeElsewhere']);
  });

  test('a hold to the holder of the pen and who may tell the host, and to nobody else', () => {
    expect(told(hold)).toEqual(['hotline']);
    expect(told(hold, toNeighbour)).toEqual(['hotline', 'neighbour']);
    expect(told(granted, toNeighbour)).toEqual(['hotline', 'neighbour']);
    const marking = { tlp: 'AMBER', notifyHost: 'must-not' };
    expect(told(hold, toNeighbour, { marking })).toEqual(['neighbour']);
  });

  test('nobody by country where the hosting is not known', () => {
    expect(told(hold, [], { subject: { originator: who.originator, places: { hosting: 'XX' } } })).toEqual([]);
    expect(told(hold, [], { subject: { originator: who.originator } })).toEqual([]);
  });

  test('a request for clearance to law enforcement too', () => {
    expect(told(asked, toNeighbour)).toEqual(['neighbour', 'police', 'policeElsewhere']);
  });

  test('what is for itself to nobody', () => {
    expect(told(acknowledged)).toEqual([]);
    expect(told(feedback)).toEqual([]);
  });

  test('its own words by the same rules', () => {
    expect(told({ ...acted, by: who.originator })).toEqual([
      'hotline',
      'neighbour',
      'bystander',
      'police',
      'policeElsewhere',
    ]);
  });

  test('never the one who said it, never industry', () => {
    const statement = fc.constantFrom(assessed, acted, hold, asked, granted, offered, acknowledged, feedback);
    fc.assert(
      fc.property(statement, fc.constantFrom(...names), fc.boolean(), (one, speaker, handed) => {
        const audience = audienceOf({ ...one, by: who[speaker] }, context(handed ? toNeighbour : []));
        expect(audience).not.toContain(who[speaker]);
        expect(audience).not.toContain(who.provider);
        expect(audience).not.toContain(who.stranger);
      }),
    );
  });
});

describe('anybody else tells', () => {
  test('the originator, and the one who gets the pen what its giver says', () => {
    const self = { self: who.neighbour, holders: [] };
    expect(audienceOf({ ...acted, by: who.neighbour }, context([], self))).toEqual([who.originator]);
    expect(audienceOf(offered, context(toNeighbour, self))).toEqual([who.bystander, who.originator].sort());
    const onward = handedOver(10, 'neighbour', 'bystander');
    const [, accepted, confirmed] = onward as [Statement, Statement, Statement];
    expect(audienceOf(confirmed, context([...toNeighbour, ...onward], self))).toEqual(
      [who.bystander, who.originator].sort(),
    );
    expect(audienceOf(accepted, context([], { self: who.bystander, holders: [] }))).toEqual([who.originator]);
  });

  test('nothing of what others said', () => {
    expect(audienceOf(acted, context([], { self: who.neighbour, holders }))).toEqual([]);
  });
});

describe('what leaves of a statement', () => {
  const toldBy = { channel: 'siena', unit: 'Landeskriminalamt 42', reference: { system: 'siena', id: '4711' } };
  const taken = say(0, 'police', 'acknowledged', { at, ownReference: { system: 'icse', id: '12' }, toldBy });
  const to = (type: string) => ({ issuer: who.neighbour, type });

  test('is whole for police', () => {
    expect(utter(taken, to('law-enforcement')).payload).toEqual(taken.payload);
  });

  test('has no case numbers of police systems for anybody else, nor of systems that nobody knows', () => {
    const without = { at, toldBy: { channel: 'siena', unit: 'Landeskriminalamt 42' } };
    expect(utter(taken, to('hotline')).payload).toEqual(without);
    const newer = say(0, 'police', 'acknowledged', { at, ownReference: { system: 'of-tomorrow', id: '12' } });
    expect(utter(newer, to('hotline')).payload).toEqual({ at });
    const plain = say(0, 'police', 'acknowledged', { at, ownReference: { system: 'own', id: '12' } });
    expect(utter(plain, to('hotline')).payload).toEqual(plain.payload);
  });

  test('is nothing for industry', () => {
    expect(() => utter(acted, to('industry'))).toThrow('industry');
  });
});
