import type { Command } from 'commander';
import { wholeNumber } from '../argument.ts';
import { type Cli, leaf } from '../command.ts';
import { sayNoLongerAllowed } from '../narrowed.ts';
import { askSigned, type Signs, saySignatures, signs } from '../signing.ts';

/** `caseref policy approve`. */
export function approveCommand(cli: Cli): Command {
  const command = leaf('approve', 'approve a version of a policy as the second person', [
    'caseref policy approve https://node.police-b.example 3 --operator ben.operator.key',
  ]);
  return signs(command)
    .argument('<issuer>', 'the partner')
    .argument('<version>', 'the version to approve', wholeNumber(1, 1_000_000))
    .action(async (issuer: string, wanted: number, options: Signs) => {
      cli.end(
        await askSigned(cli, options, 'policy.approve', { issuer, version: wanted }, (approved) => {
          cli.terminal.fields([
            ['partner', approved.partner, 'strong'],
            ['version', approved.version],
            ['state', approved.state, 'good'],
          ]);
          saySignatures(cli, approved);
          sayNoLongerAllowed(cli, options, approved.noLongerAllowed);
        }),
      );
    });
}
