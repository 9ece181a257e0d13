import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inventedReference } from '../support/invented.ts';
import { freshDatabase, startPostgres } from '../support/postgres.ts';
import { measureExchange } from './exchange.ts';
import { type Pair, startPair } from './pair.ts';

const COUNT = 20_000;
const entry = fileURLToPath(new URL('../../src/cli/caseref.ts', import.meta.url));

interface Measured {
  readonly perSecond: number;
  /** References per second until the last line was answered, its message perhaps not yet receipted. */
  readonly takenPerSecond: number;
  /** Most memory of the sender's node and of the importing program, in megabytes. */
  readonly nodePeak: number;
  readonly importPeak: number;
}

/** Most memory that a process ever had, in megabytes; 0 for one that has ended. */
function peakOf({ pid }: ChildProcess): number {
  const [, kilobytes = 0] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}

/** Runs `caseref reference import` beside the sender's node; gives the peak of its memory. */
async function importFile({ sender }: Pair, file: string): Promise<number> {
  const args = ['reference', 'import', file, '--results', `${file}.results`];
  const child = spawn(process.execPath, [entry, ...args], {
    env: sender.environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let peak = 0;
  const look = setInterval(() => {
    if (child.exitCode === null) peak = Math.max(peak, peakOf(child));
  }, 100);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(look);
  if (code !== 0) throw new Error(`the import ended with ${code}`);
  return peak;
}

async function measureImport(databases: readonly [string, string]): Promise<Measured> {
  const pair = await startPair(databases, 2);
  try {
    const file = join(pair.sender.directory, 'drop.ndjson');
    const lines = Array.from({ length: COUNT }, (_, n) => JSON.stringify(inventedReference(n)));
    await writeFile(file, `${lines.join('\n')}\n`);
    const begin = performance.now();
    const seconds = () => (performance.now() - begin) / 1000;
    const importing = importFile(pair, file).then((importPeak) => ({ importPeak, taken: COUNT / seconds() }));
    const [{ importPeak, taken }] = await Promise.all([importing, pair.receipted(COUNT)]);
    return { perSecond: COUNT / seconds(), takenPerSecond: taken, nodePeak: peakOf(pair.sending), importPeak };
  } finally {
    await pair.end();
  }
}

/**
 * One drop of 20,000 lines, imported by the command line and receipted at a partner, on one real PostgreSQL with durable
 * commits: as a ratio to the exchange bench of the same run, since only ratios travel between machines.
 */
export async function bench(print: (figure: Record<string, unknown>) => void): Promise<void> {
  const postgres = await startPostgres({ durable: true });
  try {
    const bases = await Promise.all([1, 2, 3, 4].map(() => freshDatabase(postgres.url)));
    const urls = bases.map((base) => base.url) as [string, string, string, string];
    const exchange = await measureExchange([urls[0], urls[1]]);
    const measured = await measureImport([urls[2], urls[3]]);
    print({
      bench: 'import',
      count: COUNT,
      exchangePerSecond: Math.round(exchange),
      perSecond: Math.round(measured.perSecond),
      ratio: Number((measured.perSecond / exchange).toFixed(2)),
      takenPerSecond: Math.round(measured.takenPerSecond),
      nodePeakMegabytes: measured.nodePeak,
      importPeakMegabytes: measured.importPeak,
    });
  } finally {
    await postgres.stop();
  }
}
