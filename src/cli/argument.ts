import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Cli } from './command.ts';

/** Reads a comma-separated list; giving the option again adds to it. */
export function listed(text: string, before: readonly string[] = []): readonly string[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.includes('')) throw new InvalidArgumentError('A value of the list is empty.');
  return [...before, ...words];
}

/** Reads a whole number from `lowest` to `highest`. */
export function wholeNumber(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= lowest && value <= highest) return value;
    throw new InvalidArgumentError(`Give a whole number from ${lowest} to ${highest}.`);
  };
}

/** An option that takes one code of a list; any other is a usage error that names them. */
export function codeOption(flags: string, description: string, list: readonly string[]): Option {
  return new Option(flags, description).choices(list);
}

/** Options of a list that is read page by page. */
export interface PageOptions {
  readonly limit?: number;
  readonly cursor?: string;
}

/** Adds `--limit` and `--cursor`. */
export function paged(command: Command): Command {
  return command
    .option('--limit <n>', 'entries of a page, 1 to 500 (default: 50)', wholeNumber(1, 500))
    .option('--cursor <cursor>', 'go on where the page before ended');
}

/** Says how to read on, where there is more. */
export function sayMore(cli: Cli, next: string | null): void {
  if (next !== null) cli.terminal.say(`There is more: --cursor ${next}`);
}
