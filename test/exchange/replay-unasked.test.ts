import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { replayLimits } from '../../src/domain/replay.ts';
import { noteLoss } from '../../src/exchange/lost-state.ts';
import { workOffReplays } from '../../src/exchange/replay.ts';
import { suspendPartners } from '../../src/exchange/suspend.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { noteReached } from '../../src/store/streams.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { type LeavingBench, leavingBench, type Pushed, references, voidedNumbers } from '../support/leaving.ts';

// What a partner that begins to count anew gets without having asked: everything of a node that publishes no address to be asked
// at, and of any other the epochs that ended, which a partner that was put back may never have heard of.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let bench: LeavingBench;
beforeAll(async () => {
  bench = await leavingBench();
  Object.assign(bench.exchange.settings, { pollOnly: true });
});
afterAll(() => bench.close());
beforeEach(() => bench.renew());

const db = () => bench.exchange.store.db;
const issuer = () => bench.recipient.issuer;

/** The partner's numbers begin in another epoch. */
async function counts(epoch = crypto.randomUUID(), aheadMs = 0): Promise<string> {
  bench.later(1000);
  const at = new Date(bench.exchange.clock() + aheadMs);
  await inTransaction(db(), (trx) => noteReached(trx, [{ partner: issuer(), epoch, n: 1 }], at, at));
  bench.later(1000);
  return epoch;
}

/** Our own numbers begin anew, as after a loss that is over. */
async function endEpoch(): Promise<void> {
  await inTransaction(db(), (trx) => noteLoss(bench.exchange, trx, { partner: issuer(), because: 'operator' }));
  await sql`update recovery set opened_at = at, resumed_at = at where partner = ${issuer()}`.execute(db());
}

/** Rounds of the worker until nothing more leaves. */
async function rounds(): Promise<Pushed[]> {
  const left: Pushed[] = [];
  for (let count = 0; count < 4; count += 1) {
    await workOffReplays(bench.exchange);
    left.push(...(await bench.leave()));
  }
  return left;
}

const replays = async () =>
  db()
    .selectFrom('replay')
    .select(['epoch', 'from_n', 'to_n'])
    .where('partner', '=', issuer())
    .orderBy('asked_at')
    .execute();
const compacts = (pushed: readonly Pushed[]) => pushed.map(({ compact }) => compact);

describe('a new epoch of a partner', () => {
  test('brings it our stream again, with the bytes of before and by the policy of today', async () => {
    await counts();
    const gone = await bench.share({ url: 'https://gallery.example/1' });
    await bench.share({ url: 'https://gallery.example/2' });
    const before = await bench.leave();
    await withdraw(bench.exchange, gone, { reason: 'sent-in-error', purge: false });
    const withdrawal = await bench.leave();
    expect(await rounds()).toEqual([]);

    await counts();
    const again = await rounds();
    const said = again.filter(({ event }) => event !== 'voided');
    expect(compacts(said).sort()).toEqual(compacts([...before.slice(1), ...withdrawal]).sort());
    expect(voidedNumbers(again)).toEqual([[1, 1]]);
    expect(await rounds()).toEqual([]);
  });

  test('is none where it is the first that is known', async () => {
    await bench.share();
    await bench.leave();
    await counts();
    expect(await rounds()).toEqual([]);
  });

  test('is taken for one where the first that is known begins long after the partner took what it never answered', async () => {
    await bench.share();
    const before = await bench.leave();
    bench.later(2 * HOUR);
    await counts();
    expect(await rounds()).toEqual([]);
    bench.later(HOUR);
    expect(compacts(await rounds())).toEqual(compacts(before));
    bench.later(2 * DAY);
    expect(await rounds()).toEqual([]);
  });

  test('is not taken for one where the partner answered, or where it took everything just before', async () => {
    await bench.share();
    await bench.leave();
    bench.later(2 * HOUR);
    await counts();
    await sql`update delivery set state = 'receipted', outcome = 'accepted' where partner = ${issuer()}`.execute(db());
    await bench.share({ url: 'https://gallery.example/2' });
    await bench.leave();
    bench.later(HOUR);
    expect(await rounds()).toEqual([]);
  });

  test('brings of a node that can be asked the epoch that ended, and not the one that the partner asks for', async () => {
    Object.assign(bench.exchange.settings, { pollOnly: undefined });
    await counts();
    await bench.share({ url: 'https://gallery.example/1' });
    const old = await bench.leave();
    await endEpoch();
    await bench.share({ url: 'https://gallery.example/2' });
    await bench.leave();
    await counts();
    expect(compacts(references(await rounds()))).toEqual(compacts(references(old)));
    expect(await rounds()).toEqual([]);
    expect(await replays()).toHaveLength(1);
    Object.assign(bench.exchange.settings, { pollOnly: true });
  }, 20_000);

  test('is nothing to a node that can be asked, and whose numbers went on', async () => {
    Object.assign(bench.exchange.settings, { pollOnly: undefined });
    await counts();
    await bench.share();
    await bench.leave();
    await counts();
    expect(await rounds()).toEqual([]);
    Object.assign(bench.exchange.settings, { pollOnly: true });
  });

  test('is nothing while the partner is suspended', async () => {
    await counts();
    await bench.share();
    await bench.leave();
    await counts();
    await suspendPartners(bench.exchange, { issuer: issuer(), reason: 'examined' });
    expect(await rounds()).toEqual([]);
    expect(await replays()).toEqual([]);
  });

  test('within a day of another one has its turn a day after that', async () => {
    await counts();
    await bench.share();
    const before = await bench.leave();
    await counts();
    expect(compacts(await rounds())).toEqual(compacts(before));
    bench.later(HOUR);
    await counts();
    expect(await rounds()).toEqual([]);
    bench.later(DAY - HOUR);
    expect(compacts(await rounds())).toEqual(compacts(before));
    expect(await rounds()).toEqual([]);
  });

  test('brings the newest 10,000 numbers at most', async () => {
    await counts();
    await bench.share();
    await bench.leave();
    await sql`update partner_stream set n = 10_004 where partner = ${issuer()}`.execute(db());
    await sql`update delivery set n = 10_004 where partner = ${issuer()}`.execute(db());
    await bench.share({ url: 'https://gallery.example/2' });
    await bench.leave();
    await sql`update delivery set n = 3 where partner = ${issuer()} and n = 10_004`.execute(db());
    await counts();
    await workOffReplays(bench.exchange);
    expect(await replays()).toMatchObject([{ from_n: 6, to_n: 10_005 }]);
  });

  test('brings what an epoch of ours has that ended first, says where that ended, and then the rest', async () => {
    await counts();
    await bench.share({ url: 'https://gallery.example/1' });
    const old = await bench.leave();
    await endEpoch();
    await bench.share({ url: 'https://gallery.example/2' });
    const fresh = await bench.leave();
    await counts();

    await workOffReplays(bench.exchange);
    bench.recipient.answer = { status: 503 };
    await bench.tryInVain();
    await workOffReplays(bench.exchange);
    expect(await replays()).toHaveLength(1);
    bench.recipient.answer = { status: 202 };
    bench.later(HOUR);
    const again = await rounds();
    const [first, second] = await replays();
    expect(first).toMatchObject({ from_n: 1, to_n: 1 });
    expect(second?.epoch).not.toBe(first?.epoch);
    expect(compacts(references(again))).toEqual(compacts(references([...old, ...fresh])));
    const ends = again.filter(({ event }) => event === 'voided').map(({ payload }) => payload);
    expect(ends).toEqual([{ epoch: first?.epoch, ranges: [[2, 1 + replayLimits.endMark]], reason: 'dropped' }]);
  }, 20_000);

  test('brings the end of an epoch of ours of which nothing is kept any more', async () => {
    await counts();
    const stream = db().selectFrom('partner_stream').select('epoch').where('partner', '=', issuer());
    const { epoch: old } = await stream.executeTakeFirstOrThrow();
    await endEpoch();
    await bench.share();
    await bench.leave();
    await counts();
    const ends = (await rounds()).filter(({ event }) => event === 'voided').map(({ payload }) => payload);
    expect(ends).toEqual([{ epoch: old, ranges: [[1, replayLimits.endMark]], reason: 'dropped' }]);
    expect(await rounds()).toEqual([]);
  }, 20_000);

  test('heard by a process whose clock is ahead by seconds brings all of our epochs on the same day', async () => {
    await counts();
    await bench.share({ url: 'https://gallery.example/1' });
    const old = await bench.leave();
    await endEpoch();
    await bench.share({ url: 'https://gallery.example/2' });
    const fresh = await bench.leave();
    await counts(crypto.randomUUID(), 5000);
    const again = await rounds();
    expect(compacts(references(again))).toEqual(compacts(references([...old, ...fresh])));
    expect(again.filter(({ event }) => event === 'voided')).toHaveLength(1);
    expect(await rounds()).toEqual([]);
    bench.later(10_000);
    expect(await rounds()).toEqual([]);
    expect(await replays()).toHaveLength(2);
  }, 20_000);
});
