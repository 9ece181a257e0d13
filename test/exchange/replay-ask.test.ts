import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { findGaps } from '../../src/exchange/numbering.ts';
import { reconcile } from '../../src/exchange/reconcile.ts';
import { askForReplays } from '../../src/exchange/replay-ask.ts';
import { replayStanding, wantReplay } from '../../src/exchange/replay-client.ts';
import { followReplays } from '../../src/exchange/replay-follow.ts';
import { suspendPartners } from '../../src/exchange/suspend.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { freshDatabase } from '../support/postgres.ts';
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

  test('behind a jump, or in a second new epoch within a day, is told and not asked for', async () => {
    await missed(epoch, 1, 150_000);
    expect(await gaps()).toEqual([[2, 149_999, 'jump']]);
    await comes(crypto.randomUUID(), 1);
    bench.later(MINUTE);
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

describe('a second wish for a stream', () => {
  test('waits until the granted one has ended, and the partner is not asked every ten minutes', async () => {
    for (let times = 0; times < 6; times += 1) bench.replies.push('broken');
    await missed(epoch, 1, 4);
    for (let times = 0; times < 20 && bench.replies.length > 0; times += 1) {
      bench.later(HOUR);
      await round();
    }
    bench.later(HOUR);
    await round();
    expect(await requests()).toEqual([['granted', null, 2, 4]]);
    await reconcile(bench.exchange, bench.issuer);
    bench.later(11 * MINUTE);
    await round();
    expect((await requests()).map(([state]) => state).sort()).toEqual(['granted', 'wanted']);
    const before = bench.asked.length;
    for (let times = 0; times < 36; times += 1) {
      bench.later(10 * MINUTE + 1000);
      await round();
    }
    expect(bench.asked.length - before).toBeGreaterThan(0);
    expect(bench.asked.length - before).toBeLessThan(5);
    expect((await requests()).filter(([state]) => state === 'granted')).toHaveLength(1);
  });

  test('counts what nobody answered no longer once it is granted', async () => {
    bench.replies.push('broken', 'broken', 'broken');
    await missed(epoch, 1, 3);
    for (let times = 0; times < 4; times += 1) {
      bench.later(HOUR);
      await round();
    }
    const found = await db().selectFrom('replay_request').select(['state', 'attempts']).execute();
    expect(found).toEqual([{ state: 'granted', attempts: 0 }]);
  });

  test('by the operator makes one due that was put off for a day', async () => {
    bench.replies.push({ status: 503, headers: { 'retry-after': '86400' } });
    await missed(epoch, 1, 3);
    bench.later(HOUR);
    await round();
    expect(bench.asked).toHaveLength(1);
    await reconcile(bench.exchange, bench.issuer);
    await round();
    expect(bench.asked).toHaveLength(2);
  });
});

test('what cannot be noted of an answer puts the request off, and keeps no other waiting', async () => {
  await missed(epoch, 1, 3);
  await sql`update replay_request set state = 'wanted', to_n = null, asked_at = null, next_at = ${new Date(0)}`.execute(
    db(),
  );
  // A row that breaks what the answer to it writes, as a defect would.
  await sql`
    insert into replay_request (id, partner, epoch, from_n, cause, state, created_at, next_at)
    select gen_random_uuid(), 'https://other.example', epoch, 1, cause, 'granted', created_at, next_at from replay_request`.execute(
    db(),
  );
  await sql`create unique index defect on replay_request (state) where state = 'granted'`.execute(db());
  try {
    await askForReplays(bench.exchange);
    expect(bench.asked).toHaveLength(2);
    const found = db().selectFrom('replay_request').select(['state', 'code', 'next_at']).where('state', '=', 'wanted');
    const { next_at, ...rest } = await found.executeTakeFirstOrThrow();
    expect(rest).toEqual({ state: 'wanted', code: 'internal' });
    expect(next_at.getTime()).toBeGreaterThan(bench.exchange.clock() + 9 * MINUTE);
  } finally {
    await sql`drop index defect`.execute(db());
  }
});

describe('a partner that cannot', () => {
  test('because it is an epoch that has been quiet for long, of which all came, has lost nothing', async () => {
    await comes(epoch, 1, 2);
    const at = new Date(bench.exchange.clock());
    await findGaps(bench.exchange);
    await inTransaction(db(), (trx) => wantReplay(trx, { partner: bench.issuer, epoch, from: 2, at }));
    bench.replies.push({ status: 400, body: { err: 'cursor_too_old', description: 'x', oldest: 3 } });
    await round();
    expect(await replayStanding(db(), { partner: bench.issuer, epoch }, at)).toEqual({
      state: 'done',
      code: 'cursor_too_old',
    });
    expect(await bench.alerts()).toEqual([]);
  });

  test('because it kept nothing, and gave numbers above what came, has lost them', async () => {
    await comes(epoch, 1, 2);
    const at = new Date(bench.exchange.clock());
    await findGaps(bench.exchange);
    await inTransaction(db(), (trx) => wantReplay(trx, { partner: bench.issuer, epoch, from: 2, at }));
    bench.replies.push({ status: 400, body: { err: 'cursor_too_old', description: 'x', oldest: 6 } });
    await round();
    expect(await replayStanding(db(), { partner: bench.issuer, epoch }, at)).toMatchObject({ state: 'refused' });
    expect(await bench.alerts()).toEqual(['replay-too-old']);
  });

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

  test('because it grants less than came of it before: the rest is lost, told, and not asked for again and again', async () => {
    bench.replies.push({ status: 202, body: { epoch, from: 2, to: 3, messages: 2 } });
    await missed(epoch, 1, 3, 8);
    await comes(epoch, 2);
    for (let hour = 0; hour < 30; hour += 1) {
      bench.later(HOUR);
      await round();
    }
    expect(bench.asked).toEqual([{ epoch, from: 2 }]);
    expect(await gaps()).toEqual([
      [2, 2, 'arrived'],
      [4, 7, 'lost'],
    ]);
    expect(await bench.alerts()).toContain('partner-state-lost');
  });

  test('because what it granted came before it was passed on is nothing lost: numbers go on above it', async () => {
    await missed(epoch, 1, 3);
    await comes(epoch, 4, 5, 2);
    bench.later(HOUR);
    await round();
    expect(await gaps()).toEqual([[2, 2, 'arrived']]);
    expect(await bench.alerts()).toEqual([]);
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
      state: 'done',
      code: 'cursor_in_future',
    });
    expect(await bench.alerts()).toEqual([]);
  });
});

test('a whole replay that ends at the last number of the partner is through, though more is asked for', async () => {
  const at = new Date(bench.exchange.clock());
  await bench.voided(epoch, 10_000, [[1, 9_999]]);
  await findGaps(bench.exchange);
  await inTransaction(db(), (trx) => wantReplay(trx, { partner: bench.issuer, epoch, from: 1, at }));
  bench.replies.push({ status: 202, body: { epoch, from: 1, to: 10_000, messages: 10_000 } });
  bench.replies.push({ status: 400, body: { err: 'cursor_in_future', description: 'x' } });
  await round();
  bench.later(11 * MINUTE);
  await round();
  expect(bench.asked.at(-1)).toEqual({ epoch, from: 10_001 });
  expect((await requests()).map(([state]) => state)).toEqual(['done', 'done']);
  expect(await bench.alerts()).toEqual([]);
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
