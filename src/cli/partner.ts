import type { Command } from 'commander';
import { codes } from '../domain/codes.ts';
import { isRefusal, refuse } from '../domain/refusal.ts';
import { codeOption, listed, type PageOptions, paged, sayMore } from './argument.ts';
import { type Cli, type Everywhere, group, leaf, refuseWith, sameNode } from './command.ts';
import { readDocument } from './document.ts';
import { fingerprintFields } from './keys.ts';
import { ask, type ValueOf } from './reach.ts';
import type { Column } from './table.ts';

/** `caseref partner`: who this node exchanges with. */
export function partnerCommand(cli: Cli): Command {
  return group('partner', 'introduce, confirm, suspend and look at partners', [
    addPartner(cli),
    confirmPartner(cli),
    listPartners(cli),
    showPartner(cli),
    suspendPartner(cli),
    resumePartner(cli),
  ]);
}

const NO_ENCRYPTION =
  'This release signs but does not encrypt: it exchanges with nodes on this machine, and with foreign clients by your word.';
const FOREIGN =
  'Confirmed as a foreign client: messages to it are signed and not encrypted; only TLS protects them on the way, and whoever ends that TLS reads them.';

function addPartner(cli: Cli): Command {
  return leaf('add', 'take the peer card of a partner; it is pending until its fingerprint is confirmed', [
    'caseref partner add their.card',
    'caseref partner add - < their.card',
  ])
    .argument('<file>', 'the partner’s peer card; - is standard input')
    .action(async (file: string, options: Everywhere) => {
      const bytes = await readDocument(cli, file);
      if (isRefusal(bytes)) return cli.end(refuseWith(cli, options, bytes));
      const card = Buffer.from(bytes).toString('latin1').trim();
      cli.end(
        await ask(cli, options, 'partner.add', { card }, (added) => {
          cli.terminal.fields([
            ['partner', added.issuer, 'strong'],
            ['state', added.state, 'waiting'],
            ['says it is', `${added.organisation.name}, ${added.organisation.type}`],
            ['for', added.organisation.jurisdictions.join(', ')],
            ...fingerprintFields(added),
          ]);
          if (!added.exchangeable) cli.terminal.warn(NO_ENCRYPTION);
          // Not the fingerprint of the card: whoever pasted that would have compared nothing.
          cli.terminal.next(
            'Call the partner on a number that you know, have it read out its fingerprint, and type that:',
            [`caseref partner confirm ${added.issuer} --fingerprint 'WHAT YOU HEARD'${sameNode(options)}`],
          );
        }),
      );
    });
}

interface ConfirmOptions extends Everywhere {
  readonly fingerprint: string;
  readonly as?: string;
  readonly jurisdiction?: readonly string[];
  readonly verifiedBy?: string;
  readonly foreign?: boolean;
  readonly local?: boolean;
}

function confirmPartner(cli: Cli): Command {
  return leaf('confirm', 'make a pending partner active; what is recorded here counts, not its card', [
    "caseref partner confirm https://node.police-b.example --fingerprint '31742 09911 …'",
    'caseref partner confirm https://node.police-b.example --fingerprint FP --as law-enforcement --jurisdiction NL',
  ])
    .argument('<issuer>', 'the partner, exactly as it was added')
    .requiredOption('--fingerprint <fp>', 'as it was read out: eight groups of five digits, or as it is written')
    .addOption(codeOption('--as <type>', 'what the partner is (default: as its card says)', codes.organisationType))
    .option('--jurisdiction <cc,…>', 'where it is competent (default: as its card says)', listed)
    .option('--verified-by <text>', 'who compared the fingerprint, and how')
    .option('--foreign', 'a client of another make that cannot encrypt')
    .option('--local', 'may be reached at a private address')
    .action(async (issuer: string, options: ConfirmOptions) => {
      const { fingerprint, as: type, jurisdiction: jurisdictions, verifiedBy, foreign, local } = options;
      const confirmation = { issuer, fingerprint, type, jurisdictions, verifiedBy, foreign, local };
      cli.end(
        await ask(cli, options, 'partner.confirm', confirmation, (confirmed) => {
          const origin = (member: 'type' | 'jurisdictions') =>
            confirmed.fromCard.includes(member) ? '  (taken from its card)' : '';
          cli.terminal.fields([
            ['partner', confirmed.issuer, 'strong'],
            ['state', confirmed.state, 'good'],
            ['recorded as', `${confirmed.type}${origin('type')}`],
            ['competent for', `${confirmed.jurisdictions.join(', ')}${origin('jurisdictions')}`],
          ]);
          if (confirmed.foreign) cli.terminal.warn(FOREIGN);
          cli.terminal.next('Nothing is sent to it before it has a policy:', [
            `caseref policy set ${issuer} policy.json${sameNode(options)}`,
          ]);
        }),
      );
    });
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
        await ask(cli, options, 'partner.suspend', { issuer, all, reason }, ({ suspended }) => {
          if (suspended.length === 0) cli.terminal.say('There is no active partner.');
          for (const one of suspended) cli.terminal.step(`${one} is suspended.`, 'bad');
          if (suspended.length > 0)
            cli.terminal.next('To let it go on:', [
              `caseref partner resume ${suspended.length === 1 ? suspended[0] : 'ISSUER'}${sameNode(options)}`,
            ]);
        }),
      );
    });
}

function resumePartner(cli: Cli): Command {
  return leaf('resume', 'let the exchange with a suspended partner go on', [
    'caseref partner resume https://node.police-b.example',
  ])
    .argument('<issuer>', 'the partner')
    .action(async (issuer: string, options: Everywhere) => {
      cli.end(
        await ask(cli, options, 'partner.resume', { issuer }, () => {
          cli.terminal.step(`${issuer} is active again; what waited for it goes now.`, 'good');
          cli.terminal.next('What was decided meanwhile may be held:', [
            `caseref reference held --partner ${issuer}${sameNode(options)}`,
          ]);
        }),
      );
    });
}

type PartnerRow = ValueOf<'partner.list'>['items'][number];

const columns: readonly Column<PartnerRow>[] = [
  { title: 'partner', cell: ({ issuer }) => issuer },
  { title: 'state', cell: ({ state }) => state, tone: ({ state }) => toneOf(state) },
  { title: 'recorded as', cell: ({ type }) => type },
  { title: 'for', cell: ({ jurisdictions }) => jurisdictions.join(',') },
  { title: 'key set until', cell: ({ keySet }) => keySet.expiresAt },
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

function printPartner({ terminal }: Cli, partner: ValueOf<'partner.show'>): void {
  const { contact, keySet } = partner;
  terminal.fields([
    ['partner', partner.issuer, 'strong'],
    ['name', partner.name],
    ['state', partner.state, toneOf(partner.state)],
    ['because', partner.stateReason],
    ['recorded as', partner.type],
    ['competent for', partner.jurisdictions.join(', ')],
    ['coverage', partner.coverage.join(', ')],
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
    ['key set', `${keySet.seq}, until ${keySet.expiresAt}`],
  ]);
  terminal.line('');
  terminal.table(
    [
      { title: 'pinned key', cell: ({ kid }) => kid },
      { title: 'algorithm', cell: ({ alg }) => alg },
      { title: 'use', cell: ({ use }) => use },
      { title: 'until', cell: ({ expiresAt }) => expiresAt },
      { title: 'revoked', cell: ({ revokedAt }) => revokedAt ?? '', tone: () => 'bad' },
    ],
    partner.keys,
  );
}
