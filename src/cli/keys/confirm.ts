import { createInterface } from 'node:readline';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import type { Cli } from '../command.ts';

/** Asks on a terminal whether to go on; elsewhere only `--yes` says so. A refusal where it is not to be done. */
export async function confirmed(cli: Cli, yes: boolean | undefined, what: string): Promise<Refusal | undefined> {
  if (yes) return undefined;
  const typed = await askLine(cli, `${what} Go on? [y/N] `);
  if (typed !== undefined && /^y(es)?$/i.test(typed.trim())) return undefined;
  const next = typed === undefined ? 'Look once more, then give --yes.' : 'Nothing is left to do.';
  return refuse('usage-invalid', '', `${what} Nothing was done.`, next);
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
