import { Command } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { cardCommand } from './card.ts';
import { clientCommand } from './client.ts';
import { codesCommand } from './codes.ts';
import { type Cli, exampleText } from './command.ts';
import { deliveryCommand } from './delivery.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { eventsCommand } from './events.ts';
import { initCommand } from './init.ts';
import { keysCommand } from './keys.ts';
import { liaisonCommand } from './liaison.ts';
import { operatorCommand } from './operator.ts';
import { partnerCommand } from './partner.ts';
import { policyCommand } from './policy.ts';
import { reconcileCommand } from './reconcile.ts';
import { referenceCommand } from './reference.ts';
import { serveCommand } from './serve.ts';
import { unitCommand } from './unit.ts';

/** Every command, in the order in which one needs them. */
const commands = [
  demoCommand,
  initCommand,
  serveCommand,
  cardCommand,
  keysCommand,
  partnerCommand,
  policyCommand,
  codesCommand,
  operatorCommand,
  unitCommand,
  clientCommand,
  liaisonCommand,
  referenceCommand,
  deliveryCommand,
  reconcileCommand,
  eventsCommand,
  doctorCommand,
];

/** The whole command line. It never ends the program and prints no error of its own: a wrong call is thrown. */
export function createProgram(cli: Cli): Command {
  const program = new Command('caseref')
    .description(
      'Exchanges signed case references between hotlines and police; never media, never fingerprints of media.',
    )
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help for a command')
    .helpCommand('help [command]', 'print help for a command')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .addHelpText(
      'after',
      `${exampleText([
        'caseref init --data node --issuer http://localhost:8440 --name "Hotline A" --type hotline --jurisdiction DE',
        'caseref serve --data node',
        'caseref reference import references.ndjson --data node',
      ])}

Environment:
  CASEREF_DATA             directory of the node, instead of --data
  CASEREF_PASSPHRASE_FILE  file with the passphrase of the key store (or CASEREF_PASSPHRASE)
  CASEREF_OPERATOR         key file of the operator who acts, instead of --operator
  CASEREF_OPERATOR_PASSPHRASE_FILE
                           file with the passphrase of that key (or CASEREF_OPERATOR_PASSPHRASE)
  CASEREF_IDENTITY_PASSPHRASE_FILE, CASEREF_NEW_PASSPHRASE_FILE
                           the same for the identity key alone, and for caseref keys passphrase
  CASEREF_DATABASE         PostgreSQL, for a node that was made with it
  CASEREF_ALERT_COMMAND    program that the node runs for each alert, with its code and id
  CASEREF_PORTAL_ORIGIN    where liaisons reach the portal, such as https://portal.police-b.example
  CASEREF_OIDC_ISSUER, CASEREF_OIDC_CLIENT_ID, CASEREF_OIDC_CLIENT_SECRET_FILE
                           an identity provider that liaisons may sign in with
  CASEREF_OIDC_UNIT_CLAIM, CASEREF_OIDC_JURISDICTION_CLAIM
                           claims of it that narrow what they see
  NO_COLOR                 print without colour

Exit codes: 0 done, 1 refused, 2 usage, 3 cannot reach.`,
    );
  for (const make of commands) program.addCommand(make(cli));
  inheritSettings(program);
  return program;
}

/** Commands that are made apart know nothing of the settings of the program. */
function inheritSettings(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    inheritSettings(command);
  }
}
