import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { consultWitness, isBehind } from '../../src/exchange/witness.ts';
import { readProgress } from '../../src/store/life.ts';
import { sender } from '../support/tokens.ts';
import { type LossBench, lossBench } from './loss-bench.ts';

// The witness beside the store tells a store that was put back from one that lost nothing.

describe('a store is behind its witness', () => {
  const life = crypto.randomUUID();
  const epoch = crypto.randomUUID();
  const seen = { life, position: 10, streams: { [sender]: { epoch, n: 5 } } };

  test.each([
    ['that has come as far', seen, false],
    ['that has come further', { ...seen, position: 11, streams: { [sender]: { epoch, n: 6 } } }, false],
    ['whose feed is shorter', { ...seen, position: 9 }, true],
    ['that has given fewer numbers', { ...seen, streams: { [sender]: { epoch, n: 4 } } }, true],
    [
      'that counts in another epoch, since the partner was introduced anew',
      { ...seen, streams: { [sender]: { epoch: life, n: 0 } } },
      false,
    ],
    ['that knows the partner no more', { ...seen, streams: {} }, false],
  ])('one %s', (_, store, behind) => {
    expect(isBehind(store, seen)).toBe(behind);
  });
});

describe('at the start', () => {
  let bench: LossBench;
  let directory: string;
  beforeEach(async () => {
    bench = await lossBench();
    directory = await mkdtemp(join(tmpdir(), 'caseref-witness-'));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
    await bench.close();
  });

  const file = () => join(directory, 'witness.json');
  const look = (from = directory) => consultWitness(bench.exchange, from);
  const causes = async () => (await bench.recoveries()).map(({ because }) => because);

  /** The witness has seen more than the store knows. */
  async function putBack(by = 1): Promise<void> {
    const seen = JSON.parse(await readFile(file(), 'utf8')) as { position: number };
    await writeFile(file(), JSON.stringify({ ...seen, position: seen.position + by }), { mode: 0o600 });
  }

  test('the first look writes a file that nobody else reads, and says nothing', async () => {
    await look();
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual(await readProgress(bench.db));
    expect(await causes()).toEqual([]);
  });

  test('a killed process leaves an older witness, and that is no alarm', async () => {
    await look();
    await bench.share(1);
    await bench.claim();
    await look();
    expect(await causes()).toEqual([]);
  });

  test('store-restored: a store that is behind marks every partner lost, once', async () => {
    await bench.share(2);
    await look();
    await putBack();
    await look();
    expect(await causes()).toEqual(['store-restored']);
    await look();
    expect(await causes()).toEqual(['store-restored']);
  });

  test('numbers that were given and are not known any more tell it, though the feed is as long as before', async () => {
    await bench.share(3);
    await bench.claim();
    await look();
    await bench.db.updateTable('partner_stream').set({ n: 0 }).execute();
    await look();
    expect(await causes()).toEqual(['store-restored']);
  });

  test('another directory of the same node, with a witness of the life before, sees no second loss', async () => {
    const other = await mkdtemp(join(tmpdir(), 'caseref-witness-'));
    await look();
    await look(other);
    await putBack();
    await look();
    await look(other);
    expect(await causes()).toEqual(['store-restored']);
    await rm(other, { recursive: true });
  });

  test('a store of the life before the last loss is known for one that was put back again', async () => {
    await look();
    await putBack();
    await look();
    const { life } = await readProgress(bench.db);
    await bench.db.deleteFrom('recovery').execute();
    await bench.db.deleteFrom('store_life').where('id', '=', life).execute();
    await look();
    expect(await causes()).toEqual(['store-restored']);
  });

  test('what a process that died in the middle left undone is done by the next one', async () => {
    await look();
    await putBack();
    await look();
    await bench.db.deleteFrom('recovery').execute();
    await bench.db.updateTable('store_life').set({ settled_at: null }).execute();
    await look();
    expect(await causes()).toEqual(['store-restored']);
    expect(await bench.db.selectFrom('store_life').select('id').where('settled_at', 'is', null).execute()).toEqual([]);
  });

  test('the feed goes on above every cursor that a client may have kept', async () => {
    await look();
    await putBack(500);
    const { position } = JSON.parse(await readFile(file(), 'utf8')) as { position: number };
    await look();
    const newest = await bench.db
      .selectFrom('event')
      .select('position')
      .orderBy('position', 'desc')
      .executeTakeFirstOrThrow();
    expect(newest.position).toBeGreaterThan(position);
  });

  test.each([
    ['is no JSON', 'lost'],
    ['is cut off', '{"life":"x","position"'],
    ['says nothing', '{}'],
  ])('a witness that %s is no witness, and is written anew', async (_, text) => {
    await writeFile(file(), text, { mode: 0o600 });
    await look();
    expect(await causes()).toEqual([]);
    expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual(await readProgress(bench.db));
  });
});
