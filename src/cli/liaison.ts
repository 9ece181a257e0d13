import type { Command } from 'commander';
import { refuse } from '../domain/refusal.ts';
import { listed } from './argument.ts';
import { type Cli, type Everywhere, group, leaf, refuseWith, sameNode } from './command.ts';
import { careForUnit, countLooks } from './liaison-care.ts';
import { ask, type ValueOf } from './reach.ts';
import { askSigned, BY_ANOTHER, proposes, type Signs, saySignatures, signs } from './signing.ts';

/** `caseref liaison`: officers of other agencies who read the portal. */
export function liaisonCommand(cli: Cli): Command {
  return group('liaison', 'accredit officers who read the portal, and say who is due', [
    inviteLiaison(cli),
    approveLiaison(cli),
    listLiaisons(cli),
    renewLiaison(cli),
    suspendLiaison(cli),
    resumeLiaison(cli),
    careForUnit(cli),
    countLooks(cli),
  ]);
}

interface Accreditation {
  readonly name: string;
  readonly agency: string;
  readonly unit: string;
  readonly jurisdiction: readonly string[];
  readonly legalBasis: string;
  readonly trained: string;
  readonly until: string;
  readonly subject?: string;
}

const SUBJECT = 'whom the identity provider says it is (its sub): then no invitation is needed';

function inviteLiaison(cli: Cli): Command {
  const command = leaf('invite', 'accredit a liaison and make an invitation that works once, for 72 hours', [
    "caseref liaison invite --name 'A. Officer' --agency 'Police B' --unit 'Child protection' --jurisdiction NL --legal-basis 'Agreement of 2026' --trained 2026-10-01 --until 2027-10-01",
  ]);
  return proposes(command)
    .requiredOption('--name <name>', 'name of the officer')
    .requiredOption('--agency <agency>', 'agency of the officer')
    .requiredOption('--unit <unit>', 'unit within it')
    .requiredOption('--jurisdiction <cc,…>', 'what it sees: countries, or subdivisions such as DE-BY', listed)
    .requiredOption('--legal-basis <text>', 'what allows it')
    .requiredOption('--trained <date>', 'day on which the officer was trained')
    .requiredOption('--until <date>', 'last day, within two years')
    .option('--subject <sub>', SUBJECT)
    .action(async (options: Signs & Accreditation) => {
      const { name, agency, unit, jurisdiction: jurisdictions, legalBasis, trained, until, subject } = options;
      const given = { name, agency, unit, jurisdictions, legalBasis, trained, until, subject };
      cli.end(await askSigned(cli, options, 'liaison.invite', given, (change) => print(cli, options, change)));
    });
}

type Change = ValueOf<'liaison.approve'>;

function print(cli: Cli, options: Everywhere, change: Change, changes = false): void {
  const { id, name, state, until, digest, invitation } = change;
  cli.terminal.fields([
    ['liaison', id, 'strong'],
    ['name', name],
    ['state', state, state === 'active' ? 'good' : 'waiting'],
    ['until', until],
  ]);
  saySignatures(cli, change);
  if (state === 'pending') {
    const command = `caseref liaison approve ${id} --digest ${digest} ${BY_ANOTHER}${sameNode(options)}`;
    const meanwhile = changes ? 'Until then the accreditation is what it was.' : 'Nothing can be seen yet.';
    cli.terminal.next(`${meanwhile} Another operator approves it:`, [command]);
  }
  if (!invitation) return;
  cli.terminal.warn(
    `The invitation is shown this once, and works once until ${invitation.until}. Hand it over in person or by a channel of the agency:`,
  );
  cli.terminal.line(invitation.address ?? invitation.code);
  if (invitation.address === undefined)
    cli.terminal.say('The portal has no origin yet, so nobody can use it: set CASEREF_PORTAL_ORIGIN.');
}

interface ApproveOptions extends Signs {
  readonly digest?: string;
}

function approveLiaison(cli: Cli): Command {
  const command = leaf('approve', 'approve, as the second person, an accreditation or its renewal', [
    'caseref liaison approve ID --digest S256:… --operator ben.operator.key',
  ]);
  return signs(command)
    .argument('<id>', 'id of the accreditation')
    .option(
      '--digest <digest>',
      'what exactly is approved, as operator pending shows it (default: what waits now, shown first)',
    )
    .option('--yes', 'sign without being asked: it was looked at, and --digest names it')
    .action(async (id: string, options: ApproveOptions) => {
      const { digest, yes } = options;
      if (yes && digest === undefined) {
        const next = 'Give --digest: what waits, with its digest, is shown by caseref operator pending.';
        const refusal = refuse('usage-invalid', '/digest', 'What was looked at is not named.', next);
        return cli.end(refuseWith(cli, options, refusal));
      }
      cli.end(
        await askSigned(cli, options, 'liaison.approve', { id, digest }, (change) => print(cli, options, change)),
      );
    });
}

function listLiaisons(cli: Cli): Command {
  return leaf('list', 'list accreditations, and what about them is due', [
    'caseref liaison list',
    'caseref liaison list --due',
  ])
    .option('--due', 'only those that end within 30 days, were not used for 60 days, or are over or suspended')
    .action(async ({ due, ...options }: Everywhere & { readonly due?: boolean }) => {
      cli.end(
        await ask(cli, options, 'liaison.list', { due }, ({ items }) => {
          if (items.length === 0) return cli.terminal.say(due ? 'Nobody is due.' : 'There is no liaison.');
          cli.terminal.table(
            [
              { title: 'id', cell: ({ id }) => id },
              { title: 'name', cell: ({ name }) => name, tone: () => 'strong', shrinks: true },
              { title: 'unit', cell: ({ agency, unit }) => `${agency}, ${unit}`, shrinks: true },
              { title: 'sees', cell: ({ jurisdictions }) => jurisdictions.join(',') },
              {
                title: 'state',
                cell: ({ state }) => state,
                tone: ({ state }) => (state === 'active' ? 'good' : 'bad'),
              },
              { title: 'until', cell: ({ until }) => until },
              { title: 'signed in', cell: ({ state, usedAt }) => usedAt ?? (state === 'pending' ? '' : 'never') },
              { title: 'due', cell: (one) => one.due.join(', '), tone: () => 'waiting' },
            ],
            items,
          );
        }),
      );
    });
}

type Renewal = Partial<Accreditation> & { readonly invite?: boolean };

function renewLiaison(cli: Cli): Command {
  const command = leaf('renew', 'change an accreditation: its end, its scope, or a new invitation', [
    'caseref liaison renew ID --until 2028-10-01 --trained 2027-09-20',
    'caseref liaison renew ID --invite',
  ]);
  return proposes(command)
    .argument('<id>', 'id of the accreditation')
    .option('--name <name>', 'name of the officer')
    .option('--agency <agency>', 'agency of the officer')
    .option('--unit <unit>', 'unit within it')
    .option('--jurisdiction <cc,…>', 'what it sees', listed)
    .option('--legal-basis <text>', 'what allows it')
    .option('--trained <date>', 'day on which the officer was trained')
    .option('--until <date>', 'last day, within two years')
    .option('--subject <sub>', 'whom the identity provider says it is (its sub)')
    .option('--invite', 'with a new invitation: once it is used, passkeys and sessions of before end')
    .action(async (id: string, options: Signs & Renewal) => {
      const { name, agency, unit, jurisdiction: jurisdictions, legalBasis, trained, until, subject, invite } = options;
      const change = { name, agency, unit, jurisdictions, legalBasis, trained, until, subject, invite };
      if (Object.values(change).every((one) => one === undefined)) {
        const next = 'Say what changes, such as --until DATE or --invite.';
        return cli.end(refuseWith(cli, options, refuse('usage-invalid', '', 'Nothing to change was given.', next)));
      }
      const given = { id, ...change };
      cli.end(await askSigned(cli, options, 'liaison.renew', given, (change) => print(cli, options, change, true)));
    });
}

function suspendLiaison(cli: Cli): Command {
  return leaf('suspend', 'end what a liaison sees at once, sessions and invitation included', [
    "caseref liaison suspend ID --reason 'left the unit'",
  ])
    .argument('<id>', 'id of the accreditation')
    .requiredOption('--reason <text>', 'why; it stays in the record')
    .action(async (id: string, options: Everywhere & { readonly reason: string }) => {
      const { reason } = options;
      cli.end(
        await ask(cli, options, 'liaison.suspend', { id, reason }, ({ name, sessions }) => {
          cli.terminal.step(
            `${name} sees nothing any more; ${sessions === 1 ? '1 session' : `${sessions} sessions`} ended.`,
            'good',
          );
        }),
      );
    });
}

function resumeLiaison(cli: Cli): Command {
  const command = leaf('resume', 'end a suspension; with two operators, both give this command', [
    'caseref liaison resume ID --operator ada.operator.key',
  ]);
  return signs(command)
    .argument('<id>', 'id of the accreditation')
    .action(async (id: string, options: Signs) => {
      cli.end(
        await askSigned(cli, options, 'liaison.resume', { id }, (resumed) => {
          const { name, state } = resumed;
          if (state === 'active') {
            cli.terminal.step(`The suspension of ${name} has ended.`, 'good');
            cli.terminal.say(
              'An invitation that was open ended with it; caseref liaison renew ID --invite makes another.',
            );
          }
          saySignatures(cli, resumed);
          if (state === 'pending')
            cli.terminal.next('It is suspended as before. Another operator gives the same command:', [
              `caseref liaison resume ${id} ${BY_ANOTHER}${sameNode(options)}`,
            ]);
        }),
      );
    });
}
