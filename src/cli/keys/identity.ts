import type { Command } from 'commander';
import { isRefusal, refuse } from '../../domain/refusal.ts';
import { answerWith, type Cli, type Everywhere, leaf, refuseWith, sameNode } from '../command.ts';
import type { Exit } from '../exit.ts';
import { instantOption } from '../instant.ts';
import { readPassphrase } from '../passphrase.ts';
import { ask, reach, type ValueOf } from '../reach.ts';
import { confirmed } from './confirm.ts';
import { readNewPassphrase } from './passphrases.ts';
import { sayServe, showAnswers } from './told.ts';

interface NewIdentityOptions extends Everywhere {
  readonly reason: string;
  readonly since?: string;
  readonly keepKeys?: boolean;
  readonly again?: boolean;
  readonly yes?: boolean;
}

/** `caseref keys new-identity`: the identity key is lost or taken. */
export function newIdentityCommand(cli: Cli): Command {
  return leaf('new-identity', 'make a new identity key for one that is lost or taken: a new introduction everywhere', [
    'caseref keys new-identity --reason "the machine was stolen" --since 2026-11-21T22:00:00Z --yes',
    'caseref keys new-identity --reason "the stick broke" --keep-keys --yes',
  ])
    .requiredOption('--reason <text>', 'why; it stays on this node')
    .option('--since <instant>', 'the keys that sign and open messages may be in other hands from then on: revoke them')
    .option('--keep-keys', 'those keys are safe: nothing that they signed is in doubt')
    .option('--again', 'though one was made within the last day that no partner has taken')
    .option('--yes', 'do it')
    .action(async (options: NewIdentityOptions) => cli.end(await newIdentity(cli, options)));
}

async function newIdentity(cli: Cli, options: NewIdentityOptions): Promise<Exit> {
  const { reason, keepKeys = false, again = false } = options;
  const since = instantOption(cli, options.since, '/since');
  if (isRefusal(since)) return refuseWith(cli, options, since);
  if ((since === undefined) !== keepKeys) return refuseWith(cli, options, unsaid);
  const unsure = await confirmed(cli, options, since === undefined ? LOST : `${STOLEN} ${LOST}`);
  if (unsure !== undefined) return unsure;
  const node = await reach(cli, options);
  if (isRefusal(node)) return refuseWith(cli, options, node);
  try {
    const made = await node.call('keys.new-identity', { reason, since, keepKeys, again });
    if (!made.ok) return refuseWith(cli, options, made.refusals);
    return answerWith(cli, options, made.value, (value) => {
      showIdentity(cli, options, value);
      if (!node.running) sayServe(cli, options, 'what waits is sent by one that does');
    });
  } finally {
    await node.close();
  }
}

const STOLEN =
  'This revokes the keys that sign and open messages. Partners that are not told by the old identity go on taking what a thief signs until they have confirmed the new one.';
const LOST =
  'From then on partners take nothing new of this node before each has confirmed the new fingerprint by telephone; what is for them waits here, 14 days at most.';

const unsaid = refuse(
  'usage-invalid',
  '',
  'What became of the keys that sign and open messages is not said, and who has them goes on using them.',
  'If they may be in other hands too: --since INSTANT, from then on they are revoked. If they are safe: --keep-keys.',
);

type NewIdentity = ValueOf<'keys.new-identity'>;

function showIdentity(cli: Cli, options: Everywhere, made: NewIdentity): void {
  const { terminal } = cli;
  terminal.fields([
    ['fingerprint', made.fingerprint, 'strong'],
    ['spoken', made.spoken, 'strong'],
    ['old key file', made.formerFile],
  ]);
  for (const { kid, use, revokedAt } of made.revoked)
    terminal.step(`revoked: ${kid}, ${use === 'sig' ? 'signing' : 'encryption'}, since ${revokedAt}`, 'bad');
  showForewarned(cli, made);
  terminal.warn('Partners take nothing new of this node before each of them has confirmed the new identity.');
  if (made.partners.length === 0) {
    terminal.say('There is no partner to call.');
    return;
  }
  terminal.next('What follows, today, the first on the telephone:', [
    'call every partner below: tell it what happened, and since when',
    `caseref card${sameNode(options)} > our.card      send it to every partner`,
    'it runs: caseref partner update our.card, and caseref partner confirm with the fingerprint that you read out',
    `caseref doctor${sameNode(options)}      names the partners that have not done so yet`,
  ]);
  terminal.table(
    [
      { title: 'partner', cell: ({ issuer }) => issuer },
      { title: 'name', cell: ({ name }) => name, shrinks: true },
      { title: 'telephone', cell: ({ phone }) => phone ?? 'none in its card' },
      { title: 'emergencies', cell: ({ emergencyPhone }) => emergencyPhone ?? '' },
    ],
    made.partners,
  );
}

/** Whether partners have learned already that the stolen keys count no more. */
function showForewarned(cli: Cli, { revoked, forewarned, partners }: NewIdentity): void {
  if (revoked.length === 0 || partners.length === 0) return;
  if (forewarned && 'told' in forewarned) {
    cli.terminal.say('Told under the old identity, which they still trust, that these keys count no more:');
    showAnswers(cli, forewarned.told);
    return;
  }
  const why = forewarned ? ` (${forewarned.refused.message})` : '';
  cli.terminal.warn(
    `The old identity key could not tell partners of this${why}: until each confirms the new one, it takes what a thief signs. Call at once.`,
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
