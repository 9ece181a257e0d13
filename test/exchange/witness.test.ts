import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listAlerts } from '../../src/exchange/alerts.ts';
import { examineFiles } from '../../src/exchange/doctor/files.ts';
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

  describe('a witness that cannot be used', () => {
    const aside = async () => (await readdir(directory)).filter((name) => name.startsWith('witness.json.unusable-'));
    type Said = Record<string, unknown>;
    const change = (into: (said: Said) => Said) => async () => {
      const said = JSON.parse(await readFile(file(), 'utf8')) as Said;
      await writeFile(file(), JSON.stringify(into(said)), { mode: 0o600 });
    };

    test.each([
      ['others can read', () => chmod(file(), 0o644)],
      ['is half written', () => writeFile(file(), '{"life":"', { mode: 0o600 })],
      ['is empty', () => writeFile(file(), '', { mode: 0o600 })],
      ['is a folder', () => rm(file()).then(() => mkdir(file()))],
      ['names no streams', change((said) => ({ ...said, streams: null }))],
      ['names a stream without a number', change((said) => ({ ...said, streams: { [sender]: null } }))],
      [
        'names a stream with half a number',
        change((said) => ({ ...said, streams: { [sender]: { epoch: said.life, n: 0.5 } } })),
      ],
      ['names a life that is none', change((said) => ({ ...said, life: 'x' }))],
      ['has come further than anything can', change((said) => ({ ...said, position: 1e300 }))],
      ['has come to a fraction', change((said) => ({ ...said, position: 1.5 }))],
      ['has come to less than nothing', change((said) => ({ ...said, position: -1 }))],
      ['has a key set that is no number', change((said) => ({ ...said, keySet: 'x' }))],
    ])('since it %s is set aside, a person is told, and the start goes on', async (_, damage) => {
      await look();
      await putBack(1000);
      await damage();
      await look();
      expect(await bench.alerts()).toEqual(['witness-unusable']);
      expect(await aside()).toHaveLength(1);
      expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual(await readProgress(bench.db));
      expect(await causes()).toEqual([]);
    });

    test('is told of in the report of the node, with what to do', async () => {
      await look();
      await writeFile(file(), '{', { mode: 0o600 });
      await look();
      await look();
      expect(await aside()).toHaveLength(1);
      const [alert] = await listAlerts(bench.exchange);
      expect(alert).toMatchObject({ code: 'witness-unusable', urgent: true, count: 1 });
      expect(alert?.next).toContain('caseref reconcile --all --restored');
      expect(await examineFiles(directory)).toMatchObject([{ level: 'warn', code: 'witness-aside' }]);
    });

    test('of an earlier release, which names no key set, can be used', async () => {
      await look();
      await change(({ keySet: _, ...said }) => said)();
      await look();
      expect(await bench.alerts()).toEqual([]);
    });
  });
});
