import type { Command } from 'commander';
import { isRefusal } from '../domain/refusal.ts';
import { wholeNumber } from './argument.ts';
import { answerWith, type Cli, type Everywhere, group, leaf, refuseWith } from './command.ts';
import { denyCommand } from './deny.ts';
import { readJsonDocument } from './document.ts';
import { exit } from './exit.ts';
import { ask, type ValueOf } from './reach.ts';

/** `caseref policy`: what goes to a partner and what is taken from it. */
export function policyCommand(cli: Cli): Command {
  return group('policy', 'set, check and look at the policies of partners', [
    setPolicy(cli),
    showPolicy(cli),
    checkPolicy(cli),
    approvePolicy(cli),
    denyCommand(cli),
  ]);
}

const version = wholeNumber(1, 1_000_000);
const LONE_OPERATOR = 'There are fewer than two operators: this is recorded, a second person is not enforced.';

function setPolicy(cli: Cli): Command {
  return leaf('set', 'store a policy as the next version of a partner', [
    'caseref policy set https://node.police-b.example policy.json',
  ])
    .argument('<issuer>', 'the partner')
    .argument('<file>', 'the policy document; - is standard input')
    .action(async (issuer: string, file: string, options: Everywhere) => {
      const document = await readJsonDocument(cli, file);
      if (isRefusal(document)) return cli.end(refuseWith(cli, options, document));
      cli.end(
        await ask(cli, options, 'policy.set', { issuer, document }, (set) => {
          cli.terminal.fields([
            ['partner', set.partner, 'strong'],
            ['version', set.version, 'strong'],
            ['state', set.state, 'good'],
          ]);
          sayWarnings(cli, set.warnings);
          cli.terminal.say(LONE_OPERATOR);
        }),
      );
    });
}

function sayWarnings(cli: Cli, warnings: ValueOf<'policy.check'>['warnings']): void {
  for (const { pointer, message } of warnings) cli.terminal.warn(pointer === '' ? message : `${pointer}: ${message}`);
}

function showPolicy(cli: Cli): Command {
  return leaf('show', 'print the policy of a partner', [
    'caseref policy show https://node.police-b.example',
    'caseref policy show https://node.police-b.example --version 2',
  ])
    .argument('<issuer>', 'the partner')
    .option('--version <n>', 'a version (default: the one in force)', version)
    .action(async (issuer: string, options: Everywhere & { version?: number }) => {
      cli.end(
        await ask(cli, options, 'policy.show', { issuer, version: options.version }, (shown) => {
          cli.terminal.say(`${shown.state} since ${shown.createdAt}, ${shown.digest}`);
          for (const line of JSON.stringify(shown.document, null, 2).split('\n')) cli.terminal.line(line);
        }),
      );
    });
}

function checkPolicy(cli: Cli): Command {
  return leaf('check', 'look at a policy document without storing it; needs no node', [
    'caseref policy check policy.json',
  ])
    .argument('<file>', 'the policy document; - is standard input')
    .action(async (file: string, options: Everywhere) => {
      const document = await readJsonDocument(cli, file);
      if (isRefusal(document)) return cli.end(refuseWith(cli, options, document));
      // The document is all that it takes: no node, no passphrase.
      const { reviewPolicy } = await import('../exchange/policies.ts');
      const report = reviewPolicy(document);
      const { refusals, warnings } = report;
      const code = answerWith(cli, options, report, () => {
        cli.terminal.refused({ errors: refusals });
        sayWarnings(cli, warnings);
        if (refusals.length === 0) cli.terminal.step('The policy can be set.', 'good');
      });
      cli.end(refusals.length === 0 ? code : exit.refused);
    });
}

function approvePolicy(cli: Cli): Command {
  return leaf('approve', 'approve a version of a policy as the second person', [
    'caseref policy approve https://node.police-b.example 3',
  ])
    .argument('<issuer>', 'the partner')
    .argument('<version>', 'the version to approve', version)
    .action(async (issuer: string, wanted: number, options: Everywhere) => {
      cli.end(
        await ask(cli, options, 'policy.approve', { issuer, version: wanted }, (approved) => {
          cli.terminal.fields([
            ['partner', approved.partner, 'strong'],
            ['version', approved.version],
            ['state', approved.state],
          ]);
          cli.terminal.say(LONE_OPERATOR);
        }),
      );
    });
}
