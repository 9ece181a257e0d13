import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { watch } from '../../../src/exchange/watch.ts';
import { AT_THE_END, atOnce, carrierOf, type Fate, type FateOf, PLACES } from '../../support/case-carrier.ts';
import { type CasePost, casePost, type Letter, type PartyName } from '../../support/case-post.ts';
import {
  caseAt,
  END,
  HOUR,
  hasHeard,
  hence,
  sayAs,
  speak,
  story,
  submitStory,
  type Telling,
  wholeCase,
} from '../../support/case-story.ts';
import fc from '../../support/property.ts';

// The story of one reference over four parties: a hotline that reports, one of the country that it moves to, police and a
// provider. Whatever becomes of the messages between them, all end in the same state; and what comes too late for its timer
// ends as the timer says, everywhere alike.

let post: CasePost;
beforeAll(async () => {
  post = await casePost();
}, 60_000);
afterAll(() => post?.close());

async function goTo(begun: number, hours: number): Promise<void> {
  post.later(begun + hours * HOUR - post.now());
  await post.tick();
}

/** Tells the whole story with these fates of its messages, and gives what everybody makes of it in the end. */
async function tell(fateOf: FateOf) {
  const carry = carrierOf(post, fateOf);
  const begun = post.now();
  const telling = await submitStory(post);
  for (const { at, who, needs, act } of story) {
    await carry.next();
    await goTo(begun, at);
    const isWanted = ({ event, to }: Letter) => event !== 'receipt' && [who, 'hotline'].includes(to);
    await carry.bring(isWanted, () => hasHeard(telling, who, needs));
    await act(telling);
  }
  await carry.next();
  await goTo(begun, END);
  await carry.end();
  await post.tick();
  await carry.end();
  const seen = await wholeCase(telling, begun);
  post.later(HOUR);
  return seen;
}

describe('the story of a reference', () => {
  let undisturbed: Awaited<ReturnType<typeof tell>>;
  beforeAll(async () => {
    undisturbed = await tell(atOnce);
  }, 30_000);

  test('undisturbed: who stands where in the end, and what each was told', () => {
    const { hotline, abroad, police, provider } = undisturbed;
    for (const seen of [hotline, abroad, police]) {
      expect(seen).toMatchObject({ face: 'removed', waiting: [], reference: { revision: 2 } });
      expect(seen.state?.pen.holders).toEqual(['abroad']);
      expect(seen.state?.history.map(({ action }) => action)).toEqual(['removed', 'reappeared', 'removed']);
      expect(seen.state).toMatchObject({
        clearance: { status: 'granted', late: true, contradicted: false },
        holds: [{ desk: { by: 'police' }, since: 13 * HOUR, until: 20 * HOUR, binding: true }],
        held: [],
        hostTold: [{ by: 'hotline' }],
        conflicts: [],
      });
    }
    const laws = (seen: typeof hotline) =>
      seen.log.flatMap(({ event, payload }) => (event === 'assessed' ? [payload.law] : [])).sort();
    expect([hotline, abroad, police].map(laws)).toEqual([
      ['DE', 'NL'],
      ['DE', 'NL'],
      ['DE', 'NL'],
    ]);
    // Only the originator hears the outcome of police, and the provider gets the reduced form once and nothing of the case.
    const feedback = [hotline, abroad, police].map((seen) => seen.log.some(({ event }) => event === 'feedback'));
    expect(feedback).toEqual([true, false, true]);
    expect(Object.keys(provider.reference ?? {}).sort()).toEqual(
      ['category', 'legalBasis', 'marking', 'requested', 'revision', 'url'].filter((name) => name !== 'url'),
    );
    expect(provider).toMatchObject({ face: 'open', log: [], sent: [] });
    expect(hotline.sent.filter(([, partner]) => partner === 'provider')).toEqual([
      ['submitted', 'provider', 'receipted', 'accepted', null],
    ]);
    const { sent } = hotline;
    expect(sent.every(([, , state, outcome]) => state === 'receipted' && outcome === 'accepted')).toBe(true);
  });

  test('ends the same where everything is kept until the end, and the last comes first', async () => {
    const seen = await tell((_, met) => ({ late: AT_THE_END, times: 1, place: PLACES - 1 - met }));
    expect(seen).toEqual(undisturbed);
  }, 30_000);

  test('ends the same where the reappearance comes after both removals', async () => {
    let acts = 0;
    const places = [0, 2, 1];
    const seen = await tell((letter, met) => {
      const abroadActs = letter.from === 'abroad' && letter.event === 'acted';
      return abroadActs ? { late: AT_THE_END, times: 1, place: places[acts++] ?? 0 } : atOnce(letter, met);
    });
    expect(acts).toBe(3);
    expect(seen).toEqual(undisturbed);
  }, 30_000);

  test('ends the same with each message late, doubled and out of order', async () => {
    const fate = fc.record({
      late: fc.oneof(fc.constant(0), fc.nat(4), fc.constant(AT_THE_END)),
      times: fc.integer({ min: 1, max: 3 }),
      place: fc.nat(PLACES - 1),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { minLength: 40, maxLength: 80 }), async (fates) => {
        expect(await tell((_, met) => fates[met % fates.length] as Fate)).toEqual(undisturbed);
      }),
      { numRuns: Number(process.env.CASEREF_TEST_RUNS ?? 3), endOnFailure: true },
    );
  }, 120_000);
});

describe('what comes too late for its timer', () => {
  /** Alerts of a party about a reference that are open. */
  async function alertsOf(who: PartyName, { id }: Telling): Promise<string[]> {
    const { db } = post.parties[who].exchange.store;
    const rows = await db.selectFrom('alert').select('code').where('subject', '=', id).execute();
    return rows.map(({ code }) => code).sort();
  }

  test('a hand-over that is answered in time and confirmed by nobody in 72 hours never moved the pen', async () => {
    const acceptance = ({ from, event }: Letter) => from === 'abroad' && event === 'handover';
    const carry = carrierOf(post, (letter, met) =>
      acceptance(letter) ? { late: AT_THE_END, times: 1, place: met } : atOnce(letter, met),
    );
    const begun = post.now();
    const telling = await submitStory(post);
    await carry.next();
    await speak(telling, 'hotline', 'handover', { step: 'offered', to: post.parties.abroad.exchange.self });
    await carry.next();
    await goTo(begun, 60);
    await speak(telling, 'abroad', 'handover', { step: 'accepted' });
    await carry.next();
    await goTo(begun, 60 + 72 + 1);
    await carry.end();
    await post.tick();
    await carry.end();
    const refused = await sayAs(telling, 'hotline', 'handover', { step: 'confirmed' });
    expect(refused).toMatchObject([{ code: 'state-conflict', pointer: '/step' }]);
    for (const who of ['hotline', 'abroad', 'police'] as const) {
      const { state } = await caseAt(telling, who);
      expect(state?.pen.holders).toEqual([post.parties.hotline.exchange.self]);
      expect(state?.pen.offers.map((offer) => offer.state)).toEqual(['lapsed']);
      expect(await alertsOf(who, telling)).toContain('handover-unanswered');
    }
    const removed = { action: 'removed', at: hence(telling, 0), standing: 'final' };
    expect(await sayAs(telling, 'abroad', 'acted', removed)).toMatchObject([{ code: 'not-assignee' }]);
  }, 20_000);

  test('what waited 48 hours for its reference is refused, told to its sender, and does not count when the reference comes', async () => {
    const submission = ({ to, event }: Letter) => to === 'abroad' && event === 'submitted';
    const carry = carrierOf(post, (letter, met) =>
      submission(letter) ? { late: AT_THE_END, times: 1, place: met } : atOnce(letter, met),
    );
    const begun = post.now();
    const telling = await submitStory(post);
    await story[0]?.act(telling);
    await carry.next();
    expect((await caseAt(telling, 'abroad')).entries).toMatchObject([{ state: 'held', code: 'reference-unknown' }]);
    await goTo(begun, 48 + 1);
    await carry.next();
    await carry.end();
    const seen = await wholeCase(telling, begun);
    expect(seen.abroad).toMatchObject({
      face: 'open',
      log: [],
      waiting: [{ state: 'refused', code: 'reference-unknown' }],
    });
    expect(seen.police.log).toHaveLength(1);
    expect(seen.hotline.sent).toContainEqual(['assessed', 'abroad', 'receipted', 'refused', 'reference-unknown']);
    const { db } = post.parties.hotline.exchange.store;
    const alerts = await db.selectFrom('alert').select('partner').where('code', '=', 'receipt-refused').execute();
    expect(alerts).toEqual([{ partner: post.parties.abroad.exchange.self }]);
  }, 20_000);

  test('an emergency that no person acknowledges within the hour is an alert on both sides, until one does', async () => {
    const carry = carrierOf(post, atOnce);
    const begun = post.now();
    const telling = await submitStory(post, { urgency: { level: 'emergency', code: 'live-now' } });
    await carry.end();
    await goTo(begun, 1.5);
    const watchAll = () => Promise.all([watch(post.parties.hotline.exchange), watch(post.parties.police.exchange)]);
    await watchAll();
    expect(await alertsOf('hotline', telling)).toContain('emergency-unacknowledged');
    expect(await alertsOf('police', telling)).toEqual(['emergency-arrived', 'emergency-unacknowledged']);
    const open = async () => {
      const { db } = post.parties.hotline.exchange.store;
      const rows = db.selectFrom('alert').select('partner').where('subject', '=', telling.id);
      const waiting = rows.where('code', '=', 'emergency-unacknowledged').where('acknowledged_at', 'is', null);
      return (await waiting.execute()).map(({ partner }) => partner).sort();
    };
    const { abroad, police } = post.parties;
    expect(await open()).toEqual([abroad.exchange.self, police.exchange.self]);
    await speak(telling, 'police', 'acknowledged', { at: hence(telling, 0) });
    await carry.end();
    await watchAll();
    expect(await open()).toEqual([abroad.exchange.self]);
  }, 20_000);
});
