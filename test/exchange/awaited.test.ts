import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { replayLimits } from '../../src/domain/replay.ts';
import { findGaps } from '../../src/exchange/numbering.ts';
import { openPartner, resumeSending } from '../../src/exchange/reconcile.ts';
import { followReplays } from '../../src/exchange/replay-follow.ts';
import { sender } from '../support/tokens.ts';
import { type LossBench, lossBench } from './loss-bench.ts';

// What a node waits for after it lost its state, of a partner that takes no inbound connection: nobody can be asked.

const HOUR = 3_600_000;

let bench: LossBench;
beforeEach(async () => {
  bench = await lossBench();
  await bench.onlyPolls();
});
afterEach(() => bench.close());

/** The partner answers the round trip of the recovery under its next number. */
async function answerTrip(): Promise<void> {
  await bench.claim();
  const { verify } = (await bench.recoveries()).at(-1) ?? {};
  const jti = await bench.receipt(verify ?? '');
  const receipted = { state: 'receipted', outcome: 'accepted', receipt_jti: jti } as const;
  await bench.db.updateTable('delivery').set(receipted).where('event', '=', 'verify').execute();
}

async function round(): Promise<void> {
  await bench.recover();
  await followReplays(bench.exchange);
  await bench.recover();
}

const asked = async () => (await bench.replays()).map(({ from_n, to_n, state, code }) => [from_n, to_n, state, code]);

describe('after a loss, a partner that cannot be asked', () => {
  test('is waited for up to the number of its receipt for the round trip, and then everything shows and goes', async () => {
    const kept = await bench.arrive();
    await bench.lose();
    bench.countFrom(4);
    await answerTrip();
    await round();
    expect(await asked()).toEqual([[1, 5, 'granted', 'awaited']]);
    expect((await bench.replays())[0]?.asked_at).toBeNull();
    expect(await bench.state(kept)).toBe('sealed');

    bench.countFrom(1);
    await bench.withdraw(kept);
    const late = await bench.arrive();
    await round();
    expect(await bench.state(late)).toBe('sealed');
    bench.countFrom(5);
    await bench.voided(bench.theirs, [4, 4]);
    await round();
    expect([await bench.state(kept), await bench.state(late)]).toEqual(['sealed', 'open']);
    expect(await bench.recoveries()).toMatchObject([{ opened_by: 'replay', resumed_by: 'replay' }]);
    expect(await bench.alerts()).toEqual([]);
  });

  test('is at its end at once where nothing is missing', async () => {
    const kept = await bench.arrive();
    await bench.lose();
    await answerTrip();
    await round();
    expect(await bench.state(kept)).toBe('open');
  });

  test('counts a hole that was passed before its receipt came as missing all the same', async () => {
    const kept = await bench.arrive();
    await bench.lose();
    bench.countFrom(4);
    await bench.arrive();
    bench.later(3 * HOUR);
    await findGaps(bench.exchange);
    await answerTrip();
    await round();
    expect(await asked()).toEqual([[2, 6, 'granted', 'awaited']]);
    expect(await bench.state(kept)).toBe('sealed');
    bench.countFrom(1);
    for (let count = 0; count < 3; count += 1) await bench.arrive();
    await round();
    expect(await bench.state(kept)).toBe('open');
  });

  test('is waited for however long it takes, while a person may go on without it', async () => {
    const kept = await bench.arrive();
    await bench.lose();
    bench.countFrom(2);
    await answerTrip();
    await round();
    bench.later(50 * HOUR);
    await round();
    expect(await asked()).toEqual([[1, 3, 'granted', 'awaited']]);
    expect(await openPartner(bench.exchange, sender)).toMatchObject({ opened: 1 });
    expect(await resumeSending(bench.exchange, sender)).toMatchObject({ resumed: true });
    expect(await bench.state(kept)).toBe('open');
  });

  test('that lost its own state meanwhile has to say where its former epoch ended', async () => {
    const kept = await bench.arrive();
    await bench.lose();
    const newer = crypto.randomUUID();
    bench.countFrom(0, newer);
    await answerTrip();
    await round();
    await round();
    expect(await bench.state(kept)).toBe('sealed');
    expect((await bench.recoveries())[0]?.opened_at).toBeNull();
    bench.countFrom(1, bench.theirs);
    await bench.withdraw(kept);
    await round();
    expect((await bench.recoveries())[0]?.opened_at).toBeNull();
    bench.countFrom(1, newer);
    await bench.voided(bench.theirs, [3, 2 + replayLimits.endMark]);
    await round();
    expect(await bench.recoveries()).toMatchObject([{ opened_by: 'replay' }]);
    expect(await bench.state(kept)).toBe('sealed');
  });

  test('that lost the count of what it had sent may say a lower end, and gives up no single numbers by that', async () => {
    const kept = await bench.arrive();
    await bench.arrive();
    await bench.arrive();
    await bench.lose();
    const newer = crypto.randomUUID();
    bench.countFrom(0, newer);
    await answerTrip();
    await round();
    await bench.voided(bench.theirs, [4, 5]);
    await round();
    await round();
    expect((await bench.recoveries())[0]?.opened_at).toBeNull();
    await bench.voided(bench.theirs, [2, 1 + replayLimits.endMark]);
    await round();
    expect(await bench.recoveries()).toMatchObject([{ opened_by: 'replay', resumed_by: 'replay' }]);
    expect(await bench.state(kept)).toBe('open');
  });

  test('whose new epoch another process hears of by a clock that is behind by seconds still has to say where its former one ended', async () => {
    const kept = await bench.arrive();
    await bench.lose();
    bench.later(-5000);
    bench.countFrom(0, crypto.randomUUID());
    await answerTrip();
    bench.later(5000);
    await round();
    await round();
    expect(await bench.state(kept)).toBe('sealed');
    expect((await bench.recoveries())[0]?.opened_at).toBeNull();
  });
});
