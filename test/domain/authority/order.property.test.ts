import { describe, expect, test } from 'vitest';
import { caseState, faceState } from '../../../src/domain/authority/state.ts';
import type { Statement } from '../../../src/domain/authority/statement.ts';
import {
  DAY,
  handedOver,
  holdUntil,
  instant,
  offerJti,
  say,
  start,
  stateOf,
  subject,
  type Who,
  who,
} from '../../support/case.ts';
import fc from '../../support/property.ts';

const speakers = ['originator', 'hotline', 'neighbour', 'bystander', 'police', 'policeElsewhere', 'provider'] as const;
const speaker = fc.constantFrom<Who>(...speakers);
/** Few instants, so that many statements fall into the same second and answers meet their questions. */
const when = fc.constantFrom(0, 0, 1, 2, 3, 5, 10, 60, 4320, 4321, 43_200, 90_000);

const payloads = fc.oneof(
  fc
    .record({
      action: fc.constantFrom('removed', 'unavailable', 'not-illegal', 'online', 'reappeared', 'reported-to-isp'),
      at: when.map(instant),
      standing: fc.constantFrom('final' as const, 'observed' as const, 'proposed' as const),
    })
    .map((payload) => ['acted', payload] as const),
  fc
    .record({ step: fc.constant('offered' as const), to: speaker.map((name) => who[name]) })
    .map((payload) => ['handover', payload] as const),
  fc
    .record({
      step: fc.constantFrom('accepted' as const, 'declined' as const, 'confirmed' as const, 'returned' as const),
    })
    .map((payload) => ['handover', payload] as const),
  fc
    .record({
      step: fc.constantFrom('accepted' as const, 'confirmed' as const),
      accepts: fc.constantFrom(offerJti(0, 'hotline'), 'nobody-knows-this-jti-x'),
    })
    .map((payload) => ['handover', payload] as const),
  when.map((minutes) => ['hold', holdUntil(minutes + 60)] as const),
  fc.constant(['hold', { step: 'lifted' }] as const),
  when.map((minutes) => ['clearance', { step: 'requested', deadline: instant(minutes) }] as const),
  fc.constantFrom('granted' as const, 'refused' as const).map((step) => ['clearance', { step }] as const),
  when.map((minutes) => ['acknowledged', { at: instant(minutes) }] as const),
  fc.constant(['feedback', { code: 'useful' }] as const),
);

const statement = fc
  .tuple(when, speaker, payloads, fc.boolean(), fc.nat(3))
  .map(([minutes, by, [event, payload], relayed, copy]) =>
    say(minutes, by, event, payload as never, { relayed, jti: `${event}-${by}-${minutes}-${copy}` }),
  );
const log = fc.array(statement, { maxLength: 25 });

/** The same log as somebody else gets it: in another order, with repetitions. */
const received = log.chain((sent) =>
  fc
    .tuple(fc.shuffledSubarray(sent, { minLength: sent.length }), fc.subarray(sent))
    .chain(([all, again]) => fc.shuffledSubarray([...all, ...again], { minLength: all.length + again.length }))
    .map((arrived) => ({ sent, arrived })),
);

describe('the state of a reference', () => {
  test('is the same for every order of arrival and any repetition', () => {
    fc.assert(
      fc.property(received, when, ({ sent, arrived }, now) => {
        expect(stateOf(arrived, now)).toEqual(stateOf(sent, now));
      }),
      { numRuns: 500 },
    );
  });

  test('is the same where a statement comes from its speaker and by relay too, under another jti and in another second', () => {
    fc.assert(
      fc.property(log, (sent) => {
        const direct = sent.map((one) => ({ ...one, relayed: false }));
        const relays = direct.map((one): Statement => ({ ...one, relayed: true, said: one.said + 90_000 }));
        const copies = direct.map((one): Statement => ({ ...one, jtis: one.jtis.map((jti) => `${jti}-copy`) }));
        const { pen: whole, ...rest } = stateOf([...relays, ...direct], 100);
        const { pen, ...known } = stateOf(direct, 100);
        expect(rest).toEqual(known);
        expect(whole.holders).toEqual(pen.holders);
        expect(faceState(stateOf([...copies, ...direct], 100))).toEqual(faceState(stateOf(direct, 100)));
      }),
      { numRuns: 200 },
    );
  });

  test('always has a holder of the pen, ends every hold within 30 days, and gives no desk more than 90', () => {
    fc.assert(
      fc.property(log, when, (sent, now) => {
        const { pen, holds } = stateOf(sent, now);
        expect(pen.holders.length).toBeGreaterThan(0);
        for (const { since, until } of holds) expect(until - since).toBeLessThanOrEqual(30 * DAY);
        for (const name of speakers) {
          const own = holds.filter(({ desk }) => desk.by === who[name]);
          const covered = new Set<number>();
          for (const { since, until } of own)
            for (let at = since; at < until; at += DAY / 4) covered.add(Math.floor(at / (DAY / 4)));
          expect(covered.size).toBeLessThanOrEqual(90 * 4 + own.length);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('never says that the host may be told while a refusal in time stands unanswered', () => {
    fc.assert(
      fc.property(log, when, (sent, now) => {
        const asked = say(100_000, 'originator', 'clearance', { step: 'requested', deadline: instant(100_060) });
        const refused = say(100_010, 'police', 'clearance', { step: 'refused' });
        expect(stateOf([...sent, asked, refused], 100_020 + now).clearance.status).toBe('refused');
      }),
      { numRuns: 200 },
    );
  });

  test('of a whole story, told in the worst order', () => {
    const story = [
      ...handedOver(0, 'originator', 'hotline'),
      say(5, 'hotline', 'clearance', { step: 'requested', deadline: instant(60) }),
      say(70, 'police', 'clearance', { step: 'granted' }),
      say(80, 'police', 'hold', holdUntil(2000)),
      say(90, 'police', 'hold', { step: 'lifted' }),
      say(100, 'hotline', 'acted', { action: 'reported-to-isp', at: instant(100), standing: 'final' }),
      ...handedOver(200, 'hotline', 'neighbour'),
      say(300, 'neighbour', 'acted', { action: 'removed', at: instant(300), standing: 'final' }),
      say(400, 'bystander', 'acted', { action: 'reappeared', at: instant(400), standing: 'observed' }),
      say(500, 'neighbour', 'acted', { action: 'removed', at: instant(500), standing: 'final' }),
    ];
    for (const told of [story, story.toReversed(), [...story.slice(6), ...story, ...story.slice(0, 6)]]) {
      const state = caseState(subject, told, start + DAY);
      expect(faceState(state)).toBe('removed');
      expect(state.pen.holders).toEqual([who.neighbour]);
      expect(state.history.map(({ action }) => action)).toEqual(['removed', 'reappeared', 'removed']);
      expect(state.clearance).toMatchObject({ status: 'granted', late: true });
      expect(state.conflicts).toEqual([]);
    }
  });
});
