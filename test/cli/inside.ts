import { CommanderError } from 'commander';
import { exit } from '../../src/cli/exit.ts';
import { createProgram } from '../../src/cli/program.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { readEnvironment } from '../../src/config.ts';
import type { Ran } from './run.ts';

/** Runs the command line in this process, beside a node that runs: for what a process of its own would show no better. */
export async function inside(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<Ran> {
  const printed = { out: '', err: '' };
  const writer = (stream: keyof typeof printed) => ({
    write(text: string) {
      printed[stream] += text;
      return true;
    },
  });
  let code: number = exit.done;
  const program = createProgram({
    terminal: createTerminal({ stdout: writer('out'), stderr: writer('err') }),
    environment: readEnvironment(environment),
    stdin: process.stdin,
    end: (ended) => {
      code = ended;
    },
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (failure) {
    if (!(failure instanceof CommanderError)) throw failure;
    printed.err += failure.message;
    code = exit.usage;
  }
  return { code, ...printed };
}
