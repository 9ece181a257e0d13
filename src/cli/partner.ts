import type { Command } from 'commander';
import { isRefusal, refuse } from '../domain/refusal.ts';
import { type PageOptions, paged, sayMore } from './argument.ts';
import { answerWith, type Cli, type Everywhere, group, leaf, onSameNode, refuseWith, sameNode } from './command.ts';
import { type Exit, exit } from './exit.ts';
import { addPartner, updatePartner } from './introduce.ts';
import { sayNoLongerAllowed } from './narrowed.ts';
import { confirmPartner } from './partner-confirm.ts';
import { printSuspect } from './partner-suspect.ts';
import { ask, reach, type ValueOf } from './reach.ts';
import { askSigned, BY_ANOTHER, type Signs, saySignatures, signs } from './signing.ts';
import type { Column, Tone } from './table.ts';

/** `caseref partner`: who this node exchanges with. */
export function partnerCommand(cli: Cli): Command {
  return group('partner', 'introduce, confirm, suspend and look at partners', [
    addPartner(cli),
    confirmPartner(cli),
    listPartners(cli),
    showPartner(cli),
    updatePartner(cli),
    suspendPartner(cli),
    resumePartner(cli),
    removePartner(cli),
    checkPartner(cli),
  ]);
}

interface SuspendOptions extends Everywhere {
  readonly all?: boolean;
  readonly reason: string;
  readonly yes?: boolean;
}

function suspendPartner(cli: Cli): Command {
  return leaf('suspend', 'stop the exchange with a partner at once; withdrawals and receipts still pass', [
    "caseref partner suspend https://node.police-b.example --reason 'its node was broken into'",
    "caseref partner suspend --all --reason 'our own node is examined' --yes",
  ])
    .argument('[issuer]', 'the partner')
    .option('--all', 'every active partner; wants --yes')
    .requiredOption('--reason <text>', 'why; stays on this node')
    .option('--yes', 'do it')
    .action(async (issuer: string | undefined, options: SuspendOptions) => {
      const { all = false, reason, yes = false } = options;
      if (all && !yes) {
        const next = 'If that is meant, give --yes.';
        const what = 'This stops the exchange with every active partner. Nothing was done.';
        return cli.end(refuseWith(cli, options, refuse('usage-invalid', '', what, next)));
      }
      cli.end(
        await ask(cli, options, 'partner.suspend', { issuer, all, reason }, ({ suspended, noLongerAllowed }) => {
          if (suspended.length === 0) cli.terminal.say('There is no active partner.');
          for (const one of suspended) cli.terminal.step(`${one} is suspended.`, 'good');
          if (suspended.length > 0)
            cli.terminal.next('To let it go on:', [
              `caseref partner resume ${suspended.length === 1 ? suspended[0] : 'ISSUER'}${sameNode(options)}`,
            ]);
          sayNoLongerAllowed(
            cli,
            options,
            noLongerAllowed,
            'If it is for good: see which, and take them back from it alone; it asks first:',
          );
        }),
      );
    });
}

function resumePartner(cli: Cli): Command {
  const command = leaf('resume', 'let the exchange with a suspended partner go on', [
    'caseref partner resume https://node.police-b.example',
    'caseref partner resume https://node.police-b.example --operator ada.operator.key',
  ]);
  return signs(command)
    .argument('<issuer>', 'the partner')
    .action(async (issuer: string, options: Signs) => {
      cli.end(
        await askSigned(cli, options, 'partner.resume', { issuer }, (resumed) => {
          saySignatures(cli, resumed);
          if (resumed.state === 'pending') {
            const command = `caseref partner resume ${issuer} ${BY_ANOTHER}${sameNode(options)}`;
            return cli.terminal.next('It is suspended as before. Another operator gives the same command:', [command]);
          }
          cli.terminal.step(`${issuer} is active again; what waited for it goes now.`, 'good');
          cli.terminal.say('What was shared meanwhile is decided again by itself; what a person decided stays.');
          cli.terminal.next('What is still held waits for a person:', [
            `caseref reference held --partner ${issuer}${sameNode(options)}`,
          ]);
        }),
      );
    });
}

function removePartner(cli: Cli): Command {
  const command = leaf('remove', 'end the exchange with a partner; withdrawals cannot reach it any more', [
    'caseref partner remove https://node.police-b.example          says what would be lost',
    'caseref partner remove https://node.police-b.example --yes',
  ]);
  return signs(command)
    .argument('<issuer>', 'the partner')
    .option('--yes', 'do it')
    .action(async (issuer: string, options: Signs) => {
      const { yes = false } = options;
      cli.end(
        await askSigned(cli, options, 'partner.remove', { issuer, yes }, (removed) => {
          const { state, holds, owed, dropped } = removed;
          saySignatures(cli, removed);
          if (state === 'pending') {
            const again = `caseref partner remove ${issuer} --yes ${BY_ANOTHER}${sameNode(options)}`;
            return cli.terminal.next('It is a partner as before. Another operator gives the same command:', [again]);
          }
          cli.terminal.step(`${issuer} is no partner any more; what it sent stays under retention.`, 'good');
          cli.terminal.say(`It holds ${holds} of our references; ${dropped} messages that waited for it are dropped.`);
          for (const { reference, state, queuedAt } of owed)
            cli.terminal.warn(`The withdrawal of ${reference} is not settled (${state}, since ${queuedAt}): call it.`);
        }),
      );
    });
}

const tones: Readonly<Record<'bad' | 'warn' | 'note' | 'ok', Tone>> = {
  bad: 'bad',
  warn: 'waiting',
  note: 'plain',
  ok: 'good',
};

function checkPartner(cli: Cli): Command {
  return leaf('check', 'try the way to a partner and back, its keys and its policy; exit 1 when something is bad', [
    'caseref partner check https://node.police-b.example',
  ])
    .argument('<issuer>', 'the partner')
    .action(async (issuer: string, options: Everywhere) => {
      const node = await reach(cli, options);
      if (isRefusal(node)) return cli.end(refuseWith(cli, options, node));
      try {
        const answer = await node.call('partner.check', { issuer });
        cli.end(answer.ok ? printCheck(cli, options, answer.value) : refuseWith(cli, options, answer.refusals));
      } finally {
        await node.close();
      }
    });
}

function printCheck(cli: Cli, options: Everywhere, check: ValueOf<'partner.check'>): Exit {
  answerWith(cli, options, check, ({ findings }) => {
    for (const { level, message, next } of findings)
      cli.terminal.verdict(level, tones[level], message, onSameNode(options, next));
  });
  return check.well ? exit.done : exit.refused;
}

type PartnerRow = ValueOf<'partner.list'>['items'][number];

const columns: readonly Column<PartnerRow>[] = [
  { title: 'partner', cell: ({ issuer }) => issuer },
  { title: 'state', cell: ({ state }) => state, tone: ({ state }) => toneOf(state) },
  { title: 'recorded as', cell: ({ type }) => type },
  { title: 'for', cell: ({ jurisdictions }) => jurisdictions.join(',') },
  { title: 'key set until', cell: ({ keySet }) => keySet.expiresAt },
  { title: 'encryption', cell: ({ encryption }) => encryption?.mode ?? '' },
  { title: 'name', cell: ({ name }) => name, shrinks: true },
];

function toneOf(state: string) {
  if (state === 'active') return 'good';
  return state === 'pending' ? 'waiting' : 'bad';
}

function listPartners(cli: Cli): Command {
  return paged(leaf('list', 'list the partners', ['caseref partner list', 'caseref partner list --json'])).action(
    async ({ limit, cursor, ...options }: Everywhere & PageOptions) => {
      cli.end(
        await ask(cli, options, 'partner.list', { limit, cursor }, ({ items, next }) => {
          if (items.length === 0) cli.terminal.say('There is no partner yet: caseref partner add FILE');
          else cli.terminal.table(columns, items);
          sayMore(cli, next);
        }),
      );
    },
  );
}

function showPartner(cli: Cli): Command {
  return leaf('show', 'show one partner with its fingerprint and pinned keys', [
    'caseref partner show https://node.police-b.example',
  ])
    .argument('<issuer>', 'the partner, exactly as it was added')
    .action(async (issuer: string, options: Everywhere) => {
      cli.end(await ask(cli, options, 'partner.show', { issuer }, (partner) => printPartner(cli, partner)));
    });
}

function failed(times: number): string {
  return times === 0 ? '' : `, failures in a row: ${times}`;
}

function printReplacement(
  { terminal }: Cli,
  issuer: string,
  { fingerprint, spokenFingerprint, addedAt }: NonNullable<ValueOf<'partner.show'>['replacement']>,
): void {
  terminal.line('');
  terminal.fields([
    ['another identity', `came ${addedAt}; nothing of it counts before it is confirmed`, 'bad'],
    ['its fingerprint', fingerprint],
    ['spoken', spokenFingerprint],
  ]);
  terminal.next(`Call ${issuer} on a number that you had before that day, and compare.`, []);
}

function printPartner(cli: Cli, partner: ValueOf<'partner.show'>): void {
  const { terminal } = cli;
  const { contact, keySet, encryption, replacement, suspect } = partner;
  terminal.fields([
    ['partner', partner.issuer, 'strong'],
    ['name', partner.name],
    ['state', partner.state, toneOf(partner.state)],
    ['because', partner.stateReason],
    ['recorded as', partner.type],
    ['competent for', partner.jurisdictions.join(', ')],
    ['coverage', partner.coverage.map(({ country, mandate }) => `${country} ${mandate}`).join(', ')],
    ['fingerprint', partner.fingerprint],
    ['spoken', partner.spokenFingerprint],
    ['added', partner.addedAt],
    ['confirmed', partner.confirmedAt],
    ['verified by', partner.verifiedBy],
    ['foreign client', partner.foreign ? 'yes' : undefined],
    ['private address', partner.local ? 'allowed' : undefined],
    ['desk', contact?.desk],
    ['e-mail', contact?.email],
    ['telephone', contact?.phone],
    ['emergencies', contact?.emergencyPhone, 'strong'],
    ['hours', [contact?.hours, contact?.timezone].filter(Boolean).join(', ') || undefined],
    ['languages', contact?.languages?.join(', ')],
    ['encryption', encryption && [encryption.mode, encryption.kid].filter(Boolean).join(', now to ')],
    ['verifies', partner.algorithms?.join(', ')],
    ['key set', `${keySet.seq}, until ${keySet.expiresAt}`],
    ['takes messages at', partner.endpointsElsewhere?.join(', '), 'waiting'],
    ['was the newest', keySet.refreshedAt && `at ${keySet.refreshedAt}`],
    [
      'asked for',
      keySet.triedAt && `${keySet.triedAt}${failed(keySet.failures)}`,
      keySet.failures > 0 ? 'bad' : 'plain',
    ],
    ['suspect', suspect.count > 0 ? `${suspect.count} messages, not attested anew` : undefined, 'bad'],
  ]);
  if (replacement) printReplacement(cli, partner.issuer, replacement);
  printSuspect(terminal, suspect);
  terminal.line('');
  terminal.table(
    [
      { title: 'pinned key', cell: ({ kid }) => kid },
      { title: 'algorithm', cell: ({ alg }) => alg },
      { title: 'use', cell: ({ use }) => use },
      { title: 'until', cell: ({ expiresAt }) => expiresAt },
      { title: 'revoked', cell: ({ revokedAt }) => revokedAt ?? '', tone: () => 'bad' },
      { title: 'why', cell: ({ revokedReason }) => revokedReason ?? '' },
      { title: 'seen', cell: ({ revocationSeenAt }) => revocationSeenAt ?? '' },
    ],
    partner.keys,
  );
}
