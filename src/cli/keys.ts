import type { Command } from 'commander';
import { codeOption } from './argument.ts';
import { type Cli, type Everywhere, group, leaf } from './command.ts';
import { ask } from './reach.ts';
import type { Field } from './terminal.ts';

/** `caseref keys`: the node's own keys. */
export function keysCommand(cli: Cli): Command {
  return group('keys', 'look at, make and publish the keys of this node', [
    listKeys(cli),
    generateKey(cli),
    showFingerprint(cli),
    publishKeys(cli),
  ]);
}

function listKeys(cli: Cli): Command {
  return leaf('list', 'list the identity key and the operational keys', ['caseref keys list']).action(
    async (options: Everywhere) => {
      cli.end(
        await ask(cli, options, 'keys.list', {}, ({ identity, keys }) => {
          cli.terminal.fields([
            ['identity', identity.kid, 'strong'],
            ['spoken', identity.spoken],
            ['private part', identity.present ? 'on this machine' : 'kept offline'],
          ]);
          cli.terminal.line('');
          cli.terminal.table(
            [
              { title: 'kid', cell: ({ kid }) => kid },
              { title: 'algorithm', cell: ({ alg }) => alg },
              {
                title: 'state',
                cell: ({ state }) => state,
                tone: ({ state }) => (state === 'active' ? 'good' : 'quiet'),
              },
              { title: 'from', cell: ({ notBefore }) => notBefore },
              { title: 'until', cell: ({ expiresAt }) => expiresAt },
            ],
            keys,
          );
        }),
      );
    },
  );
}

function generateKey(cli: Cli): Command {
  return leaf('generate', 'make an operational key; partners learn of it with the next publication', [
    'caseref keys generate && caseref keys publish',
    'caseref keys generate --alg ES256',
  ])
    .addOption(codeOption('--alg <algorithm>', 'signature algorithm (default: Ed25519)', ['Ed25519', 'EdDSA', 'ES256']))
    .action(async (options: Everywhere & { alg?: 'Ed25519' | 'EdDSA' | 'ES256' }) => {
      cli.end(
        await ask(cli, options, 'keys.generate', { alg: options.alg }, (key) => {
          cli.terminal.fields([
            ['kid', key.kid, 'strong'],
            ['algorithm', key.alg],
            ['state', key.state],
            ['from', key.notBefore],
            ['until', key.expiresAt],
          ]);
          cli.terminal.next('Tell the partners:', ['caseref keys publish']);
        }),
      );
    });
}

function showFingerprint(cli: Cli): Command {
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

function publishKeys(cli: Cli): Command {
  return leaf('publish', 'sign the current keys as a new key set and tell every partner', [
    'caseref keys publish',
  ]).action(async (options: Everywhere) => {
    cli.end(
      await ask(cli, options, 'keys.publish', {}, ({ seq, told }) => {
        cli.terminal.fields([['key set', seq, 'strong']]);
        if (told.length === 0) cli.terminal.say('There is no partner to tell yet.');
        for (const one of told) {
          const how = one.told ? 'told' : 'not reached; it asks for the key set by itself';
          cli.terminal.step(`${one.partner} ${how}`, one.told ? 'good' : 'waiting');
        }
      }),
    );
  });
}
