import type { Command } from 'commander';
import { isRefusal } from '../../domain/refusal.ts';
import { codeOption } from '../argument.ts';
import { type Cli, type Everywhere, leaf, refuseWith, sameNode } from '../command.ts';
import { instantOption } from '../instant.ts';
import { ask } from '../reach.ts';
import { confirmed } from './confirm.ts';
import { showKey } from './list.ts';
import { showPublication } from './told.ts';

/** Signature algorithms that a key can be made for. */
export const algorithms = ['Ed25519', 'EdDSA', 'ES256', 'ML-DSA-65'] as const;
export type Algorithm = (typeof algorithms)[number];

interface GenerateOptions extends Everywhere {
  readonly alg?: Algorithm;
  readonly use?: 'sig' | 'enc';
  readonly from?: string;
  readonly reason?: string;
}

/** `caseref keys generate`: one key, without a plan for it. */
export function generateCommand(cli: Cli): Command {
  return leaf('generate', 'make an operational key; partners learn of it with the next publication', [
    'caseref keys generate && caseref keys publish',
    'caseref keys generate --alg ES256',
    'caseref keys rotate      the whole way in one command',
  ])
    .addOption(codeOption('--alg <algorithm>', 'signature algorithm (default: Ed25519)', algorithms))
    .addOption(codeOption('--use <use>', 'what it is for (default: sig)', ['sig', 'enc']))
    .option('--from <instant>', 'when it begins (default: three refresh periods from now)')
    .option('--reason <text>', 'why it must begin earlier than partners can know of it')
    .action(async (options: GenerateOptions) => {
      const { alg, use, reason } = options;
      const from = instantOption(cli, options.from, '/from');
      if (isRefusal(from)) return cli.end(refuseWith(cli, options, from));
      cli.end(
        await ask(cli, options, 'keys.generate', { alg, use, from, reason }, (key) => {
          showKey(cli, key);
          const same = sameNode(options);
          const steps = [`caseref keys publish${same}`, `caseref keys activate ${key.kid}${same}`];
          cli.terminal.next(`Tell the partners, then use it from ${key.notBefore} on:`, steps);
        }),
      );
    });
}

/** Takes a kid, which begins with a hyphen once in 64 times: it is then no option. */
export function withKid(command: Command, what: string): Command {
  return command.argument('<kid>', what).allowUnknownOption();
}

/** `caseref keys activate`: begins to use a key. */
export function activateCommand(cli: Cli): Command {
  const command = leaf('activate', 'use a key from now on; the one of the same algorithm is replaced', [
    'caseref keys activate 7Qx…',
    'caseref keys activate 7Qx… --reason "the other one may be lost"',
  ]);
  return withKid(command, 'kid of a key that has begun and is published')
    .option('--reason <text>', 'why it is used before partners can know of it')
    .action(async (kid: string, options: Everywhere & { reason?: string }) => {
      const { reason } = options;
      cli.end(
        await ask(cli, options, 'keys.activate', { kid, reason }, (key) => {
          showKey(cli, key);
          if (key.replaces !== undefined) cli.terminal.say(`${key.replaces} is replaced; its private part goes later.`);
          if (key.publication) showPublication(cli, key.publication, 'The key is in use here.');
        }),
      );
    });
}

/** `caseref keys retire`: destroys the private part of a key. */
export function retireCommand(cli: Cli): Command {
  const command = leaf('retire', 'destroy the private part of a key; what it signed stays verifiable', [
    'caseref keys retire 7Qx… --yes',
  ]);
  return withKid(command, 'kid of the key')
    .option('--yes', 'do it')
    .action(async (kid: string, options: Everywhere & { yes?: boolean }) => {
      const what = 'This destroys the private part of the key for good.';
      const unsure = await confirmed(cli, options, what);
      if (unsure !== undefined) return cli.end(unsure);
      cli.end(
        await ask(cli, options, 'keys.retire', { kid }, (key) => {
          showKey(cli, key);
          cli.terminal.say('Its private part is destroyed.');
        }),
      );
    });
}
