import { Command } from 'commander';
import type { Environment } from '../config.ts';
import { isRefusal, type Refusal } from '../domain/refusal.ts';
import { type Exit, exit, exitOf } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given: where it prints, what it reads, what the environment says, and how it ends. */
export interface Cli {
  readonly terminal: Terminal;
  readonly environment: Environment;
  readonly stdin: NodeJS.ReadStream;
  /** Sets the exit code; the program ends when nothing is left to do. */
  end(code: Exit): void;
}

/** Options that every command has. */
export interface Everywhere {
  readonly data?: string;
  readonly json?: boolean;
}

/** A command that does something, with the options that every command has and examples below its help. */
export function leaf(name: string, summary: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(summary)
    .option('--data <dir>', 'directory of the node (default: CASEREF_DATA)')
    .option('--json', 'print JSON, with the bodies of the node API')
    .addHelpText('after', exampleText(examples));
}

/** A command that only groups others. */
export function group(name: string, summary: string, members: readonly Command[]): Command {
  const made = new Command(name).description(summary);
  for (const member of members) made.addCommand(member);
  return made;
}

/** Examples as they stand below a help text. */
export function exampleText(examples: readonly string[]): string {
  return ['', examples.length === 1 ? 'Example:' : 'Examples:', ...examples.map((example) => `  ${example}`)].join(
    '\n',
  );
}

/** The directory of the node as the next command must name it too: where this one was given it, that one needs it. */
export function sameNode({ data: directory }: Everywhere): string {
  return directory === undefined ? '' : ` --data ${quoted(directory)}`;
}

/** A command in a sentence: it ends where the sentence goes on. Those that make something new, or explain, need no node. */
const COMMAND = /caseref (?!--|COMMAND\b|init\b|demo\b|operator key\b)(?:(?!\.(?:\s|$))[^;,()])+/g;
/** What the operator of another node is asked to give there. */
const THEIRS = /^caseref (?:keys |card$|doctor$|reconcile \S+ --restored)/;

/** A next step with the directory in each command that is for this node; what others are to give stays as it is. */
export function onSameNode(options: Everywhere, next: string): string;
export function onSameNode(options: Everywhere, next: string | undefined): string | undefined;
export function onSameNode(options: Everywhere, next: string | undefined): string | undefined {
  const same = sameNode(options);
  if (next === undefined || same === '') return next;
  return next.replaceAll(COMMAND, (found, at: number) => {
    const command = found.trimEnd();
    const before = next.slice(0, at);
    const elsewhere = /\b(?:its operator|the partner)\b[^.;]*$/i.test(before) && THEIRS.test(command);
    const kept = elsewhere || before.endsWith(' there: ') || command.includes(' --data ');
    return kept ? found : `${command}${same}${found.slice(command.length)}`;
  });
}

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w./:@~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Prints refusals, as JSON where that was asked for, and gives the exit code that they make. */
export function refuseWith(cli: Cli, options: Everywhere, refused: Refusal | readonly Refusal[]): Exit {
  const errors = isRefusal(refused) ? [refused] : refused;
  if (options.json) cli.terminal.refusedJson(errors);
  else cli.terminal.refused({ errors: errors.map((one) => ({ ...one, next: onSameNode(options, one.next) })) });
  return exitOf(errors);
}

/** Prints a value as JSON where that was asked for, else by `show`. */
export function answerWith<Value>(cli: Cli, options: Everywhere, value: Value, show: (value: Value) => void): Exit {
  if (options.json) cli.terminal.json(value);
  else show(value);
  return exit.done;
}
