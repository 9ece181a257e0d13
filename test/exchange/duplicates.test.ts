import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findDuplicates } from '../../src/domain/duplicate.ts';
import { recordStatement } from '../../src/exchange/case/say.ts';
import { restrict } from '../../src/exchange/keep.ts';
import { purgeDue } from '../../src/exchange/purge.ts';
import { insertRecovery, settleRecovery, turnVeil } from '../../src/store/recovery.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { matchKeys } from '../../src/wire/match.ts';
import { freshJti } from '../support/foreign-partner.ts';
import fc from '../support/property.ts';
import { type Json, self, sender } from '../support/tokens.ts';
import { instant, namesOf, other, own, type SameAddressBench, sameAddressBench } from './same-address.ts';

// What a node knows of an address before work starts, of its own and its partners' references, and what several of one address share.

const HOUR = 3_600_000;
let at: SameAddressBench;
let bench: SameAddressBench['bench'];
let exchange: SameAddressBench['exchange'];
beforeAll(async () => {
  at = await sameAddressBench();
  ({ bench, exchange } = at);
});
afterAll(() => bench.node.close());

describe('a submission is answered', () => {
  test('new, related by its host, possible and known, with the version of the rule', async () => {
    const url = at.freshUrl();
    const first = await at.submit(url, { observedAt: '2026-11-01T10:00:00Z' });
    expect(first).toMatchObject({ duplicates: [], duplicateAnswer: { answer: 'new', rule: '1' } });
    const seen = { lastSeenOnline: { at: '2026-11-01T10:00:00Z', by: self } };
    const hit = { originator: self, id: first.id, state: 'open', open: true, rule: '1', ...seen };
    expect(await at.submit(`${url}/b`)).toMatchObject({
      duplicates: [{ ...hit, match: 'related' }],
      duplicateAnswer: { answer: 'related', sameHost: { count: 1, more: false } },
    });
    expect(await at.submit(`${url}#part`)).toMatchObject({
      duplicates: [{ ...hit, match: 'possible' }],
      duplicateAnswer: { answer: 'possible' },
    });
    const again = await at.submit(url);
    expect(again.duplicateAnswer.answer).toBe('known');
    expect(again.duplicates.map(({ match }) => match)).toEqual(['known', 'possible']);
    expect(again.duplicates[0]).toMatchObject({ ...hit, match: 'known' });
  });

  test('among those that are committed together too', async () => {
    const url = at.freshUrl();
    const answers = await Promise.all([at.submit(url), at.submit(url), at.submit(`${url}/b`)]);
    expect(answers.map(({ duplicateAnswer: { answer } }) => answer)).toEqual(['new', 'known', 'related']);
    expect(answers[1]?.duplicates[0]?.id).toBe(answers[0]?.id);
  });

  test('with the newest few of a host that has many, and no more', async () => {
    const url = at.freshUrl();
    const ids: string[] = [];
    for (const n of Array.from({ length: 22 }, (_, one) => one)) ids.push((await at.submit(`${url}/${n}`)).id);
    const { duplicates, duplicateAnswer } = await at.submit(`${url}/new`);
    expect(duplicates.map(({ id }) => id).sort()).toEqual(ids.slice(-3).sort());
    expect(duplicateAnswer).toMatchObject({ answer: 'related', sameHost: { count: 20, more: true } });
  });

  test('and is decided, open and as urgent as any other', async () => {
    const url = at.freshUrl();
    const urgency = { level: 'priority', code: 'live-now' };
    await at.act(own(await at.submit(url)), { standing: 'final' });
    const second = await at.submit(url, { urgency });
    expect(second.duplicates).toMatchObject([{ match: 'known', state: 'removed', open: false }]);
    expect(second.decisions.map(({ decision }) => decision.effect)).toEqual(['send', 'send']);
    expect(await bench.row(second.id)).toMatchObject({ state: 'open', urgency: 'priority' });
  });
});

describe('what a partner sent', () => {
  test('is answered in the feed, and each of several references to one address names the others', async () => {
    const url = at.freshUrl();
    const mine = own(await at.submit(url));
    const theirs = await at.arrive(url);
    const third = await at.arrive(url, other);
    const detail = { duplicate: 'known', rule: '1' };
    expect((await at.eventOf(theirs.id, 'reference.received'))?.detail).toEqual({ ...detail, count: 1 });
    expect((await at.eventOf(third.id, 'reference.received'))?.detail).toEqual({ ...detail, count: 2 });
    expect(namesOf(await at.shown(mine))).toEqual(expect.arrayContaining([theirs, third]));
    expect(namesOf(await at.shown(theirs))).toEqual(expect.arrayContaining([mine, third]));
    expect(namesOf(await at.shown(third))).toEqual(expect.arrayContaining([mine, theirs]));
    const nowhere = await at.arrive(at.freshUrl());
    expect((await at.eventOf(nowhere.id, 'reference.received'))?.detail).toEqual({ duplicate: 'new', rule: '1' });
  });

  test('is answered to nobody but ourselves: its receipt, its state and what leaves are as of any other', async () => {
    const url = at.freshUrl();
    const fresh = await at.arrive(at.freshUrl());
    const mine = await at.submit(url);
    const before = await at.deliveriesOf(mine.id);
    const theirs = await at.arrive(url);
    expect(await at.deliveriesOf(theirs.id)).toEqual(await at.deliveriesOf(fresh.id));
    expect(await at.deliveriesOf(mine.id)).toEqual(before);
    const content = async (id: string) => {
      const row = await bench.db
        .selectFrom('delivery')
        .select('payload')
        .where('reference_id', '=', id)
        .where('event', '=', 'receipt')
        .executeTakeFirstOrThrow();
      const { for: _, digest: __, ...rest } = (row.payload as { content: Json }).content;
      return rest;
    };
    expect(await content(theirs.id)).toEqual(await content(fresh.id));
    expect(await bench.stateOf(theirs.id)).toBe('open');
  });
});

test('what one partner repeats pushes nobody else’s reference out of the answer', async () => {
  const url = at.freshUrl();
  const mine = own(await at.submit(url));
  const theirs = await at.arrive(url, other);
  const ids: string[] = [];
  for (let n = 0; n < 22; n += 1) ids.push((await at.arrive(url, sender, { observedAt: '2026-11-19T10:00:00Z' })).id);
  const again = await at.submit(url);
  expect(again.duplicates).toHaveLength(20);
  expect(namesOf(again)).toEqual(expect.arrayContaining([mine, theirs]));
  await bench.db.updateTable('reference').set({ state: 'removed' }).where('id', 'in', ids).execute();
  const closed = await at.submit(url);
  expect(closed.duplicates[0]).toMatchObject({ open: true });
  expect(namesOf(closed)).toEqual(expect.arrayContaining([mine, theirs]));
});

describe('a reference that shows nothing is in no answer', () => {
  const hidden: [string, (one: { originator: string; id: string }) => Promise<unknown>][] = [
    ['sealed', (one) => at.tell(sender, 'withdrawn', { reason: 'sent-in-error', purge: false }, one.id)],
    [
      'purged',
      async (one) => {
        await at.tell(sender, 'withdrawn', { reason: 'legal', purge: true }, one.id);
        await purgeDue(exchange);
      },
    ],
    [
      'restricted',
      (one) =>
        restrict(exchange, one, {
          ground: 'evidence',
          until: instant(bench.now() + 48 * HOUR).slice(0, 10),
        }),
    ],
  ];
  test.each(hidden)('%s', async (_, hide) => {
    const url = at.freshUrl();
    const theirs = await at.arrive(url);
    expect((await at.submit(url)).duplicateAnswer.answer).toBe('known');
    await hide(theirs);
    const answer = await at.submit(url);
    expect(namesOf(answer)).not.toContainEqual(theirs);
    expect(JSON.stringify(answer)).not.toContain(theirs.id);
    expect(await at.shown(theirs)).not.toHaveProperty('duplicates');
  });

  test('veiled, nor is it said of what comes behind the veil, and it is there again when that is lifted', async () => {
    const url = at.freshUrl();
    const theirs = await at.arrive(url, other);
    const now = new Date(bench.now());
    const veil = {
      partner: other,
      epoch: crypto.randomUUID(),
      because: 'operator' as never,
      at: now,
      verify: freshJti(),
    };
    await inTransaction(bench.db, async (trx) => {
      await insertRecovery(trx, { ...veil, drawn: true });
      await turnVeil(trx, other, 'down');
    });
    expect((await at.submit(url)).duplicateAnswer.answer).toBe('new');
    const behind = await at.arrive(url, other);
    expect((await at.eventOf(behind.id, 'reference.received'))?.detail).toBeUndefined();
    await inTransaction(bench.db, async (trx) => {
      await settleRecovery(trx, other, 'opened', 'operator', now);
      await turnVeil(trx, other, 'up');
    });
    expect(namesOf(await at.submit(url))).toEqual(expect.arrayContaining([theirs, behind]));
  });
});

test('removed, reappeared, removed is counted, and who last saw it online is named', async () => {
  const url = at.freshUrl();
  const one = own(await at.submit(url));
  await at.act(one, { standing: 'final' });
  bench.later(HOUR);
  await at.act(one, { action: 'reappeared' });
  const seenAt = instant(bench.now());
  bench.later(HOUR);
  await at.act(one, { standing: 'final' });
  const { duplicates } = await at.submit(url);
  expect(duplicates).toMatchObject([
    {
      ...one,
      open: false,
      recurrence: { removals: 2, reappearances: 1 },
      lastSeenOnline: { at: seenAt, by: self },
    },
  ]);
});

describe('a report of fact about one of several references to an address', () => {
  const asked = { alsoLinked: true };

  test('is told, where a person asks for it, to each originator about its own reference, as observed, and closes none of the others', async () => {
    const url = at.freshUrl();
    const [first, second] = [await at.arrive(url), await at.arrive(url, other)];
    const mine = own(await at.submit(url));
    const { told, linked } = await at.act(mine, { standing: 'final' }, asked);
    expect(told).toEqual([sender, other]);
    expect(linked).toEqual(
      expect.arrayContaining([
        { ...first, told: [sender] },
        { ...second, told: [other] },
      ]),
    );
    expect(await bench.stateOf(mine.id)).toBe('removed');
    expect(await bench.stateOf(first.id)).toBe('open');
    expect(await at.deliveriesOf(second.id)).toContainEqual({ partner: other, event: 'acted' });
    expect(await at.eventOf(second.id, 'case.acted')).toMatchObject({ detail: { by: self, action: 'removed' } });
  });

  test('is said once of each, whichever of them it is said about again', async () => {
    const url = at.freshUrl();
    const [first, second] = [await at.arrive(url), await at.arrive(url, other)];
    await at.act(first, { action: 'online' }, asked);
    await at.act(second, { action: 'online' }, asked);
    expect((await at.deliveriesOf(first.id)).filter(({ event }) => event === 'acted')).toHaveLength(1);
  });

  test.each([
    ['where nobody asks for more', { action: 'removed' }, { alsoLinked: undefined }],
    ['where it is a proposal', { action: 'removed', standing: 'proposed' }, {}],
    ['where it is a judgement', { action: 'not-illegal' }, {}],
    ['where it says what was done for one case', { action: 'reported-to-lea' }, {}],
    [
      'where a party without a node told it',
      { toldBy: { channel: 'phone', unit: 'Unit 4 of the tests', reference: { system: 'own', id: '4711' } } },
      {},
    ],
  ])('stays with that one %s', async (_, payload, more) => {
    const url = at.freshUrl();
    const [first, second] = [await at.arrive(url), await at.arrive(url, other)];
    const said = await recordStatement(exchange, {
      ...first,
      event: 'acted',
      payload: { action: 'removed', at: instant(bench.now()), standing: 'observed', ...payload },
      alsoLinked: true,
      ...more,
    });
    expect(said).toHaveProperty('told', [sender]);
    expect(said).not.toHaveProperty('linked');
    expect((await at.deliveriesOf(second.id)).filter(({ event }) => event === 'acted')).toEqual([]);
  });

  test('reaches nothing that differs by its fragment, shares the host alone, or shows nothing', async () => {
    const url = at.freshUrl();
    const first = await at.arrive(url);
    const possible = await at.arrive(`${url}#part`, other);
    const related = await at.arrive(`${url}/b`, other);
    const sealed = await at.arrive(url, other);
    await at.tell(other, 'withdrawn', { reason: 'sent-in-error', purge: false }, sealed.id);
    expect(await at.act(first, {}, asked)).not.toHaveProperty('linked');
    for (const { id } of [possible, related, sealed])
      expect((await at.deliveriesOf(id)).map(({ event }) => event)).not.toContain('acted');
  });
});

describe('an address whose pen several organisations hold', () => {
  test('is a conflict that the feed tells, and an alert where we are one of them', async () => {
    const url = at.freshUrl();
    const mine = await at.submit(url);
    expect(await at.eventOf(mine.id, 'case.noted')).toBeUndefined();
    const theirs = await at.arrive(url);
    const between = [self, sender].sort();
    expect(await at.eventOf(theirs.id, 'case.noted')).toMatchObject({ code: 'pen-conflict', detail: { between } });
    expect(await at.alertsAbout(theirs.id)).toEqual([{ code: 'address-held-twice', partner: sender }]);
    expect((await at.shown(own(mine))).duplicateAnswer.penConflict).toEqual(between);
    expect((await at.shown(theirs)).duplicateAnswer.penConflict).toEqual(between);
  });

  test('is no alert here where others hold it, and none at all where one of the references is closed', async () => {
    const url = at.freshUrl();
    await at.arrive(url);
    const theirs = await at.arrive(url, other);
    expect(await at.eventOf(theirs.id, 'case.noted')).toMatchObject({ detail: { between: [sender, other].sort() } });
    expect(await at.alertsAbout(theirs.id)).toEqual([]);
    const gone = at.freshUrl();
    const closed = own(await at.submit(gone));
    await at.act(closed, { standing: 'final' });
    const late = await at.arrive(gone);
    expect(await at.eventOf(late.id, 'case.noted')).toBeUndefined();
  });

  test('is found when a hand-over moves the pen, and ends where it brings both to one holder', async () => {
    const url = at.freshUrl();
    const [first, second] = [await at.arrive(url), await at.arrive(url)];
    expect((await at.shown(first)).duplicateAnswer.penConflict).toEqual([]);
    const hand = (id: string, payload: Json) => at.tell(sender, 'handover', payload, id);
    const accept = async (id: string) => {
      await hand(id, { step: 'offered', to: self });
      bench.later(1000);
      const payload = { step: 'accepted' };
      expect(await recordStatement(exchange, { originator: sender, id, event: 'handover', payload })).toHaveProperty(
        'told',
      );
      bench.later(1000);
      await hand(id, { step: 'confirmed' });
    };
    await accept(first.id);
    const between = [self, sender].sort();
    expect((await at.shown(second)).duplicateAnswer.penConflict).toEqual(between);
    expect(await at.alertsAbout(first.id)).toContainEqual({ code: 'address-held-twice', partner: sender });
    bench.later(1000);
    await accept(second.id);
    expect((await at.shown(second)).duplicateAnswer.penConflict).toEqual([]);
  });
});

test('the node answers as the rule does, whoever sent what in which order', async () => {
  const paths = ['/a', '/a#x', '/%61', '/b', '/b#y'] as const;
  const sent = fc.array(fc.record({ path: fc.constantFrom(...paths), from: fc.constantFrom(self, sender, other) }), {
    minLength: 2,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(sent, async (all) => {
      const base = new URL(at.freshUrl()).origin;
      const before: Parameters<typeof findDuplicates>[1][number][] = [];
      for (const { path, from } of all) {
        const url = `${base}${path}`;
        const expected = findDuplicates(matchKeys(url), before);
        const name = from === self ? own(await at.submit(url)) : await at.arrive(url, from);
        const { duplicates, duplicateAnswer } = await at.shown(name);
        expect(duplicateAnswer.answer).toBe(expected.answer);
        const close = expected.hits.filter(({ match }) => match !== 'related');
        const wanted = (close.length > 0 ? close : expected.hits).map(({ id, match }) => `${id} ${match}`);
        const given = duplicates.map(({ id, match }) => `${id} ${match}`);
        expect(given.every((one) => wanted.includes(one))).toBe(true);
        expect(given).toHaveLength(close.length > 0 ? close.length : Math.min(3, wanted.length));
        before.push({ ...name, keys: matchKeys(url), state: 'open', open: true });
      }
    }),
    { numRuns: 12 },
  );
});
