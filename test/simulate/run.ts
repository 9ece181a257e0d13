import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freshDatabase, startPostgres } from '../support/postgres.ts';
import { type FaultLevel, faultLevels } from './faults.ts';
import { type SimulationResult, simulate } from './simulation.ts';
import { createWorld } from './world.ts';

// The deterministic simulation on demand: the exchange and store code of real nodes, with a virtual clock, a seeded network and
// crashes at commits, in one process and one PostgreSQL.
//   npm run simulate -- --seed 7                  one seed; --trace prints everything that happens
//   npm run simulate -- --seeds 1..1000 --jobs 2  many; ends at the first that breaks a rule, with the command for it

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    nodes: { type: 'string', default: '5' },
    hours: { type: 'string', default: '24' },
    messages: { type: 'string', default: '120' },
    faults: { type: 'string', default: 'some' },
    trace: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '1' },
    job: { type: 'boolean', default: false },
  },
});

const print = (line: string) => void process.stdout.write(`${line}\n`);
// Whoever reads may have enough of it (`| head`).
process.stdout.on('error', () => process.exit(1));

function wrong(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function whole(name: 'nodes' | 'hours' | 'messages' | 'jobs', least: number): number {
  const number = Number(values[name]);
  return Number.isInteger(number) && number >= least ? number : wrong(`--${name} is a whole number from ${least} on.`);
}

function seedsAsked(): readonly [number, number] {
  if (values.seed !== undefined && values.seeds !== undefined) wrong('Give --seed or --seeds.');
  const [, first = '', last = first] = /^(\d+)(?:\.\.(\d+))?$/.exec(values.seeds ?? values.seed ?? '1') ?? [];
  return first === '' || Number(last) < Number(first)
    ? wrong('Seeds look like 7 or 1..1000.')
    : [Number(first), Number(last)];
}

const nodes = whole('nodes', 2);
const faults = faultLevels.find((level) => level === values.faults) ?? wrong('--faults is none, some or many.');
const settings = { hours: whole('hours', 1), messages: whole('messages', 1), faults: faults as FaultLevel };

const command = (seed: number) =>
  `npm run simulate -- --seed ${seed} --nodes ${nodes} --hours ${settings.hours} --messages ${settings.messages} --faults ${settings.faults}`;

function summary(seed: number, result: SimulationResult): string {
  const { hash, steps, commits, crashes, restores, received, wallMs } = result;
  const seconds = (wallMs / 1000).toFixed(1);
  return `seed ${seed} ${result.violations.length === 0 ? 'holds' : 'BREAKS'} hash ${hash} steps ${steps} commits ${commits} deaths ${crashes} restores ${restores} messages ${received} ${seconds} s`;
}

/** Runs these seeds here; false at the first that breaks. */
async function runSeeds(url: string, first: number, last: number, every: number): Promise<boolean> {
  const database = await freshDatabase(url);
  const world = await createWorld(database.url, nodes);
  try {
    for (let seed = first; seed <= last; seed += every) {
      const result = await simulate(world, { seed, ...settings, ...(values.trace && { trace: print }) });
      print(summary(seed, result));
      if (result.violations.length === 0) continue;
      for (const { rule, about } of result.violations.slice(0, 20)) print(`  broken: ${rule}: ${about}`);
      print(`  again: ${command(seed)} --trace`);
      return false;
    }
    return true;
  } finally {
    await world.close();
    await database.drop();
  }
}

/** Each job has a server of its own: where rows lie depends on whatever else runs in one. */
async function runJobs(first: number, last: number, jobs: number): Promise<boolean> {
  const kept = process.argv.slice(2).filter((_, index, all) => !isOption(all, index, ['--seed', '--seeds', '--jobs']));
  const children = Array.from({ length: jobs }, (_, job) => {
    const args = [...kept, '--seeds', `${first + job}..${last}`, '--jobs', String(jobs), '--job'];
    return fork(fileURLToPath(import.meta.url), args, { stdio: 'inherit' });
  });
  const ends = await Promise.all(
    children.map(async (child) => {
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) for (const other of children) other.kill();
      return code === 0;
    }),
  );
  return ends.every(Boolean);
}

function isOption(all: readonly string[], index: number, names: readonly string[]): boolean {
  return names.includes(all[index] ?? '') || names.includes(all[index - 1] ?? '');
}

const [first, last] = seedsAsked();
const jobs = whole('jobs', 1);
const began = performance.now();

async function runHere(every: number): Promise<boolean> {
  const server = await startPostgres();
  try {
    return await runSeeds(server.url, first, last, every);
  } finally {
    await server.stop();
  }
}

const held = jobs === 1 || values.job ? await runHere(jobs) : await runJobs(first, last, jobs);
const seconds = ((performance.now() - began) / 1000).toFixed(0);
if (!values.job) {
  const what = `${nodes} nodes, ${settings.hours} hours, faults ${settings.faults}`;
  print(`seeds ${first}..${last}: ${held ? 'all hold' : 'one breaks'}, ${what}, ${seconds} s`);
}
process.exitCode = held ? 0 : 1;
