import type { Command } from 'commander';
import { isRefusal } from '../../domain/refusal.ts';
import { type Cli, type Everywhere, leaf, refuseWith } from '../command.ts';
import { readPassphrase } from '../passphrase.ts';
import { ask, type ValueOf } from '../reach.ts';
import { confirmed } from './confirm.ts';
import { readNewPassphrase } from './passphrases.ts';

interface NewIdentityOptions extends Everywhere {
  readonly reason: string;
  readonly yes?: boolean;
}

/** `caseref keys new-identity`: the identity key is lost or taken. */
export function newIdentityCommand(cli: Cli): Command {
  return leaf('new-identity', 'make a new identity key for one that is lost or taken: a new introduction everywhere', [
    'caseref keys new-identity --reason "the machine was stolen" --yes',
  ])
    .requiredOption('--reason <text>', 'why; it stays on this node')
    .option('--yes', 'do it')
    .action(async (options: NewIdentityOptions) => {
      const what = 'From then on every partner refuses this node until it has confirmed the new fingerprint.';
      const unsure = await confirmed(cli, options.yes, what);
      if (unsure) return cli.end(refuseWith(cli, options, unsure));
      const { reason } = options;
      cli.end(await ask(cli, options, 'keys.new-identity', { reason }, (made) => showIdentity(cli, made)));
    });
}

function showIdentity({ terminal }: Cli, { fingerprint, spoken, partners }: ValueOf<'keys.new-identity'>): void {
  terminal.fields([
    ['fingerprint', fingerprint, 'strong'],
    ['spoken', spoken, 'strong'],
  ]);
  terminal.warn('Partners refuse everything of this node until each of them has done this:');
  const steps = [
    'caseref card > our.card      and send it to every partner',
    'each partner confirms the new fingerprint with you by telephone',
  ];
  terminal.next('What follows:', steps);
  if (partners.length === 0) terminal.say('There is no partner to call.');
  terminal.table(
    [
      { title: 'partner', cell: ({ issuer }) => issuer },
      { title: 'name', cell: ({ name }) => name, shrinks: true },
      { title: 'telephone', cell: ({ phone }) => phone ?? 'none in its card' },
      { title: 'emergencies', cell: ({ emergencyPhone }) => emergencyPhone ?? '' },
    ],
    partners,
  );
}

/** `caseref keys passphrase`: encrypts the key files anew. */
export function passphraseCommand(cli: Cli): Command {
  return leaf('passphrase', 'change the passphrase of the key files', ['caseref keys passphrase']).action(
    async (options: Everywhere) => {
      const current = await readPassphrase(cli);
      if (isRefusal(current)) return cli.end(refuseWith(cli, options, current));
      const next = await readNewPassphrase(cli);
      if (isRefusal(next)) return cli.end(refuseWith(cli, options, next));
      // Asked for once: where no node runs, the key store is opened with the same words.
      const environment = { ...cli.environment, passphrase: current, passphraseFile: undefined };
      const words = { current: current.reveal(), next: next.reveal() };
      cli.end(
        await ask({ ...cli, environment }, options, 'keys.passphrase', words, ({ identity }) => {
          cli.terminal.say('The key files have the new passphrase.');
          if (identity === 'own-passphrase') cli.terminal.warn('keys/identity.key has one of its own, and keeps it.');
          if (identity === 'absent') cli.terminal.warn('The identity key is elsewhere, and keeps its passphrase.');
          cli.terminal.next('Before the node is started again:', ['change CASEREF_PASSPHRASE or its file']);
        }),
      );
    },
  );
}
