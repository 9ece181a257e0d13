import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findGaps } from '../../src/exchange/numbering.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { unsettledStreams } from '../../src/store/streams.ts';
import { befriend } from '../support/exchange.ts';
import { freshJti, policyFor, wireReference } from '../support/foreign-partner.ts';
import { honestClaims, makeToken, sender } from '../support/tokens.ts';
import { type LossBench, lossBench } from './loss-bench.ts';

// A partner that begins one epoch after the other hurts its own line and nobody else's.

const HOUR = 3_600_000;
const other = 'https://node.other.example';
let bench: LossBench;
beforeEach(async () => {
  bench = await lossBench();
  await befriend(bench.exchange, other, policyFor(other));
});
afterEach(() => bench.close());

/** Streams of a partner as they stand after a message with this number came in each. */
async function begun(partner: string, count: number, highest: number, walked: Date | null = null, floor = 0) {
  const at = new Date(bench.exchange.clock());
  await sql`
    insert into incoming_stream (partner, epoch, highest, floor, first_at, walked_at)
    select ${partner}, gen_random_uuid(), ${highest}, ${floor}, ${at}, ${walked}
    from generate_series(1, ${count})`.execute(bench.db);
}

async function says(epoch: string, n: number): Promise<void> {
  bench.later(1000);
  const id = crypto.randomUUID();
  const claims = honestClaims({
    jti: freshJti(),
    iat: Math.floor(bench.exchange.clock() / 1000),
    sub_id: { format: 'iss_sub', iss: sender, sub: id },
    'urn:caseref:seq': { epoch, n },
    events: { 'urn:caseref:event:1:submitted': wireReference({ url: `https://host.example/${id}` }) },
  });
  expect(await createReceive(bench.exchange)(Buffer.from(makeToken({ payload: claims })))).toEqual({ status: 'taken' });
}

const watched = async (partner: string) =>
  (await bench.db.selectFrom('incoming_stream').select('epoch').where('partner', '=', partner).execute()).map(
    ({ epoch }) => epoch,
  );

describe('looking for holes', () => {
  test('partners take turns, whatever one of them begins anew', async () => {
    await begun(other, 1, 5, new Date(bench.exchange.clock() - HOUR));
    await begun(sender, 300, 5);
    const streams = await unsettledStreams(bench.db, 10);
    expect(streams.filter(({ partner }) => partner === other)).toHaveLength(1);
    expect(streams).toHaveLength(10);
  });

  test('a stream of a partner that was looked at long ago comes before what began just now', async () => {
    await begun(sender, 1, 7, new Date(bench.exchange.clock() - HOUR));
    await begun(sender, 5, 5);
    expect(await unsettledStreams(bench.db, 1)).toMatchObject([{ partner: sender, highest: 7 }]);
  });

  test('a hole of another partner is found beside a flood', async () => {
    await begun(sender, 300, 5);
    const epoch = crypto.randomUUID();
    const at = new Date(bench.exchange.clock());
    await bench.db
      .insertInto('incoming_stream')
      .values({ partner: other, epoch, highest: 3, floor: 0, first_at: at, walked_at: at })
      .execute();
    const [id] = [await bench.arrive()];
    await sql`update message set issuer = ${other}, epoch = ${epoch}::uuid, n = 3 where reference_id = ${id}`.execute(
      bench.db,
    );
    bench.later(3 * HOUR);
    await findGaps(bench.exchange);
    const gaps = await bench.db.selectFrom('alert').select('partner').where('code', '=', 'sequence-gap').execute();
    expect(gaps).toContainEqual({ partner: other });
  });
});

describe('a hundred epochs of a partner are watched', () => {
  const told = async () => {
    const query = bench.db.selectFrom('alert').select(['partner', 'count']).where('code', '=', 'epochs-exceeded');
    return (await query.execute()).map(({ partner, count }) => ({ partner, count: Number(count) }));
  };

  test('and a new one takes the place of one whose numbers are all in', async () => {
    await begun(sender, 100, 5, null, 5);
    bench.later(HOUR);
    const epoch = crypto.randomUUID();
    await says(epoch, 1);
    const now = await watched(sender);
    expect(now).toHaveLength(100);
    expect(now).toContain(epoch);
    expect(await told()).toEqual([{ partner: sender, count: 1 }]);
  });

  test('and those with holes keep their place; a person is told in one alert', async () => {
    await begun(sender, 100, 5);
    const before = await watched(sender);
    bench.later(HOUR);
    await says(crypto.randomUUID(), 1);
    await says(crypto.randomUUID(), 1);
    expect((await watched(sender)).sort()).toEqual(before.sort());
    expect(await told()).toEqual([{ partner: sender, count: 2 }]);
  });

  test('and less is no matter', async () => {
    await begun(sender, 98, 5);
    bench.later(25 * HOUR);
    await says(crypto.randomUUID(), 1);
    expect(await watched(sender)).toHaveLength(99);
    expect(await told()).toEqual([]);
  });
});
