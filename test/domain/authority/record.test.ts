import { describe, expect, test } from 'vitest';
import { mayRecord, mayRelay, type RecordFacts } from '../../../src/domain/authority/record.ts';
import type { Statement } from '../../../src/domain/authority/statement.ts';
import { handedOver, holdUntil, instant, offerJti, parties, say, stateOf, subject, who } from '../../support/case.ts';

const days = (count: number) => count * 24 * 60;
const toldBy = { channel: 'phone', unit: 'Kripo Musterstadt' };
const facts: RecordFacts = {
  originator: who.originator,
  partyOf: (issuer) => parties.get(issuer),
  own: false,
  isHolder: true,
  withdrawn: false,
  confirmed: false,
};
const own = { own: true, confirmed: true };

function judged(statement: Statement, log: readonly Statement[] = [], changes: Partial<RecordFacts> = {}) {
  const minutes = (statement.said - Date.parse(instant(0))) / 60_000;
  const refusal = mayRecord(statement, stateOf(log, minutes), { ...facts, ...changes });
  return refusal && [refusal.code, refusal.pointer];
}

describe('what was told by a party without a node', () => {
  const told = say(10, 'hotline', 'clearance', { step: 'granted', toldBy });

  test('is recorded here with the confirmation of a second person, and not without', () => {
    expect(judged(told, [], { own: true, confirmed: false })).toEqual(['operator-required', '/toldBy']);
    expect(judged(told, [], own)).toBeUndefined();
  });

  test('is taken from a partner, which answers for its own four eyes', () => {
    expect(judged(told)).toBeUndefined();
  });

  test('is kept of an own reference where its desk was telephoned, and taken from no other originator', () => {
    const words = [
      say(10, 'originator', 'acknowledged', { at: instant(10), toldBy }),
      say(10, 'originator', 'feedback', { code: 'investigation-opened', toldBy }),
    ];
    for (const one of words) {
      expect(judged(one, [], own)).toBeUndefined();
      expect(judged(one, [], { own: true, confirmed: false })).toEqual(['operator-required', '/toldBy']);
      expect(judged(one)).toEqual(['not-competent', '']);
    }
    expect(judged(say(10, 'originator', 'feedback', { code: 'useful' }), [], own)).toEqual(['not-competent', '']);
  });

  test('is never heard through a host, whatever it is trusted with', () => {
    const host = { partyOf: () => ({ type: 'industry', jurisdictions: ['NL'], mayHold: true }) };
    const words = [
      say(10, 'provider', 'clearance', { step: 'granted', toldBy }),
      say(10, 'provider', 'hold', { ...holdUntil(100), toldBy }),
      say(10, 'provider', 'feedback', { code: 'victim-safeguarded', toldBy }),
    ];
    expect(words.map((one) => judged(one, [], host)?.[0])).toEqual([
      ...['not-competent', 'hold-not-competent', 'not-competent'],
    ]);
    const [granted] = words;
    const asked = say(5, 'originator', 'clearance', { step: 'requested', deadline: instant(60) });
    expect(stateOf(granted ? [asked, granted] : [], 20).clearance.status).toBe('open');
  });

  test('is a hold where the one who was told is trusted with holds', () => {
    const hold = say(10, 'hotline', 'hold', { ...holdUntil(100), toldBy });
    const trusted = { type: 'hotline', jurisdictions: ['NL'], mayHold: true };
    expect(judged(hold)).toEqual(['hold-not-competent', '']);
    expect(judged(hold, [], { partyOf: () => trusted })).toBeUndefined();
  });

  test('opens an investigation, since police said it', () => {
    expect(judged(say(10, 'hotline', 'feedback', { code: 'investigation-opened', toldBy }))).toBeUndefined();
  });

  test('decides nothing: the pen is no unit’s', () => {
    const final = say(10, 'originator', 'acted', { action: 'removed', at: instant(10), standing: 'final', toldBy });
    expect(judged(final)).toEqual(['not-assignee', '/standing']);
  });
});

describe('a hold', () => {
  test('ends within 30 days of being placed', () => {
    expect(judged(say(0, 'police', 'hold', holdUntil(days(30))))).toBeUndefined();
    expect(judged(say(0, 'police', 'hold', holdUntil(days(31))))).toEqual(['schema-invalid', '/until']);
  });

  test('does not end before it begins', () => {
    expect(judged(say(10, 'police', 'hold', holdUntil(5)))).toEqual(['schema-invalid', '/until']);
  });

  test('is renewed up to 90 days in sum, each desk for itself', () => {
    const log = [0, 30, 60].map((day) => say(days(day), 'police', 'hold', holdUntil(days(day + 30))));
    const next = (speaker: 'police' | 'policeElsewhere') => say(days(90), speaker, 'hold', holdUntil(days(91)));
    expect(judged(next('police'), log.slice(0, 2))).toBeUndefined();
    expect(judged(next('police'), log)).toEqual(['schema-invalid', '/until']);
    expect(judged(next('policeElsewhere'), log)).toBeUndefined();
  });

  test('counts for the sum of its organisation under whatever unit: a new name is no new 90 days', () => {
    const log = [0, 30, 60].map((day) =>
      say(days(day), 'police', 'hold', { ...holdUntil(days(day + 30)), toldBy: { ...toldBy, unit: `Unit ${day}` } }),
    );
    const next = say(days(90), 'police', 'hold', {
      ...holdUntil(days(91)),
      toldBy: { ...toldBy, unit: 'Unit of tomorrow' },
    });
    expect(judged(next, log)).toEqual(['schema-invalid', '/until']);
    expect(stateOf([...log, next], days(90) + 10).held).toEqual([]);
  });

  test('shows in no refusal to those who are not told of it: their proposal is taken as without one', () => {
    const log = [...handedOver(0, 'originator', 'hotline'), say(10, 'police', 'hold', holdUntil(100))];
    const asked = say(10, 'hotline', 'clearance', { step: 'requested', deadline: instant(600) });
    const propose = (speaker: 'provider' | 'bystander' | 'policeElsewhere' | 'police' | 'hotline') =>
      say(20, speaker, 'acted', { action: 'reported-to-isp', at: instant(20), standing: 'proposed' });
    for (const speaker of ['provider', 'bystander', 'policeElsewhere'] as const)
      expect(judged(propose(speaker), log)).toBeUndefined();
    for (const speaker of ['provider', 'bystander'] as const)
      expect(judged(propose(speaker), [...handedOver(0, 'originator', 'hotline'), asked])).toBeUndefined();
    for (const speaker of ['police', 'hotline'] as const)
      expect(judged(propose(speaker), log)).toEqual(['hold-active', '/action']);
  });

  test('is lifted here only where one is in force; from a partner the lift may have overtaken it', () => {
    const lift = say(20, 'police', 'hold', { step: 'lifted' });
    expect(judged(lift, [], own)).toEqual(['state-conflict', '/step']);
    expect(judged(lift, [say(10, 'police', 'hold', holdUntil(100))], own)).toBeUndefined();
    expect(judged(lift)).toBeUndefined();
  });

  test('stops our own people before they tell the host, and takes from them what has been done', () => {
    const log = [...handedOver(0, 'originator', 'hotline'), say(10, 'police', 'hold', holdUntil(100))];
    const tell = (standing: 'final' | 'observed') =>
      say(20, 'hotline', 'acted', { action: 'reported-to-isp', at: instant(20), standing });
    expect(judged(tell('final'), log, own)).toEqual(['hold-active', '/action']);
    expect(judged(tell('observed'), log, own)).toBeUndefined();
    expect(judged(tell('final'), log)).toBeUndefined();
  });
});

describe('a hand-over', () => {
  const pen = handedOver(0, 'originator', 'hotline');

  test('is not offered to oneself', () => {
    const offer = say(5, 'originator', 'handover', { step: 'offered', to: who.originator });
    expect(judged(offer)).toEqual(['schema-invalid', '/to']);
  });

  test('lapses: a late answer or confirmation is refused', () => {
    const late = 72 * 60 + 5;
    const answer = say(late, 'hotline', 'handover', { step: 'accepted', accepts: offerJti(0, 'hotline') });
    expect(judged(answer, pen.slice(0, 1))).toEqual(['state-conflict', '/step']);
    const confirmation = say(late, 'originator', 'handover', { step: 'confirmed', accepts: offerJti(0, 'hotline') });
    expect(judged(confirmation, pen.slice(0, 2))).toEqual(['state-conflict', '/step']);
  });

  test('that was answered in time is taken when the answer comes late', () => {
    const [offered, accepted] = pen as [Statement, Statement, Statement];
    expect(mayRecord(accepted, stateOf([offered], days(5)), facts)).toBeUndefined();
  });

  test('that was never offered is not answered or confirmed by our own people', () => {
    for (const step of ['accepted', 'declined', 'confirmed'] as const)
      expect(judged(say(5, 'hotline', 'handover', { step, accepts: 'x' }), [], own)).toEqual([
        'state-conflict',
        '/step',
      ]);
  });

  test('is confirmed by its giver alone', () => {
    const confirmed = say(5, 'bystander', 'handover', { step: 'confirmed', accepts: offerJti(0, 'hotline') });
    expect(judged(confirmed, pen.slice(0, 2))).toEqual(['not-assignee', '/step']);
  });

  test('lets the new holder wait whose acceptance is known and whose offer is not', () => {
    const final = say(5, 'hotline', 'acted', { action: 'removed', at: instant(5), standing: 'final' });
    expect(judged(final, pen.slice(1, 2))).toEqual(['handover-pending', '/standing']);
    expect(judged(final, pen)).toBeUndefined();
  });

  test('takes nothing back of what the giver said before it', () => {
    const before = say(1, 'originator', 'acted', { action: 'removed', at: instant(1), standing: 'final' });
    expect(mayRecord(before, stateOf(pen, 10), facts)).toBeUndefined();
    const after = say(3, 'originator', 'acted', { action: 'removed', at: instant(3), standing: 'final' });
    expect(judged(after, pen)).toEqual(['not-assignee', '/standing']);
  });
});

describe('further rules', () => {
  test('an assessment names its sender or nobody', () => {
    const claim = { scheme: 'iccam', version: '3', code: 'baseline', method: 'viewed', at: instant(0) };
    expect(judged(say(5, 'hotline', 'assessed', { ...claim, by: who.hotline }))).toBeUndefined();
    expect(judged(say(5, 'hotline', 'assessed', { ...claim, by: who.police }))).toEqual(['schema-invalid', '/by']);
  });

  test('nothing happened after it was said, but for the difference of two clocks', () => {
    const seen = (minutes: number) =>
      say(5, 'hotline', 'acted', { action: 'online', at: instant(minutes), standing: 'observed' });
    expect(judged(seen(6))).toBeUndefined();
    expect(judged(seen(8))).toEqual(['schema-invalid', '/at']);
  });

  test('a deadline lies ahead, and our own people ask once', () => {
    const ask = (deadline: number) =>
      say(5, 'originator', 'clearance', { step: 'requested', deadline: instant(deadline) });
    expect(judged(ask(5))).toEqual(['schema-invalid', '/deadline']);
    expect(judged(ask(60))).toBeUndefined();
    const asked = say(1, 'originator', 'clearance', { step: 'requested', deadline: instant(60) });
    expect(judged(ask(90), [asked], own)).toEqual(['state-conflict', '/step']);
    expect(judged(ask(90), [asked])).toBeUndefined();
  });

  test('an outcome said before the one that stands is history that arrives late', () => {
    const log = [...handedOver(0, 'originator', 'hotline')];
    const at = (minutes: number) =>
      say(minutes, 'hotline', 'acted', { action: 'removed', at: instant(minutes), standing: 'final' });
    expect(mayRecord(at(10), stateOf([...log, at(30)], 40), facts)).toBeUndefined();
    expect(judged(at(40), [...log, at(30)])).toEqual(['already-final', '/action']);
  });

  test('numbers of police systems are set by police', () => {
    const acknowledge = (speaker: 'police' | 'hotline', system: string) =>
      say(5, speaker, 'acknowledged', { at: instant(5), ownReference: { system, id: '4711' } });
    expect(judged(acknowledge('police', 'siena'))).toBeUndefined();
    expect(judged(acknowledge('hotline', 'own'))).toBeUndefined();
    expect(judged(acknowledge('hotline', 'siena'))).toEqual(['handle-invalid', '/ownReference/system']);
    expect(judged(acknowledge('hotline', 'national:DE'))).toEqual(['handle-invalid', '/ownReference/system']);
  });

  test('a hold of somebody who is no partner is none', () => {
    expect(judged(say(5, 'police', 'hold', holdUntil(60)), [], { partyOf: () => undefined })).toEqual([
      'hold-not-competent',
      '',
    ]);
  });
});

describe('what is relayed', () => {
  const relay = { originator: subject.originator, withdrawn: false, self: who.neighbour };

  test('comes from the originator', () => {
    expect(mayRelay(who.originator, { by: who.hotline }, relay)).toBeUndefined();
    expect(mayRelay(who.hotline, { by: who.police }, relay)?.code).toBe('not-originator');
  });

  test('was said by neither of the two', () => {
    for (const by of [who.originator, who.neighbour])
      expect(mayRelay(who.originator, { by }, relay)).toMatchObject({ code: 'schema-invalid', pointer: '/by' });
  });

  test('is about nothing that was withdrawn', () => {
    expect(mayRelay(who.originator, { by: who.hotline }, { ...relay, withdrawn: true })?.code).toBe(
      'reference-withdrawn',
    );
  });
});
