import { type Command, CommanderError } from 'commander';
import { readEnvironment } from '../config.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { quietMlDsaWarning } from '../keys/ml-dsa-warning.ts';
import { createLog } from '../log.ts';
import type { Cli } from './command.ts';
import { type Exit, exit, exitOf } from './exit.ts';
import { createProgram } from './program.ts';
import { createTerminal } from './terminal.ts';

quietMlDsaWarning();
const environment = readEnvironment();
const terminal = createTerminal({ stdout: process.stdout, stderr: process.stderr, noColor: environment.noColor });
const cli: Cli = {
  terminal,
  environment,
  stdin: process.stdin,
  end: (code) => {
    process.exitCode = code;
  },
};

// Before the command runs, which may be for months: what it meets on its way is told by this.
const cannotConnect = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH']);

// A reader that has seen enough closes the pipe: `caseref events | head` is no error.
process.stdout.on('error', (failure: NodeJS.ErrnoException) => {
  if (failure.code === 'EPIPE') process.exit();
});
// Who talks to nobody goes on with the work.
process.stderr.on('error', () => {});
process.on('uncaughtException', (failure) => process.exit(fail(failure)));

const program = createProgram(cli);
try {
  await program.parseAsync(process.argv);
} catch (failure) {
  process.exitCode = fail(failure);
}

function fail(failure: unknown): Exit {
  if (failure instanceof CommanderError && failure.exitCode === 0) return exit.done;
  // Help for a group without a command was printed instead of an error.
  if (failure instanceof CommanderError && failure.code === 'commander.help') return exit.usage;
  const refusal = failure instanceof CommanderError ? wrongCall(failure) : describe(failure);
  if (refusal.code === 'internal' && environment.logLevel === 'debug')
    createLog({ level: 'debug' }).failure('cli', failure);
  if (process.argv.includes('--json')) terminal.refusedJson([refusal]);
  else terminal.refused({ errors: [refusal] });
  return exitOf([refusal]);
}

function wrongCall({ message }: CommanderError): Refusal {
  const [said = '', suggested] = message.replace(/^error: /, '').split('\n');
  const help = 'caseref --help lists the commands, caseref COMMAND --help explains one.';
  const hint = wantedValue(said) ?? elsewhere(said) ?? (suggested === undefined ? undefined : likely(said, suggested));
  const next = hint === undefined ? help : `${hint} ${help}`;
  return refuse('usage-invalid', '', `${said.charAt(0).toUpperCase()}${said.slice(1)}.`.replace(/\.\.$/, '.'), next);
}

/** What a required option that is missing takes: its choices, or what it says of itself. */
function wantedValue(said: string): string | undefined {
  const flags = /^required option '(.+)' not specified$/.exec(said)?.[1];
  let command: Command = program;
  for (const word of process.argv.slice(2)) command = command.commands.find((one) => one.name() === word) ?? command;
  const option = command.options.find((one) => one.flags === flags);
  if (!option) return undefined;
  return option.argChoices
    ? `Give ${option.long} one of: ${option.argChoices.join(', ')}.`
    : `Give ${option.flags}: ${option.description}.`;
}

/** What is looked for under a name that no command has. */
function elsewhere(said: string): string | undefined {
  const word = /^unknown command '(.+)'/.exec(said)?.[1];
  if (word === 'alert' || word === 'alerts' || word === 'status') return 'That is: caseref doctor.';
  if (word === 'emergency' || word === 'emergencies') return 'That is: caseref reference list --urgency emergency.';
  return word === 'inbox' ? 'That is: caseref reference list --direction in.' : undefined;
}

/** A suggestion for an option that begins otherwise is a coincidence of letters. */
function likely(said: string, suggested: string): string | undefined {
  const first = /^unknown option '--(.)/.exec(said)?.[1];
  if (first !== undefined && !suggested.includes(`--${first}`)) return undefined;
  return suggested.replace(/^\((.*)\)$/, '$1');
}

/** A failure by its name, code and call; never its message, which may quote a value, and never where it was thrown. */
function describe(failure: unknown): Refusal {
  const { name, code, syscall, path } = failure as NodeJS.ErrnoException;
  if (code !== undefined && cannotConnect.has(code)) return refuse('store-unavailable');
  if (code !== undefined && syscall !== undefined && path !== undefined) {
    return refuse(
      'internal',
      '',
      `The machine does not let it (${code}, ${syscall} ${path}).`,
      'Look at that path and try again.',
    );
  }
  return refuse('internal', '', `The program met an error of its own (${[name, code].filter(Boolean).join(' ')}).`);
}
