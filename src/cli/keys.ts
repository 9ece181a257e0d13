import type { Command } from 'commander';
import { type Cli, type Everywhere, group, leaf } from './command.ts';
import { newIdentityCommand, passphraseCommand } from './keys/identity.ts';
import { activateCommand, generateCommand, retireCommand } from './keys/life.ts';
import { listCommand } from './keys/list.ts';
import { exportCommand, publishCommand } from './keys/publish.ts';
import { revokeCommand } from './keys/revoke.ts';
import { rotateCommand } from './keys/rotate.ts';
import { ask } from './reach.ts';
import type { Field } from './terminal.ts';

/** `caseref keys`: the node's own keys. */
export function keysCommand(cli: Cli): Command {
  return group('keys', 'look at, make, replace, revoke and publish the keys of this node', [
    listCommand(cli),
    rotateCommand(cli),
    generateCommand(cli),
    activateCommand(cli),
    retireCommand(cli),
    revokeCommand(cli),
    publishCommand(cli),
    exportCommand(cli),
    fingerprintCommand(cli),
    passphraseCommand(cli),
    newIdentityCommand(cli),
  ]);
}

function fingerprintCommand(cli: Cli): Command {
  return leaf('fingerprint', 'print the fingerprint of the identity key, written and spoken', [
    'caseref keys fingerprint',
  ]).action(async (options: Everywhere) => {
    cli.end(await ask(cli, options, 'keys.fingerprint', {}, (print) => cli.terminal.fields(fingerprintFields(print))));
  });
}

/** Both spellings of a fingerprint: one to paste and one to read out. */
export function fingerprintFields({ fingerprint, spoken }: { fingerprint: string; spoken: string }): Field[] {
  return [
    ['fingerprint', fingerprint, 'strong'],
    ['spoken', spoken, 'strong'],
  ];
}
