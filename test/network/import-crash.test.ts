import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliNode, makeNode } from '../support/cli-node.ts';
import { inventedReference } from '../support/invented.ts';

const entry = fileURLToPath(new URL('../../src/cli/caseref.ts', import.meta.url));
const COUNT = 2000;

let node: CliNode;

beforeAll(async () => {
  node = await makeNode({ name: 'Sender', type: 'hotline', jurisdiction: 'DE' });
}, 60_000);
afterAll(() => node.remove());

const at = (name: string) => join(node.directory, '..', name);
const results = () => readFile(at('results.ndjson'), 'utf8').catch(() => '');

/** Starts an import as a process of its own, which has the embedded store to itself unless a node runs. */
function startImport(...options: string[]): ChildProcess {
  const args = ['reference', 'import', at('drop.ndjson'), '--results', at('results.ndjson'), ...options];
  return spawn(process.execPath, [entry, ...args], { env: node.environment, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Waits until so many lines have results, and ends a process as a power switch would. */
async function killAfter(lines: number, killed: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 3000; tries += 1) {
    if ((await results()).split('\n').length > lines) break;
    if (killed.exitCode !== null) throw new Error(`it ended by itself with ${killed.exitCode}`);
    await pause(5);
  }
  killed.kill('SIGKILL');
  if (killed.exitCode === null && killed.signalCode === null) await once(killed, 'exit');
  const done = (await results()).split('\n').length;
  if (done > COUNT) throw new Error('everything was imported before the kill: it proves nothing');
}

async function listed(): Promise<string[]> {
  const ids: string[] = [];
  let next: string | null = null;
  do {
    const cursor: string[] = next === null ? [] : ['--cursor', next];
    const page: { items: { id: string }[]; next: string | null } = await node.json(
      'reference',
      'list',
      '--limit',
      '500',
      ...cursor,
    );
    ids.push(...page.items.map(({ id }) => id));
    next = page.next;
  } while (next !== null);
  return ids;
}

test('2,000 lines survive SIGKILL of the import, then of the node beside it: resumed, each is one reference, none is missing', async () => {
  // Every hundredth line is refused, every tenth names its id: neither may be counted twice, or be an error of its own making.
  const lines = Array.from({ length: COUNT }, (_, n) =>
    JSON.stringify({
      ...inventedReference(n),
      ...(n % 10 === 5 && { id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` }),
      ...(n % 100 === 50 && { category: 'nonsense' }),
    }),
  );
  await writeFile(at('drop.ndjson'), `${lines.join('\n')}\n`);
  await killAfter(500, startImport());

  await writeFile(at('drop.ndjson'), `${lines.with(0, '{}').join('\n')}\n`);
  const changed = await node.run('reference', 'import', at('drop.ndjson'), '--resume');
  expect([changed.code, changed.err]).toEqual([1, expect.stringContaining('not what it was')]);
  await writeFile(at('drop.ndjson'), `${lines.join('\n')}\n`);

  const serving = await node.serve();
  const beside = startImport('--resume');
  let told = '';
  beside.stderr?.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  const ended = once(beside, 'close');
  await killAfter(1200, serving);
  const [code] = (await ended) as [number];
  expect([code, told]).toEqual([3, expect.stringMatching(/From line \d+: .*\n {2}next: .*--resume/)]);

  const last = await node.run('reference', 'import', at('drop.ndjson'), '--results', at('results.ndjson'), '--resume');
  expect(last.err).toMatch(/Goes on after line 1\d\d\d\./);
  const written = (await results()).trimEnd().split('\n');
  const parsed = written.map((line) => JSON.parse(line) as { line: number; status: string; id?: string });
  expect(parsed.map(({ line }) => line)).toEqual(lines.map((_, n) => n + 1));
  expect(parsed.filter(({ status }) => status === 'refused').map(({ line }) => line % 100)).toEqual(
    Array.from({ length: COUNT / 100 }, () => 51),
  );
  const ids = parsed.flatMap(({ id }) => id ?? []);
  expect(new Set(ids).size).toBe(COUNT - COUNT / 100);
  expect((await listed()).sort()).toEqual(ids.sort());
  expect(last.code).toBe(1);
}, 240_000);

/** The most memory that a process ever had, in megabytes; 0 for one that has ended. */
function peakOf({ pid }: ChildProcess): number {
  const [, kilobytes = 0] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

async function importing(file: string, serving: ChildProcess): Promise<{ importer: number; server: number }> {
  const args = ['reference', 'import', file, '--json'];
  const child = spawn(process.execPath, [entry, ...args], {
    env: node.environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let importer = 0;
  child.stdout?.on('data', () => {
    if (child.exitCode === null) importer = Math.max(importer, peakOf(child));
  });
  await once(child, 'close');
  return { importer, server: peakOf(serving) };
}

test.runIf(process.platform === 'linux')(
  'memory does not grow with the file: 50,000 lines take about as much as 2,000',
  async () => {
    // One line in fifty is taken, the others are stopped by a gate: this is about the way of the lines, not the store.
    const lines = (count: number) =>
      Array.from({ length: count }, (_, n) =>
        JSON.stringify(n % 50 === 0 ? inventedReference(n) : { ...inventedReference(n), category: 'nonsense' }),
      ).join('\n');
    await writeFile(at('small.ndjson'), lines(2000));
    await writeFile(at('large.ndjson'), lines(50_000));
    const serving = await node.serve();
    try {
      const small = await importing(at('small.ndjson'), serving);
      const large = await importing(at('large.ndjson'), serving);
      expect(small.importer).toBeGreaterThan(20);
      expect(large.importer - small.importer).toBeLessThan(100);
      expect(large.server - small.server).toBeLessThan(300);
    } finally {
      serving.kill('SIGTERM');
      await once(serving, 'exit');
    }
  },
  120_000,
);
