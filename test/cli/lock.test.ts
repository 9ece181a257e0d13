import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { initNode } from '../../src/node.ts';
import { lockDirectory } from '../../src/store/lock.ts';
import { loopbackSettings, passphrase } from '../support/node.ts';
import { storeTemplate } from '../support/store-template.ts';
import { ended, run, start } from './run.ts';

// Processes of the real command line on one directory at the same time.

let folder = '';
const environment = (): NodeJS.ProcessEnv => ({
  INIT_CWD: folder,
  CASEREF_DATA: 'node',
  CASEREF_PASSPHRASE: passphrase.reveal(),
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caseref-lock-'));
  await initNode({
    dataDir: join(folder, 'node'),
    settings: await loopbackSettings(),
    store: { kind: 'embedded' },
    passphrase,
    cost: 2 ** 14,
    templateDir: await storeTemplate(),
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function holdStore() {
  const lock = lockDirectory(join(folder, 'node', 'store', 'lock'));
  if ('refused' in lock) throw new Error(lock.message);
  return lock;
}

test('commands that were started in the same moment as the node are answered, one after another or by it', async () => {
  const node = start(['serve'], environment());
  const served = ended(node);
  const commands = await Promise.all(
    ['a', 'b'].map((name) =>
      run(['client', 'create', name, '--scope', 'references:read'], { environment: environment() }),
    ),
  );
  const listed = await run(['client', 'list', '--json'], { environment: environment() });
  node.kill('SIGTERM');
  const { code, err } = await served;
  expect(commands.map((ran) => [ran.code, ran.err.includes('store-locked')])).toEqual([
    [0, false],
    [0, false],
  ]);
  expect(
    JSON.parse(listed.out)
      .items.map(({ name }: { name: string }) => name)
      .sort(),
  ).toEqual(['a', 'b']);
  expect([code, err]).toEqual([0, expect.not.stringContaining('store-locked')]);
});

test('a command waits for the store and then does its work', async () => {
  const lock = holdStore();
  const waiting = run(['keys', 'fingerprint', '--json'], { environment: environment() });
  await pause(2500);
  lock.release();
  expect((await waiting).code).toBe(0);
});

test('after ten seconds it says that somebody has the store, and what to do', async () => {
  const lock = holdStore();
  const { code, err } = await run(['keys', 'fingerprint'], { environment: environment() });
  lock.release();
  expect([code, err]).toEqual([3, expect.stringMatching(/store-locked: Another command or node .+\n {2}next: Wait/)]);
}, 20_000);

test('beside a node that runs a second one is refused at once, and the first is named', async () => {
  const node = start(['serve'], environment());
  const served = ended(node);
  const up = Promise.withResolvers<void>();
  node.stderr?.on('data', (text: string) => text.includes('fewer than two operators') && up.resolve());
  await up.promise;
  const { code, err } = await run(['serve'], { environment: environment() });
  node.kill('SIGTERM');
  await served;
  expect([code, err]).toEqual([3, expect.stringContaining(`(process ${node.pid})`)]);
});
