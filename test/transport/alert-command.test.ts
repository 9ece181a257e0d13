import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runAlertCommand } from '../../src/transport/alert-command.ts';

let folder = '';
let program = '';
const out = () => join(folder, 'out.txt');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caseref-command-'));
  program = join(folder, 'tell.sh');
  await writeFile(
    program,
    `#!/bin/sh\ncase "$1" in fail) exit 3;; hang) sleep 60 & echo $! > ${out()}; wait;; esac\nprintf '%s\\n' "$@" > ${out()}; env >> ${out()}\n`,
    { mode: 0o700 },
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('arguments reach the program as they are, no shell reads them, and nothing of our environment does', async () => {
  process.env.CANARY_OF_THE_TEST = 'canary-env';
  expect(await runAlertCommand([program, 'fixed'], ['$(id)', 'a b;c'])).toEqual({ done: true });
  const text = await readFile(out(), 'utf8');
  expect(text.split('\n').slice(0, 3)).toEqual(['fixed', '$(id)', 'a b;c']);
  expect(text).not.toContain('canary-env');
});

test.each([
  ['that fails', () => [program, 'fail'], 'exit-3'],
  ['that is not there', () => [join(folder, 'nothing')], 'ENOENT'],
  ['that is a folder', () => [folder], 'EACCES'],
])('a program %s is told by a code', async (_name, command, code) => {
  expect(await runAlertCommand(command(), ['code', 'id'])).toEqual({ done: false, code });
});

test.runIf(process.platform === 'linux')('a program that hangs is killed with what it started', async () => {
  expect(await runAlertCommand([program, 'hang'], [], 500)).toEqual({ done: false, code: 'timeout' });
  const pid = Number(await readFile(out(), 'utf8'));
  await pause(100);
  // Nobody may reap it where this test runs: a zombie is as dead.
  const standing = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  expect(standing).toContain(') Z');
});
