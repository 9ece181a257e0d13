import type { Cli } from '../command.ts';

interface Warning {
  readonly pointer: string;
  readonly message: string;
  readonly next?: string;
}

/** Says what a policy may and seldom should say, each with what to do about it. */
export function sayWarnings(cli: Cli, warnings: readonly Warning[]): void {
  for (const { pointer, message, next } of warnings) {
    cli.terminal.warn(pointer === '' ? message : `${pointer}: ${message}`);
    if (next !== undefined) cli.terminal.say(`  next: ${next}`);
  }
}
