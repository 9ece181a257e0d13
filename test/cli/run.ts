import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { passedOn } from '../support/passed-on.ts';

const entry = fileURLToPath(new URL('../../src/cli/caseref.ts', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly input?: string | Uint8Array;
}

/** Starts the real command line as a process of its own; of this process's environment only `passedOn` reaches it. */
export function start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
  const env = { ...passedOn, ...environment };
  return spawn(process.execPath, [entry, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Collects what a process prints until it ends. */
export async function ended(child: ChildProcess): Promise<Ran> {
  const printed = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed.out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    printed.err += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...printed };
}

/** Runs the real command line to its end. */
export function run(args: readonly string[], { environment, input }: RunOptions = {}): Promise<Ran> {
  const child = start(args, environment);
  // A program that refuses before it reads closes the pipe under the writer.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  return ended(child);
}
