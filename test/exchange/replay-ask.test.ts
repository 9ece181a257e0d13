import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { findGaps } from '../../src/exchange/numbering.ts';
import { askForReplays } from '../../src/exchange/replay-ask.ts';
import { replayStanding, wantReplay } from '../../src/exchange/replay-client.ts';
import { followReplays } from '../../src/exchange/replay-follow.ts';
import { suspendPartners } from '../../src/exchange/suspend.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { freshJti } from '../support/foreign-partner.ts';
import { freshDatabase } from '../support/postgres.ts';
import fc from '../support/property.ts';
import { type ReplayBench, replayBench } from '../support/replay-bench.ts';

// Numbers that are missing of what a partner sends: noticed, asked for, and accounted for in the end.

const HOUR = 3_600_000;
const MINUTE = 60_000;
const DAY = 24 * HOUR;

let bench: ReplayBench;
let epoch: string;
beforeAll(async () => {
  bench = await replayBench();
});
afterAll(() => bench.close());
beforeEach(async () => {
  await bench.clear();
  epoch = crypto.randomUUID();
});

const db = () => bench.exchange.store.db;

async function comes(stream: string, ...numbers: number[]): Promise<void> {
  for (const n of numbers) await bench.arrive(stream, n);
  bench.highest = Math.max(bench.highest, ...numbers);
}

async function round(): Promise<void> {
  await findGaps(bench.exchange);
  await followReplays(bench.exchange);
  await askForReplays(bench.exchange);
}

/** After two hours: holes count. */
async function missed(stream: string, ...numbers: number[]): Promise<void> {
  await comes(stream, ...numbers);
  bench.later(2 * HOUR + MINUTE);
  await round();
}

const gaps = async () =>
  (await db().selectFrom('gap').select(['first', 'last', 'why']).orderBy('first').execute()).map(
    ({ first, last, why }) => [first, last, why],
  );
const requests = async () =>
  (
    await db().selectFrom('replay_request').select(['state', 'code', 'from_n', 'to_n']).orderBy('created_at').execute()
  ).map(({ state, code, from_n, to_n }) => [state, code, from_n, to_n]);

describe('a hole', () => {
  test('is asked for from its first number on, and what was granted is waited for', async () => {
    await missed(epoch, 1, 2, 5, 6, 9);
    expect(bench.asked).toEqual([{ epoch, from: 3 }]);
    expect(await gaps()).toEqual([
      [3, 4, null],
      [7, 8, null],
    ]);
    expect(await requests()).toEqual([['granted', null, 3, 9]]);
    expect(await bench.alerts()).toEqual(['sequence-gap']);
  });

  test('closes by arrival or by a voided, and the alert goes with the last one', async () => {
    await missed(epoch, 1, 3, 5);
    await comes(epoch, 2);
    await round();
    expect(await gaps()).toEqual([
      [2, 2, 'arrived'],
      [4, 4, null],
    ]);
    expect(await bench.alerts()).toEqual(['sequence-gap']);
    await bench.voided(epoch, 6, [[4, 4]]);
    await round();
    expect((await gaps())[1]).toEqual([4, 4, 'voided']);
    expect(await bench.alerts()).toEqual([]);
    expect(await requests()).toEqual([['done', null, 2, 5]]);
  });

  test('is nothing that is asked of a partner without an address for it: a person telephones', async () => {
    await bench.clear({ withoutReplay: true });
    await missed(epoch, 1, 3);
    expect(bench.asked).toEqual([]);
    expect(await bench.alerts()).toEqual(['sequence-gap']);
    await comes(epoch, 2);
    await round();
    expect(await bench.alerts()).toEqual([]);
  });

  test('is not asked of a suspended partner, whose messages would not be taken', async () => {
    await comes(epoch, 1, 3);
    await suspendPartners(bench.exchange, { issuer: bench.issuer, reason: 'examined' });
    bench.later(3 * HOUR);
    await round();
    expect(bench.asked).toEqual([]);
  });

  test('behind a jump, or in a second epoch within a day, is told and not asked for', async () => {
    await missed(epoch, 1, 150_000);
    expect(await gaps()).toEqual([[2, 149_999, 'jump']]);
    await missed(crypto.randomUUID(), 1, 3);
    expect(bench.asked).toEqual([]);
    expect(await bench.alerts()).toEqual(['epoch-changed-again', 'sequence-gap', 'sequence-jump']);
  });
});

describe('a request', () => {
  test('is signed, goes to the published address, and comes every ten minutes at most, whatever the answers', async () => {
    bench.replies.push({ status: 503 }, { status: 429, headers: { 'retry-after': '1200' } });
    await missed(epoch, 1, 3);
    await round();
    bench.later(9 * MINUTE);
    await round();
    expect(bench.asked).toHaveLength(1);
    bench.later(3 * MINUTE);
    await round();
    expect(bench.asked).toHaveLength(2);
    bench.later(15 * MINUTE);
    await round();
    expect(bench.asked).toHaveLength(2);
    bench.later(6 * MINUTE);
    await round();
    expect(bench.asked).toHaveLength(3);
    expect((await requests())[0]?.[0]).toBe('granted');
  });

  test('that nobody answered is asked again sooner, with a growing pause', async () => {
    bench.replies.push('broken');
    await missed(epoch, 1, 3);
    await round();
    expect(bench.asked).toHaveLength(1);
    bench.later(6000);
    await round();
    expect(bench.asked).toHaveLength(2);
  });

  test('goes for one stream of a partner at a time', async () => {
    await missed(epoch, 1, 3);
    bench.later(25 * HOUR);
    const second = crypto.randomUUID();
    await inTransaction(db(), (trx) =>
      wantReplay(trx, { partner: bench.issuer, epoch: second, from: 1, at: new Date(bench.exchange.clock()) }),
    );
    await round();
    await round();
    expect(bench.asked).toHaveLength(2);
  });

  test('that did not bring everything is asked again for the rest, later each time', async () => {
    await missed(epoch, 1, 4);
    await comes(epoch, 2);
    bench.later(50 * MINUTE);
    await round();
    expect(bench.asked).toHaveLength(1);
    bench.later(11 * MINUTE);
    await round();
    expect(bench.asked).toEqual([
      { epoch, from: 2 },
      { epoch, from: 3 },
    ]);
    bench.later(61 * MINUTE);
    await round();
    expect(bench.asked).toHaveLength(2);
    bench.later(61 * MINUTE);
    await round();
    expect(bench.asked).toHaveLength(3);
  });

  test('whose answer grants more than there can be, or another stream, is not believed', async () => {
    const other = { epoch: crypto.randomUUID(), from: 2, to: 3, messages: 2 };
    bench.replies.push({ status: 202, body: other }, { status: 202, body: { epoch, from: 2, to: 1e9, messages: 1 } });
    await missed(epoch, 1, 3);
    bench.later(12 * MINUTE);
    await round();
    expect(bench.asked).toHaveLength(2);
    expect((await requests())[0]?.slice(0, 2)).toEqual(['wanted', 'answer-invalid']);
  });
});

describe('a partner that cannot', () => {
  test('because it is too old: what is lost is told, and the rest is asked for', async () => {
    bench.replies.push({ status: 400, body: { err: 'cursor_too_old', description: 'x', oldest: 4 } });
    await missed(epoch, 1, 6);
    expect(await gaps()).toEqual([
      [2, 5, 'lost'],
      [4, 5, null],
    ]);
    expect(await bench.alerts()).toEqual(['replay-too-old', 'sequence-gap']);
    bench.later(11 * MINUTE);
    await round();
    expect(bench.asked.at(-1)).toEqual({ epoch, from: 4 });
    await comes(epoch, 4, 5);
    await round();
    expect(await bench.alerts()).toEqual(['replay-too-old', 'sequence-gap']);
  });

  test('because nothing is left at all is not asked for what nobody has sent', async () => {
    bench.replies.push({ status: 400, body: { err: 'cursor_too_old', description: 'x', oldest: 4 } });
    await missed(epoch, 1, 3);
    bench.later(11 * MINUTE);
    await round();
    expect(bench.asked).toHaveLength(1);
    expect(await gaps()).toEqual([[2, 2, 'lost']]);
  });

  test('because it lost its state: a person is told, and nobody asks again', async () => {
    bench.replies.push({ status: 400, body: { err: 'cursor_in_future', description: 'x' } });
    await missed(epoch, 1, 3);
    expect(await bench.alerts()).toEqual(['partner-state-lost', 'sequence-gap']);
    bench.later(DAY);
    await round();
    expect(bench.asked).toHaveLength(1);
  });

  test('because there is nothing above what came has lost nothing', async () => {
    await comes(epoch, 1, 2);
    const at = new Date(bench.exchange.clock());
    await inTransaction(db(), (trx) => wantReplay(trx, { partner: bench.issuer, epoch, from: 3, at }));
    bench.replies.push({ status: 400, body: { err: 'cursor_in_future', description: 'x' } });
    await round();
    expect(await replayStanding(db(), { partner: bench.issuer, epoch }, at)).toEqual({
      state: 'refused',
      code: 'cursor_in_future',
    });
    expect(await bench.alerts()).toEqual([]);
  });
});

test('what is wanted because state was lost goes on as long as the partner fills whole replays', async () => {
  const at = new Date(bench.exchange.clock());
  await inTransaction(db(), (trx) => wantReplay(trx, { partner: bench.issuer, epoch, from: 1, at }));
  bench.replies.push({ status: 202, body: { epoch, from: 1, to: 10_000, messages: 10_000 } });
  await round();
  await bench.voided(epoch, 10_001, [[1, 10_000]]);
  bench.later(11 * MINUTE);
  await round();
  expect(bench.asked.at(-1)).toEqual({ epoch, from: 10_001 });
});

describe('a number that was given twice', () => {
  test('is told, and the partner learns from what it is asked how far it had counted', async () => {
    await comes(epoch, 1, 2, 3);
    bench.replies.push({ status: 400, body: { err: 'cursor_in_future', description: 'x' } });
    expect(await bench.arrive(epoch, 2)).toBe(true);
    await round();
    expect(await bench.alerts()).toEqual(['sequence-reused']);
    expect(bench.asked).toEqual([{ epoch, from: 4 }]);
  });

  test('in one batch is told as well', async () => {
    await Promise.all([bench.arrive(epoch, 1), bench.arrive(epoch, 1), bench.arrive(epoch, 2)]);
    expect(await bench.alerts()).toEqual(['sequence-reused']);
  });

  test('is no message that comes twice, nor one that comes late', async () => {
    const jti = freshJti();
    await bench.arrive(epoch, 3);
    await bench.arrive(epoch, 1, jti);
    await bench.arrive(epoch, 2);
    expect(await bench.alerts()).toEqual([]);
  });
});

test('of several processes one asks', async () => {
  const database = await freshDatabase(inject('postgresUrl'));
  const shared = await replayBench({ kind: 'postgres', url: database.url, schema: 'caseref' });
  for (const n of [1, 3]) await shared.arrive(epoch, n);
  shared.later(3 * HOUR);
  await findGaps(shared.exchange);
  await followReplays(shared.exchange);
  await Promise.all(Array.from({ length: 6 }, () => askForReplays(shared.exchange)));
  expect(shared.asked).toHaveLength(1);
  await shared.close();
  await database.drop();
});

test('whatever is lost, late or voided, each number is accounted for in the end, and each message counts once', async () => {
  const streams = fc.array(fc.constantFrom('came', 'late', 'lost', 'void', 'twice'), { minLength: 2, maxLength: 12 });
  let ran = 0;
  await fc.assert(
    fc.asyncProperty(streams, async (fates) => {
      ran += 1;
      epoch = crypto.randomUUID();
      const jtis = fates.map(() => freshJti());
      const send = (i: number) => bench.arrive(epoch, i + 1, jtis[i] ?? '');
      const those = (...wanted: string[]) => fates.flatMap((fate, index) => (wanted.includes(fate) ? [index] : []));
      const last = fates.length + 1;
      for (const i of those('came', 'twice')) await send(i);
      await bench.arrive(epoch, last);
      bench.later(25 * HOUR);
      await findGaps(bench.exchange);
      await followReplays(bench.exchange);
      for (const i of those('late', 'lost', 'twice')) await send(i);
      const ranges = those('void').map((i): [number, number] => [i + 1, i + 1]);
      if (ranges.length > 0) await bench.voided(epoch, last + 1, ranges);
      await findGaps(bench.exchange);
      await followReplays(bench.exchange);
      const left = db().selectFrom('gap').select('first').where('epoch', '=', epoch).where('closed_at', 'is', null);
      expect(await left.execute()).toEqual([]);
      const stored = db().selectFrom('message').select(['n']).where('epoch', '=', epoch).orderBy('n');
      const numbers = (await stored.execute()).map(({ n }) => Number(n));
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(numbers.filter((n) => n < last)).toEqual(those('came', 'late', 'lost', 'twice').map((i) => i + 1));
    }),
    { numRuns: 12 },
  );
  expect(ran).toBeGreaterThanOrEqual(12);
});
