import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Mutant, mutantsOf, mutate } from './mutants.ts';
import { LEAST_SHARE, root, targets } from './scope.ts';

/**
 * Mutation testing of what decides and redacts: `npm run mutate [FILE…]`. Every file is tried in a process of its own; a
 * mutant that makes no progress for a while counts as noticed. Exits 1 where too few are.
 */

interface Outcome {
  readonly number: number;
  /** The test that noticed it. */
  readonly by?: string;
}

const STALLED = 20_000;

/** Runs the trial of one file from a mutant on, up to its end or to a mutant that never ends. */
function tryFrom(target: string, from: number): Promise<{ outcomes: Outcome[]; ended: boolean }> {
  const script = fileURLToPath(new URL('trial.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, target, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const outcomes: Outcome[] = [];
  let timer = setTimeout(() => child.kill('SIGKILL'), STALLED);
  createInterface({ input: child.stdout }).on('line', (line) => {
    clearTimeout(timer);
    timer = setTimeout(() => child.kill('SIGKILL'), STALLED);
    outcomes.push(JSON.parse(line) as Outcome);
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code !== 0 && code !== null) reject(new Error(`the trial of ${target} failed`));
      else resolve({ outcomes, ended: code === 0 });
    });
  });
}

async function tryAll(target: string, count: number): Promise<Outcome[]> {
  const all: Outcome[] = [];
  while (all.length < count) {
    const { outcomes, ended } = await tryFrom(target, all.length);
    all.push(...outcomes);
    if (!ended) all.push({ number: all.length, by: 'no end' });
    else break;
  }
  return all;
}

function show(target: string, source: string, mutant: Mutant): string {
  const line = source.split('\n')[mutant.line - 1]?.trim() ?? '';
  const after = mutate(source, mutant).split('\n')[mutant.line - 1]?.trim() ?? '';
  return `  ${target}:${mutant.line} ${mutant.kind}\n    - ${line}\n    + ${after}\n`;
}

let tried = 0;
let noticed = 0;
const survivors = new Map<string, number>();
const chosen = process.argv.slice(2);
for (const target of chosen.length > 0 ? chosen : targets) {
  const source = readFileSync(new URL(target, root), 'utf8');
  const mutants = mutantsOf(target, source);
  const outcomes = await tryAll(target, mutants.length);
  const alive = outcomes.filter(({ by }) => by === undefined).flatMap(({ number }) => mutants[number] ?? []);
  tried += outcomes.length;
  noticed += outcomes.length - alive.length;
  process.stdout.write(`${target}: ${outcomes.length - alive.length} of ${outcomes.length} noticed\n`);
  for (const mutant of alive) {
    survivors.set(mutant.kind, (survivors.get(mutant.kind) ?? 0) + 1);
    process.stdout.write(show(target, source, mutant));
  }
}
const share = noticed / tried;
process.stdout.write(`${noticed} of ${tried} mutants noticed: ${(100 * share).toFixed(1)} %\n`);
for (const [kind, count] of survivors) process.stdout.write(`not noticed, ${kind}: ${count}\n`);
if (share < LEAST_SHARE) process.exitCode = 1;
