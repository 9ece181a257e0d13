import { describe, expect, test } from 'vitest';
import { acknowledgement } from '../../../src/domain/authority/emergency.ts';
import { penConflict } from '../../../src/domain/authority/same-address.ts';
import { caseState, faceState } from '../../../src/domain/authority/state.ts';
import { type Statement, saidAt } from '../../../src/domain/authority/statement.ts';
import {
  DAY,
  HOUR,
  handedOver,
  holdUntil,
  instant,
  MINUTE,
  offerJti,
  say,
  start,
  stateOf,
  subject,
  who,
} from '../../support/case.ts';

const hours = (count: number) => count * 60;
const days = (count: number) => count * 24 * 60;
const faceOf = (log: readonly Statement[], minutes: number) => faceState(stateOf(log, minutes));
const holders = (log: readonly Statement[], minutes: number) => stateOf(log, minutes).pen.holders;
const kinds = (log: readonly Statement[], minutes: number) =>
  stateOf(log, minutes).conflicts.map(({ kind, between }) => [kind, between]);
const pen = handedOver(0, 'originator', 'hotline');
const final = (minutes: number, action: 'removed' | 'unavailable' | 'not-illegal') =>
  say(minutes, 'hotline', 'acted', { action, at: instant(minutes), standing: 'final' });
const seen = (minutes: number, action: string) =>
  say(minutes, 'bystander', 'acted', { action, at: instant(minutes), standing: 'observed' });

describe('the pen', () => {
  test('is the originator’s until an offer was accepted and confirmed', () => {
    const [offered, accepted] = pen;
    expect(holders([], 0)).toEqual([who.originator]);
    expect(holders(pen.slice(0, 1), 1)).toEqual([who.originator]);
    expect(stateOf([offered, accepted] as Statement[], 2).pen.pending).toMatchObject([
      { state: 'accepted', to: who.hotline },
    ]);
    expect(holders(pen, 2)).toEqual([who.hotline]);
  });

  test('has never moved where the offer was declined, or confirmed without an answer', () => {
    const declined = say(1, 'hotline', 'handover', { step: 'declined', code: 'not-hosted-here' });
    expect(holders([pen[0], declined, pen[2]] as Statement[], 5)).toEqual([who.originator]);
    expect(holders([pen[0], pen[2]] as Statement[], 5)).toEqual([who.originator]);
  });

  test('has never moved where the offer was unanswered in 72 hours, and was still offered just before', () => {
    const offered = pen.slice(0, 1);
    expect(stateOf(offered, hours(72)).pen.offers[0]?.state).toBe('offered');
    expect(stateOf(offered, hours(72) + 1).pen.offers[0]?.state).toBe('lapsed');
    const late = say(hours(73), 'hotline', 'handover', { step: 'accepted', accepts: offerJti(0, 'hotline') });
    const confirmed = say(hours(73) + 1, 'originator', 'handover', { step: 'confirmed' });
    expect(holders([...offered, late, confirmed], hours(74))).toEqual([who.originator]);
  });

  test('has never moved where the acceptance was not confirmed in 72 hours', () => {
    const late = say(hours(72) + 10, 'originator', 'handover', { step: 'confirmed' });
    expect(holders([...pen.slice(0, 2), late], hours(80))).toEqual([who.originator]);
    expect(stateOf(pen.slice(0, 2), hours(73) + 1).pen.offers[0]?.state).toBe('lapsed');
  });

  test('is not accepted before it was offered', () => {
    const early = say(0, 'hotline', 'handover', { step: 'accepted', accepts: 'of-the-copy-we-never-saw' });
    const offered = say(30, 'originator', 'handover', { step: 'offered', to: who.hotline });
    const confirmed = say(40, 'originator', 'handover', { step: 'confirmed' });
    expect(holders([early, offered, confirmed], 50)).toEqual([who.originator]);
    expect(stateOf([early, offered], 50).pen.expectant).toEqual([who.hotline]);
  });

  test('lapses sooner where the offer says so, and never later', () => {
    const offer = (answerBy: number) =>
      say(0, 'originator', 'handover', { step: 'offered', to: who.hotline, answerBy: instant(answerBy) });
    expect(stateOf([offer(30)], 31).pen.pending).toEqual([]);
    expect(stateOf([offer(hours(100))], hours(73)).pen.pending).toEqual([]);
  });

  test('goes on from one to the next, and an acceptance may name an offer by a jti that is not known', () => {
    const onward = [
      say(10, 'hotline', 'handover', { step: 'offered', to: who.neighbour }),
      say(11, 'neighbour', 'handover', { step: 'accepted', accepts: 'of-the-copy-we-never-saw' }),
      say(12, 'hotline', 'handover', { step: 'confirmed', to: who.neighbour }),
    ];
    expect(holders([...pen, ...onward], 20)).toEqual([who.neighbour]);
  });

  test('returned goes back to its giver, and twice is unplaced until somebody takes it', () => {
    const back = (minutes: number, speaker: 'hotline' | 'neighbour') =>
      say(minutes, speaker, 'handover', { step: 'returned', code: 'no-capacity' });
    const once = [...pen, back(5, 'hotline')];
    expect(stateOf(once, 6).pen).toMatchObject({ holders: [who.originator], unplaced: false, returns: 1 });
    const twice = [...once, ...handedOver(10, 'originator', 'neighbour'), back(15, 'neighbour')];
    expect(faceOf(twice, 20)).toBe('unplaced');
    expect(faceOf([...twice, ...handedOver(20, 'originator', 'hotline')], 30)).toBe('open');
  });

  test('returned and offered again within minutes belongs to the hand-over before', () => {
    const returned = (minutes: number) =>
      say(minutes, 'hotline', 'handover', { step: 'returned', code: 'no-capacity' });
    const once = [...handedOver(0, 'originator', 'hotline'), returned(3)];
    const again = [...once, ...handedOver(4, 'originator', 'hotline')];
    expect(holders(again.slice(0, -2), 5)).toEqual([who.originator]);
    expect(holders(again, 7)).toEqual([who.hotline]);
    expect(stateOf([...again, returned(7)], 8).pen).toMatchObject({ returns: 2, unplaced: true });
  });

  test('given twice is held twice, and everybody sees it', () => {
    const log = [...pen, ...handedOver(1, 'originator', 'neighbour')];
    expect(kinds(log, 10)).toEqual([['pen-conflict', [who.neighbour, who.hotline].sort()]]);
    const returned = say(11, 'neighbour', 'handover', { step: 'returned', code: 'no-capacity' });
    expect(holders([...log, returned], 12)).toContain(who.hotline);
  });

  test('is given by nobody who does not hold it', () => {
    expect(holders(handedOver(0, 'neighbour', 'bystander'), 10)).toEqual([who.originator]);
  });

  test('of one address with different holders is a conflict between them', () => {
    const one = { originator: who.originator, id: '1', holders: [who.hotline] };
    expect(penConflict([one, { ...one, id: '2' }])).toEqual([]);
    expect(penConflict([one, { ...one, id: '2', holders: [who.neighbour] }])).toEqual(
      [who.neighbour, who.hotline].sort(),
    );
  });
});

describe('an outcome', () => {
  test('is the holder’s, and stands', () => {
    expect(faceOf([...pen, final(10, 'removed')], 20)).toBe('removed');
    expect(faceOf([...pen, final(10, 'unavailable')], 20)).toBe('unavailable');
    expect(faceOf([...pen, final(10, 'not-illegal')], 20)).toBe('not-illegal');
    expect(faceOf([...pen, seen(10, 'removed')], 20)).toBe('open');
  });

  test('removed, reappeared, removed is history', () => {
    const log = [...pen, final(10, 'removed'), seen(20, 'reappeared')];
    expect(faceOf(log, 30)).toBe('open');
    const again = stateOf([...log, final(40, 'removed')], 50);
    expect(again.history.map(({ action }) => action)).toEqual(['removed', 'reappeared', 'removed']);
    expect(again.outcome).toMatchObject({ action: 'removed', at: start + 40 * MINUTE, by: who.hotline });
    expect(again.lastSeenOnline).toEqual({ at: start + 20 * MINUTE, by: who.bystander });
  });

  test('that differs from the one that stands is shown, and the first one stands', () => {
    const log = [...pen, final(10, 'removed'), final(20, 'not-illegal')];
    expect(faceOf(log, 30)).toBe('removed');
    expect(kinds(log, 30)).toEqual([['contradictory-outcomes', [who.hotline]]]);
  });

  test('of somebody without the pen, or told by one without a node, is shown and does not count', () => {
    const stranger = say(10, 'bystander', 'acted', { action: 'removed', at: instant(10), standing: 'final' });
    expect(faceOf([...pen, stranger], 20)).toBe('open');
    expect(kinds([...pen, stranger], 20)).toEqual([['outcome-without-pen', [who.bystander]]]);
    const toldBy = { channel: 'phone', unit: 'Kripo Musterstadt' };
    const told = say(10, 'hotline', 'acted', { action: 'removed', at: instant(10), standing: 'final', toldBy });
    expect(faceOf([...pen, told], 20)).toBe('open');
  });

  test('said before its speaker had the pen does not count when it gets it', () => {
    expect(faceOf([final(0, 'removed'), ...handedOver(10, 'originator', 'hotline')], 20)).toBe('open');
  });

  test('seen online afterwards is a conflict, until somebody says that it has reappeared', () => {
    const log = [...pen, final(10, 'removed'), seen(20, 'online')];
    expect(kinds(log, 30)).toEqual([['online-after-outcome', [who.bystander, who.hotline].sort()]]);
    expect(kinds([...log, seen(21, 'reappeared')], 30)).toEqual([]);
  });

  test('in the second of a reappearance does not close it', () => {
    expect(faceOf([...pen, final(10, 'removed'), seen(10, 'reappeared')], 20)).toBe('open');
  });

  test('dated after it was said counts when it was said', () => {
    const ahead = say(10, 'hotline', 'acted', { action: 'removed', at: '2999-01-01T00:00:00Z', standing: 'final' });
    expect(faceOf([...pen, ahead, seen(20, 'reappeared')], 30)).toBe('open');
  });

  test('what the originator observed counts as seen online', () => {
    const state = caseState({ ...subject, observedAt: start }, [], start);
    expect(state.lastSeenOnline).toEqual({ at: start, by: who.originator });
  });
});

describe('a hold', () => {
  const placed = say(10, 'police', 'hold', holdUntil(hours(24)));

  test('of police of a country concerned binds, and ends by itself', () => {
    expect(faceOf([placed], hours(23))).toBe('on-hold');
    expect(stateOf([placed], hours(23)).held).toMatchObject([{ binding: true, desk: { by: who.police } }]);
    expect(faceOf([placed], hours(24))).toBe('open');
  });

  test('of police of another country advises, and so does one that is not trusted', () => {
    const elsewhere = say(10, 'policeElsewhere', 'hold', holdUntil(hours(24)));
    const untrusted = say(10, 'policeUntrusted', 'hold', holdUntil(hours(24)));
    expect(stateOf([elsewhere, untrusted], 20).held.map(({ binding }) => binding)).toEqual([false, false]);
    expect(faceOf([elsewhere, untrusted], 20)).toBe('open');
  });

  test('of a Land does not bind for the whole country', () => {
    const partyOf = () => ({ type: 'law-enforcement', jurisdictions: ['NL-NH'], mayHold: true });
    expect(caseState({ ...subject, partyOf }, [placed], start + HOUR).held).toMatchObject([{ binding: false }]);
  });

  test('of a hotline is none', () => {
    expect(stateOf([say(10, 'hotline', 'hold', holdUntil(hours(24)))], 20).holds).toEqual([]);
  });

  test('relayed of police whom nobody has recorded here binds', () => {
    const log = [say(10, 'police', 'hold', holdUntil(hours(24)), { relayed: true })];
    const unrecorded = { ...subject, partyOf: () => undefined };
    expect(faceState(caseState(unrecorded, log, start + HOUR))).toBe('on-hold');
  });

  test('ends when it is lifted, by the same desk alone', () => {
    const lift = (speaker: 'police' | 'policeElsewhere') => say(30, speaker, 'hold', { step: 'lifted' });
    expect(faceOf([placed, lift('police')], 40)).toBe('open');
    expect(faceOf([placed, lift('policeElsewhere')], 40)).toBe('on-hold');
    const unit = say(30, 'police', 'hold', { step: 'lifted', toldBy: { channel: 'phone', unit: 'Kripo Musterstadt' } });
    expect(faceOf([placed, unit], 40)).toBe('on-hold');
  });

  test('lasts 30 days at most, and the holds of one desk 90 in sum', () => {
    const long = say(0, 'police', 'hold', holdUntil(days(60)));
    expect(stateOf([long], 1).holds[0]?.until).toBe(start + 30 * DAY);
    const renewed = [0, 29, 58, 87, 116].map((day) => say(days(day), 'police', 'hold', holdUntil(days(day + 30))));
    const ends = stateOf(renewed, 0).holds.map(({ until }) => (until - start) / DAY);
    expect(ends).toEqual([30, 59, 88, 90, 116]);
  });

  test('under which the host was told is shown', () => {
    const told = say(20, 'hotline', 'acted', { action: 'reported-to-isp', at: instant(20), standing: 'observed' });
    expect(kinds([...pen, placed, told], 30)).toEqual([['host-told-under-hold', [who.hotline]]]);
    expect(stateOf([...pen, told], 30).hostTold).toEqual([{ at: start + 20 * MINUTE, by: who.hotline }]);
  });

  test('is hidden by an outcome, since nobody is to be told any more', () => {
    expect(faceOf([...pen, placed, final(20, 'removed')], 30)).toBe('removed');
  });
});

describe('a clearance', () => {
  const asked = say(0, 'originator', 'clearance', { step: 'requested', deadline: instant(60) });
  const answer = (minutes: number, step: 'granted' | 'refused', speaker: 'police' | 'policeElsewhere' = 'police') =>
    say(minutes, speaker, 'clearance', { step });
  const statusOf = (log: readonly Statement[], minutes: number) => stateOf(log, minutes).clearance.status;

  test('is open until its deadline, and then timed out', () => {
    expect(statusOf([], 0)).toBe('none');
    expect(statusOf([asked], 60)).toBe('open');
    expect(statusOf([asked], 61)).toBe('timed-out');
  });

  test('is granted, also late', () => {
    expect(stateOf([asked, answer(30, 'granted')], 40).clearance).toMatchObject({ status: 'granted', late: false });
    expect(stateOf([asked, answer(90, 'granted')], 100).clearance).toMatchObject({ status: 'granted', late: true });
  });

  test('is refused by any refusal in time, whoever grants and whenever', () => {
    const log = [asked, answer(10, 'granted'), answer(50, 'refused', 'policeElsewhere')];
    expect(statusOf(log, 55)).toBe('refused');
    expect(statusOf([asked, answer(10, 'refused'), answer(50, 'granted', 'policeElsewhere')], 55)).toBe('refused');
    expect(kinds(log, 55)).toEqual([['contradictory-clearance', [who.policeElsewhere]]]);
  });

  test('refused late, or unasked, acts as a hold until the same desk grants', () => {
    const late = [asked, answer(10, 'granted'), answer(70, 'refused')];
    expect(stateOf(late, 80).held).toMatchObject([
      { lateRefusal: true, binding: true, until: start + 70 * MINUTE + 30 * DAY },
    ]);
    expect(faceOf(late, 80)).toBe('on-hold');
    expect(faceOf([...late, answer(90, 'granted')], 95)).toBe('open');
    expect(faceOf([answer(70, 'refused')], 80)).toBe('on-hold');
  });

  test('refused stays so when it is asked again and nobody answers, and not when it is granted', () => {
    const again = say(100, 'originator', 'clearance', { step: 'requested', deadline: instant(160) });
    const log = [asked, answer(10, 'refused'), again];
    expect(statusOf(log, 150)).toBe('open');
    expect(statusOf(log, 170)).toBe('refused');
    expect(statusOf([...log, answer(150, 'granted')], 170)).toBe('granted');
  });

  test('asked twice waits for the later deadline', () => {
    const second = say(10, 'hotline', 'clearance', { step: 'requested', deadline: instant(120) });
    expect(statusOf([asked, second], 100)).toBe('open');
  });

  test('answered by a hotline is not answered, but where police told it', () => {
    expect(statusOf([asked, say(10, 'bystander', 'clearance', { step: 'granted' })], 20)).toBe('open');
    const toldBy = { channel: 'siena', unit: 'Landeskriminalamt 42' };
    expect(statusOf([asked, say(10, 'bystander', 'clearance', { step: 'granted', toldBy })], 20)).toBe('granted');
  });

  test('counts what was gone before it came', () => {
    expect(stateOf([asked, seen(20, 'unavailable'), answer(30, 'granted')], 40).goneBeforeClearance).toBe(
      start + 20 * MINUTE,
    );
    expect(stateOf([asked, answer(10, 'granted'), seen(20, 'unavailable')], 40).goneBeforeClearance).toBeUndefined();
  });

  test('is waited for 90 days at most, however far ahead its deadline lies and however often it is asked anew', () => {
    const never = (minutes: number) =>
      say(minutes, 'hotline', 'clearance', { step: 'requested', deadline: '9999-12-31T23:59:59Z' });
    const log = [...handedOver(0, 'originator', 'hotline'), never(10), never(60 * 24 * 80)];
    expect(statusOf(log, 60 * 24 * 89)).toBe('open');
    expect(statusOf(log, 60 * 24 * 91)).toBe('timed-out');
  });
});

describe('an emergency', () => {
  test('is overdue after a quarter of an hour in which no human of the recipient has acknowledged it', () => {
    const timer = (minutes: number) => ({ sentAt: start, now: start + minutes * MINUTE });
    const state = stateOf([say(5, 'hotline', 'acknowledged', { at: instant(5) })], 10);
    expect(acknowledgement(state, who.hotline, timer(90))).toBe('acknowledged');
    expect(acknowledgement(state, who.police, timer(15))).toBe('waiting');
    expect(acknowledgement(state, who.police, timer(16))).toBe('overdue');
  });
});

test('a statement was said at its time of event, unless that cannot be', () => {
  const iat = start / 1000;
  expect(saidAt({ iat })).toBe(start);
  expect(saidAt({ iat, toe: iat - 60 })).toBe(start - MINUTE);
  expect(saidAt({ iat, toe: iat + 1 })).toBe(start);
  expect(saidAt({ iat, toe: iat - 91 * 86_400 })).toBe(start);
});
