import type { Command } from 'commander';
import { codes } from '../domain/codes.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { codeOption } from './argument.ts';
import { type Cli, type Everywhere, leaf, refuseWith } from './command.ts';
import { ask } from './reach.ts';

const listed = (list: readonly string[]) => list.filter((code) => code !== 'unknown');

function unconfirmed(what: string): Refusal {
  return refuse('usage-invalid', '', `${what} Nothing was done.`, 'Look once more, then give --yes.');
}

interface WithdrawOptions extends Everywhere {
  readonly batch?: string;
  readonly reason: string;
  readonly purge?: boolean;
  readonly yes?: boolean;
}

/** `caseref reference withdraw`: takes an own reference back, wherever it went. */
export function withdrawCommand(cli: Cli): Command {
  return leaf('withdraw', 'take an own reference back: sealed here at once, and everybody who holds it is asked', [
    'caseref reference withdraw 0b8f… --reason sent-in-error --purge',
    'caseref reference withdraw --batch 5c1e… --reason wrong-assessment --purge --yes',
  ])
    .argument('[id]', 'id of the reference')
    .option('--batch <report>', 'every open reference of one public report, by the id of the report; wants --yes')
    .addOption(codeOption('--reason <code>', 'why', listed(codes.withdrawalReason)).makeOptionMandatory())
    .option('--purge', 'recipients erase it as well, after the delay of their policy')
    .option('--yes', 'do it')
    .action(async (id: string | undefined, options: WithdrawOptions) => {
      const { batch: report, reason, purge = false, yes = false } = options;
      if ((id === undefined) === (report === undefined)) {
        const wrong = refuse(
          'usage-invalid',
          '',
          'One reference or one batch is needed.',
          'Give an ID, or --batch REPORT.',
        );
        return cli.end(refuseWith(cli, options, wrong));
      }
      if (id !== undefined)
        return cli.end(await ask(cli, options, 'reference.withdraw', { id, reason, purge }, (done) => told(cli, done)));
      if (!yes)
        return cli.end(refuseWith(cli, options, unconfirmed('This takes back every open reference of the report.')));
      const given = { report: report as string, reason, purge };
      cli.end(
        await ask(cli, options, 'reference.withdraw.report', given, ({ batch, items }) => {
          cli.terminal.say(`${items.length} references taken back as batch ${batch}.`);
          for (const one of items) told(cli, one);
        }),
      );
    });
}

const meaning = {
  asked: 'asked; complete with its receipt',
  cancelled: 'it had not left; cancelled',
  'asked-before': 'asked before',
} as const;

function told(
  cli: Cli,
  { id, recipients }: { id: string; recipients: readonly { partner: string; state: keyof typeof meaning }[] },
): void {
  cli.terminal.say(`${id} is sealed here.`);
  if (recipients.length === 0) cli.terminal.say('Nobody had it.');
  cli.terminal.table(
    [
      { title: 'partner', cell: (row) => row.partner },
      { title: 'what happens', cell: (row) => meaning[row.state] },
    ],
    recipients,
  );
}

/** `caseref reference restrict`: keeps a reference out of sight and out of erasure for a duty. */
export function restrictCommand(cli: Cli): Command {
  return leaf('restrict', 'keep a reference out of every face and out of erasure, for a duty that forbids erasing it', [
    'caseref reference restrict 0b8f… --originator https://node.hotline-a.example --ground legal-duty --until 2027-06-30',
  ])
    .argument('<id>', 'id of the reference')
    .option('--originator <issuer>', 'whose reference it is (default: ours)')
    .addOption(codeOption('--ground <code>', 'the duty', listed(codes.retentionGround)).makeOptionMandatory())
    .requiredOption('--until <date>', 'last day of keeping, YYYY-MM-DD')
    .action(async (id: string, options: Everywhere & { originator?: string; ground: string; until: string }) => {
      const { originator, ground, until } = options;
      cli.end(
        await ask(cli, options, 'reference.restrict', { id, originator, ground, until }, (kept) => {
          cli.terminal.say(`${kept.id} is kept until ${kept.until} and shown to nobody.`);
          for (const partner of kept.told) cli.terminal.say(`${partner} is told: retained, ${kept.ground}.`);
        }),
      );
    });
}

/** `caseref reference erase`: erases at once by the order of an authority. */
export function eraseCommand(cli: Cli): Command {
  return leaf('erase', 'erase a reference at once by the order of an authority; it cannot be brought back', [
    'caseref reference erase 0b8f… --order "AG-2026/0815" --yes',
  ])
    .argument('<id>', 'id of the reference')
    .option('--originator <issuer>', 'whose reference it is (default: ours)')
    .requiredOption('--order <number>', "the authority's own number of the order")
    .option('--yes', 'do it')
    .action(async (id: string, options: Everywhere & { originator?: string; order: string; yes?: boolean }) => {
      const { originator, order, yes = false } = options;
      if (!yes)
        return cli.end(refuseWith(cli, options, unconfirmed('This erases the reference and cannot be undone.')));
      cli.end(
        await ask(cli, options, 'reference.erase', { id, originator, order }, (done) =>
          cli.terminal.say(`${done.id} is erased.`),
        ),
      );
    });
}

/** `caseref reference held`: what waits for a person. */
export function heldCommand(cli: Cli): Command {
  return leaf('held', 'list what waits for a decision, the longest waiting first', [
    'caseref reference held',
    'caseref reference held --partner https://node.police-b.example --rule by-hand',
  ])
    .option('--partner <issuer>', 'only what would go to it, or came from it')
    .option('--rule <id>', 'only what this rule held')
    .action(async (options: Everywhere & { partner?: string; rule?: string }) => {
      const { partner, rule } = options;
      cli.end(
        await ask(cli, options, 'reference.held', { partner, rule }, ({ items, withdrawals }) => {
          if (items.length + withdrawals.length === 0) return cli.terminal.say('Nothing waits.');
          cli.terminal.table(
            [
              { title: 'since', cell: (row) => row.since },
              { title: 'id', cell: (row) => row.id },
              { title: 'way', cell: (row) => (row.direction === 'out' ? 'to' : 'from') },
              { title: 'partner', cell: (row) => row.partner, shrinks: true },
              { title: 'held by', cell: (row) => row.rule },
            ],
            items,
          );
          for (const one of withdrawals) {
            cli.terminal.say(
              `withdrawal of ${one.id} by ${one.partner} (${one.reason})${one.batch ? `, batch ${one.batch}` : ''}`,
            );
          }
        }),
      );
    });
}

interface DecideOptions extends Everywhere {
  readonly all?: boolean;
  readonly originator?: string;
  readonly partner?: string;
  readonly rule?: string;
  readonly withdrawals?: boolean;
  readonly batch?: string;
  readonly then: 'send' | 'withhold' | 'accept' | 'refuse';
}

/** `caseref reference decide`: a person's word in the place of a rule's. */
export function decideCommand(cli: Cli): Command {
  return leaf('decide', 'decide what is held, one by one or all of a partner or rule', [
    'caseref reference decide 0b8f… --partner https://node.police-b.example --then send',
    'caseref reference decide --all --partner https://node.police-b.example --rule by-hand --then withhold',
    'caseref reference decide --withdrawals --partner https://node.hotline-a.example --batch 5c1e… --then accept',
  ])
    .argument('[id]', 'id of the reference')
    .option('--all', 'everything that fits; wants --partner')
    .option('--originator <issuer>', 'whose reference it is')
    .option('--partner <issuer>', 'to whom it would go, or from whom it came')
    .option('--rule <id>', 'only what this rule held')
    .option('--withdrawals', 'withdrawals that were held; wants --partner')
    .option('--batch <id>', 'of withdrawals: only this batch')
    .addOption(
      codeOption('--then <what>', 'the decision', ['send', 'withhold', 'accept', 'refuse']).makeOptionMandatory(),
    )
    .action(async (id: string | undefined, options: DecideOptions) => {
      const wrong = wrongDecision(id, options);
      if (wrong) return cli.end(refuseWith(cli, options, wrong));
      const { originator, partner, rule, batch, then } = options;
      if (options.withdrawals) {
        const given = { partner: partner as string, batch, then: then as 'accept' | 'refuse' };
        return cli.end(
          await ask(cli, options, 'reference.decide.withdrawals', given, ({ decided }) =>
            cli.terminal.say(`${decided} withdrawals decided: ${then}.`),
          ),
        );
      }
      cli.end(
        await ask(cli, options, 'reference.decide', { id, originator, partner, rule, then }, ({ decided, kept }) => {
          cli.terminal.say(`${decided} decided: ${then}.`);
          for (const one of kept)
            cli.terminal.warn(
              `${one.id} stays held for ${one.partner}: ${one.rule} is no rule that a person may pass over.`,
            );
        }),
      );
    });
}

function wrongDecision(
  id: string | undefined,
  { all, withdrawals, partner, then }: DecideOptions,
): Refusal | undefined {
  const chosen = [id !== undefined, all === true, withdrawals === true].filter(Boolean).length;
  if (chosen !== 1)
    return refuse(
      'usage-invalid',
      '',
      'What is to be decided is not clear.',
      'Give one of: an ID, --all, --withdrawals.',
    );
  if (id === undefined && partner === undefined)
    return refuse('usage-invalid', '/partner', 'The partner is missing.', 'Give --partner ISSUER.');
  if (withdrawals && then !== 'accept' && then !== 'refuse') {
    return refuse(
      'usage-invalid',
      '/then',
      'A withdrawal is accepted or refused.',
      'Give --then accept or --then refuse.',
    );
  }
  return undefined;
}
