import { createInterface } from 'node:readline';
import { refuse } from '../../domain/refusal.ts';
import { type Cli, type Everywhere, refuseWith } from '../command.ts';
import { type Exit, exit } from '../exit.ts';

/**
 * Asks on a terminal whether to go on; elsewhere only `--yes` says so. Gives how the command ends where it is not to be done:
 * who answers no has used it rightly.
 */
export async function confirmed(
  cli: Cli,
  options: Everywhere & { readonly yes?: boolean },
  what: string,
): Promise<Exit | undefined> {
  if (options.yes) return undefined;
  const typed = await askLine(cli, `${what} Go on? [y/N] `);
  if (typed === undefined) {
    const next = 'Look once more, then give --yes.';
    return refuseWith(cli, options, refuse('usage-invalid', '', `${what} Nothing was done.`, next));
  }
  if (/^y(es)?$/i.test(typed.trim())) return undefined;
  cli.terminal.say('Nothing was done.');
  return exit.refused;
}

async function askLine({ stdin, terminal }: Cli, question: string): Promise<string | undefined> {
  if (!stdin.isTTY || !terminal.prompt(question)) return undefined;
  const lines = createInterface({ input: stdin });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
  }
}
