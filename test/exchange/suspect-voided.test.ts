import { afterAll, beforeAll, expect, test } from 'vitest';
import { findGaps } from '../../src/exchange/numbering.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { type Json, operational, type TestKey } from '../support/tokens.ts';
import { type LostKeyBench, lostKeyBench } from './lost-key.ts';

// Numbers that a lost key said will never come.

let bench: LostKeyBench;
beforeAll(async () => {
  bench = await lostKeyBench();
});
afterAll(() => bench.node.close());

async function say(epoch: string, n: number, key: TestKey): Promise<void> {
  const seq = { 'urn:caseref:seq': { epoch, n } };
  await bench.push('submitted', wireReference(), { id: crypto.randomUUID(), key }, seq);
}

async function voided(epoch: string, n: number, range: [number, number], key: TestKey): Promise<void> {
  const jti = freshJti();
  const more: Json = { 'urn:caseref:seq': { epoch, n }, sub_id: { format: 'opaque', id: jti } };
  const payload = { epoch, ranges: [range], reason: 'expired' };
  await bench.push('voided', payload, { id: '', jti, key }, more);
}

const alerts = async (code: 'sequence-gap' | 'sequence-jump') =>
  (await bench.db.selectFrom('alert').select('subject').where('code', '=', code).execute()).map(
    ({ subject }) => subject,
  );

async function floorOf(epoch: string) {
  const query = bench.db.selectFrom('incoming_stream').select(['floor', 'highest']).where('epoch', '=', epoch);
  return query.executeTakeFirst();
}

test('a range far above everything that came is not believed, and told', async () => {
  const epoch = crypto.randomUUID();
  for (const n of [1, 2, 3]) await say(epoch, n, bench.successor);
  await voided(epoch, 4, [5, Number.MAX_SAFE_INTEGER], operational);
  expect(await alerts('sequence-jump')).toEqual([epoch]);
  await say(epoch, 9, bench.successor);
  bench.later(4 * 3_600_000);
  await findGaps(bench.node.exchange);
  expect(await alerts('sequence-gap')).toContain(epoch);
});

test('what a suspect message said of numbers is forgotten, even where the floor has passed them', async () => {
  const epoch = crypto.randomUUID();
  for (const n of [1, 2, 3]) await say(epoch, n, bench.successor);
  bench.later(10_000);
  const instant = bench.now();
  bench.later(1000);
  await voided(epoch, 4, [5, 50], operational);
  await findGaps(bench.node.exchange);
  expect((await floorOf(epoch))?.floor).toBe(50);
  await say(epoch, 51, bench.successor);
  await findGaps(bench.node.exchange);
  expect((await floorOf(epoch))?.floor).toBe(51);
  const before = (await alerts('sequence-gap')).includes(epoch);
  bench.later(4 * 3_600_000);
  await bench.lose(instant);
  expect((await floorOf(epoch))?.floor).toBe(4);
  await findGaps(bench.node.exchange);
  expect([before, await alerts('sequence-gap')]).toEqual([false, expect.arrayContaining([epoch])]);
});

test('what a good key said of numbers stays said', async () => {
  const epoch = crypto.randomUUID();
  await say(epoch, 1, bench.successor);
  const instant = bench.now();
  bench.later(1000);
  await voided(epoch, 4, [2, 3], bench.successor);
  bench.later(4 * 3_600_000);
  await bench.lose(instant);
  await findGaps(bench.node.exchange);
  expect([await floorOf(epoch), (await alerts('sequence-gap')).includes(epoch)]).toEqual([
    { floor: 4, highest: 4 },
    false,
  ]);
});
