import type { Command } from 'commander';
import { isRefusal } from '../../domain/refusal.ts';
import { type Cli, leaf, quoted, refuseWith, sameNode } from '../command.ts';
import { readJsonDocument } from '../document.ts';
import { sayNoLongerAllowed } from '../narrowed.ts';
import { askSigned, BY_ANOTHER, proposes, type Signs, saySignatures } from '../signing.ts';
import { sayWarnings } from './warnings.ts';

/**
 * `caseref policy set`. It prints how a draft is tried rather than trying it: two seconds are enough for a small past only,
 * and where a second person approves, it is that person's trial that counts.
 */
export function setCommand(cli: Cli): Command {
  const command = leaf('set', 'store a policy as the next version of a partner', [
    'caseref policy simulate https://node.police-b.example policy.json',
    'caseref policy set https://node.police-b.example policy.json',
    'caseref policy set https://node.police-b.example policy.json --operator ada.operator.key',
  ]);
  return proposes(command)
    .argument('<issuer>', 'the partner')
    .argument('<file>', 'the policy document; - is standard input')
    .action(async (issuer: string, file: string, options: Signs) => {
      const document = await readJsonDocument(cli, file);
      if (isRefusal(document)) return cli.end(refuseWith(cli, options, document));
      cli.end(
        await askSigned(cli, options, 'policy.set', { issuer, document }, (set) => {
          cli.terminal.fields([
            ['partner', set.partner, 'strong'],
            ['version', set.version, 'strong'],
            ['state', set.state, set.state === 'active' ? 'good' : 'waiting'],
          ]);
          saySignatures(cli, set);
          sayWarnings(cli, set.warnings);
          sayNoLongerAllowed(cli, options, set.noLongerAllowed);
          const caseref = (words: string) => `caseref policy ${words}${sameNode(options)}`;
          if (set.state === 'active') {
            const next = 'It decides from now on. What the next draft would change can be seen before it counts:';
            cli.terminal.next(next, [caseref(`simulate ${issuer} ${file === '-' ? 'FILE' : quoted(file)}`)]);
          } else {
            cli.terminal.next('It decides nothing yet. Another operator looks at it, tries it and approves it:', [
              caseref(`show ${issuer} --version ${set.version}`),
              caseref(`simulate ${issuer} --version ${set.version}`),
              caseref(`approve ${issuer} ${set.version} ${BY_ANOTHER}`),
            ]);
          }
        }),
      );
    });
}
