import type { Command } from 'commander';
import { type Cli, type Everywhere, leaf } from './command.ts';
import { ask } from './reach.ts';

/** `caseref card`: what a partner needs to introduce this node. */
export function cardCommand(cli: Cli): Command {
  return leaf('card', 'print the peer card of this node, to be given to a partner', [
    'caseref card > our.card',
    'caseref keys fingerprint      what the partner compares with you by telephone',
  ]).action(async (options: Everywhere) => {
    cli.end(await ask(cli, options, 'card', {}, ({ card }) => cli.terminal.line(card)));
  });
}
