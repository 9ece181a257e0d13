import type { Command } from 'commander';
import { codes } from '../domain/codes.ts';
import { codeOption, listed } from './argument.ts';
import { type Cli, leaf, quoted, sameNode } from './command.ts';
import type { ValueOf } from './reach.ts';
import { askSigned, BY_ANOTHER, proposes, type Signs, saySignatures } from './signing.ts';

const FOREIGN =
  'Confirmed as a foreign client: messages to it are signed and not encrypted; only TLS protects them on the way, and whoever ends that TLS reads them.';

interface ConfirmOptions extends Signs {
  readonly fingerprint: string;
  readonly as?: string;
  readonly jurisdiction?: readonly string[];
  readonly verifiedBy?: string;
  readonly foreign?: boolean;
  readonly local?: boolean;
  readonly suspectSince?: string;
}

/** `caseref partner confirm`: the fingerprint was compared, and what the operator records counts. */
export function confirmPartner(cli: Cli): Command {
  const command = leaf('confirm', 'make a pending partner active; what is recorded here counts, not its card', [
    "caseref partner confirm https://node.police-b.example --fingerprint '31742 09911 …'",
    'caseref partner confirm https://node.police-b.example --fingerprint FP --as law-enforcement --jurisdiction NL',
  ]);
  return proposes(command)
    .argument('<issuer>', 'the partner, exactly as it was added')
    .requiredOption('--fingerprint <fp>', 'as it was read out: eight groups of five digits, or as it is written')
    .addOption(codeOption('--as <type>', 'what the partner is (default: as its card says)', codes.organisationType))
    .option('--jurisdiction <cc,…>', 'where it is competent (default: as its card says)', listed)
    .option('--verified-by <text>', 'who compared the fingerprint, and how')
    .option('--foreign', 'a client of another make that cannot encrypt')
    .option('--local', 'may be reached at a private address')
    .option(
      '--suspect-since <instant>',
      'where it replaces another identity key: from when that one may have been lost, or unknown',
    )
    .action(async (issuer: string, options: ConfirmOptions) => {
      const { fingerprint, as: type, jurisdiction: jurisdictions, verifiedBy, foreign, local, suspectSince } = options;
      const confirmation = { issuer, fingerprint, type, jurisdictions, verifiedBy, foreign, local, suspectSince };
      cli.end(
        await askSigned(cli, options, 'partner.confirm', confirmation, (confirmed) => {
          printConfirmed(cli, confirmed);
          if (confirmed.state === 'pending') return sayWaits(cli, options, confirmed);
          if (confirmed.replaced !== undefined) return;
          cli.terminal.next('Nothing is sent to it before it has a policy:', [
            `caseref policy set ${issuer} policy.json${sameNode(options)}`,
          ]);
        }),
      );
    });
}

type Confirmed = ValueOf<'partner.confirm'>;

function printConfirmed(cli: Cli, confirmed: Confirmed): void {
  const origin = (member: 'type' | 'jurisdictions') =>
    confirmed.fromCard.includes(member) ? '  (taken from its card)' : '';
  const { issuer, state, type, jurisdictions, replaced, suspectSince, suspect } = confirmed;
  cli.terminal.fields([
    ['partner', issuer, 'strong'],
    ['state', state, state === 'active' ? 'good' : 'waiting'],
    ['recorded as', `${type}${origin('type')}`],
    ['competent for', `${jurisdictions.join(', ')}${origin('jurisdictions')}`],
    ['replaces', replaced],
    ['suspect since', suspectSince, 'bad'],
    ['suspect', state === 'pending' || suspect === undefined ? undefined : `${suspect} messages`],
  ]);
  saySignatures(cli, confirmed);
  if (confirmed.foreign) cli.terminal.warn(FOREIGN);
}

/** The second person hears the fingerprint too, and records the same: what is given here is repeated word for word. */
function sayWaits(cli: Cli, options: ConfirmOptions, confirmed: Confirmed): void {
  const { type, jurisdictions, foreign, local, suspectSince } = confirmed;
  const facts = [
    `--as ${type} --jurisdiction ${jurisdictions.join(',')}`,
    ...(foreign ? ['--foreign'] : []),
    ...(local ? ['--local'] : []),
    ...(suspectSince === undefined ? [] : [`--suspect-since ${quoted(suspectSince)}`]),
  ];
  const command = `caseref partner confirm ${confirmed.issuer} --fingerprint 'WHAT YOU HEARD' ${facts.join(' ')}`;
  cli.terminal.next(
    'Nothing has changed yet. Another operator calls the partner too and types what this person heard:',
    [`${command} ${BY_ANOTHER}${sameNode(options)}`],
  );
}
