import type { Command } from 'commander';
import { isRefusal } from '../../domain/refusal.ts';
import { answerWith, type Cli, type Everywhere, leaf, refuseWith } from '../command.ts';
import { readJsonDocument } from '../document.ts';
import { exit } from '../exit.ts';
import { sayWarnings } from './warnings.ts';

/** `caseref policy check`. */
export function checkCommand(cli: Cli): Command {
  return leaf('check', 'look at a policy document without storing it; needs no node', [
    'caseref policy check policy.json',
  ])
    .argument('<file>', 'the policy document; - is standard input')
    .action(async (file: string, options: Everywhere) => {
      const document = await readJsonDocument(cli, file);
      if (isRefusal(document)) return cli.end(refuseWith(cli, options, document));
      // The document is all that it takes: no node, no passphrase.
      const { reviewPolicy } = await import('../../exchange/policies.ts');
      const report = reviewPolicy(document, Date.now());
      const { refusals, warnings } = report;
      const code = answerWith(cli, options, report, () => {
        cli.terminal.refused({ errors: refusals });
        sayWarnings(cli, warnings);
        if (refusals.length === 0) cli.terminal.step('The policy can be set.', 'good');
      });
      cli.end(refusals.length === 0 ? code : exit.refused);
    });
}
