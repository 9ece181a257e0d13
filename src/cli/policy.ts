import type { Command } from 'commander';
import { isRefusal } from '../domain/refusal.ts';
import { wholeNumber } from './argument.ts';
import { answerWith, type Cli, type Everywhere, group, leaf, refuseWith, sameNode } from './command.ts';
import { denyCommand } from './deny.ts';
import { readJsonDocument } from './document.ts';
import { exit } from './exit.ts';
import { ask, type ValueOf } from './reach.ts';
import { askSigned, BY_ANOTHER, type Signs, saySignatures, signs } from './signing.ts';

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

function setPolicy(cli: Cli): Command {
  const command = leaf('set', 'store a policy as the next version of a partner', [
    'caseref policy set https://node.police-b.example policy.json',
    'caseref policy set https://node.police-b.example policy.json --operator ada.operator.key',
  ]);
  return signs(command)
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
          if (set.state === 'active') return;
          cli.terminal.next('It decides nothing yet. Another operator looks at it and approves it:', [
            `caseref policy show ${issuer} --version ${set.version}${sameNode(options)}`,
            `caseref policy approve ${issuer} ${set.version} ${BY_ANOTHER}${sameNode(options)}`,
          ]);
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
          cli.terminal.say(standingOf(shown));
          for (const line of JSON.stringify(shown.document, null, 2).split('\n')) cli.terminal.line(line);
        }),
      );
    });
}

/** Whose version it is, since when, and what the signatures are over. */
function standingOf({ state, createdAt, activatedAt, author, approver, digest }: ValueOf<'policy.show'>): string {
  const set = `set ${createdAt}${author === undefined ? '' : ` by ${author}`}`;
  const approved = approver === undefined ? '' : ` (approved by ${approver})`;
  const force = activatedAt === undefined ? '' : `, in force from ${activatedAt}${approved}`;
  return `${state}: ${set}${force}, ${digest}`;
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
  const command = leaf('approve', 'approve a version of a policy as the second person', [
    'caseref policy approve https://node.police-b.example 3 --operator ben.operator.key',
  ]);
  return signs(command)
    .argument('<issuer>', 'the partner')
    .argument('<version>', 'the version to approve', version)
    .action(async (issuer: string, wanted: number, options: Signs) => {
      cli.end(
        await askSigned(cli, options, 'policy.approve', { issuer, version: wanted }, (approved) => {
          cli.terminal.fields([
            ['partner', approved.partner, 'strong'],
            ['version', approved.version],
            ['state', approved.state, 'good'],
          ]);
          saySignatures(cli, approved);
        }),
      );
    });
}
