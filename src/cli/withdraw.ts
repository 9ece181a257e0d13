import type { Command } from 'commander';
import { codes } from '../domain/codes.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { codeOption } from './argument.ts';
import { type Cli, type Everywhere, leaf, refuseWith } from './command.ts';
import { ask } from './reach.ts';
import { withdrawNoLongerAllowed } from './withdraw-narrowed.ts';

export interface WithdrawOptions extends Everywhere {
  readonly batch?: string;
  readonly partner?: string;
  /** False where `--no-longer-allowed` was given: the option parser reads `--no-` as the end of something that holds. */
  readonly longerAllowed?: boolean;
  readonly reason: string;
  readonly purge?: boolean;
  readonly yes?: boolean;
}

const reasons = codes.withdrawalReason.filter((code) => code !== 'unknown');

/** `caseref reference withdraw`: takes own references back, wherever they went or from one partner. */
export function withdrawCommand(cli: Cli): Command {
  return leaf('withdraw', 'take an own reference back: sealed here at once, and everybody who holds it is asked', [
    'caseref reference withdraw 0b8f… --reason sent-in-error --purge',
    'caseref reference withdraw --batch 5c1e… --reason wrong-assessment --purge --yes',
    'caseref reference withdraw --partner https://node.police-b.example --no-longer-allowed --reason legal --purge',
  ])
    .argument('[id]', 'id of the reference')
    .option('--batch <report>', 'every open reference of one public report, by the id of the report; wants --yes')
    .option(
      '--no-longer-allowed',
      'what --partner holds and would not be sent now, from it alone; shown and asked first',
    )
    .option('--partner <issuer>', 'with --no-longer-allowed: the partner')
    .addOption(codeOption('--reason <code>', 'why', reasons).makeOptionMandatory())
    .option('--purge', 'recipients erase it as well, after the delay of their policy')
    .option('--yes', 'do it')
    .action(async (id: string | undefined, options: WithdrawOptions) => {
      const wrong = wrongChoice(id, options);
      if (wrong) return cli.end(refuseWith(cli, options, wrong));
      const { batch: report, partner, reason, purge = false, yes = false } = options;
      if (id !== undefined)
        return cli.end(await ask(cli, options, 'reference.withdraw', { id, reason, purge }, (done) => told(cli, done)));
      if (report === undefined)
        return cli.end(await withdrawNoLongerAllowed(cli, options, { partner: partner as string, reason, purge, yes }));
      if (!yes) {
        const what = 'This takes back every open reference of the report. Nothing was done.';
        const unconfirmed = refuse('usage-invalid', '', what, 'Look once more, then give --yes.');
        return cli.end(refuseWith(cli, options, unconfirmed));
      }
      cli.end(
        await ask(cli, options, 'reference.withdraw.report', { report, reason, purge }, ({ batch, items }) => {
          cli.terminal.say(`${items.length} references taken back as batch ${batch}.`);
          for (const one of items) told(cli, one);
        }),
      );
    });
}

function wrongChoice(id: string | undefined, { batch, partner, longerAllowed }: WithdrawOptions): Refusal | undefined {
  const noLongerAllowed = longerAllowed === false;
  const chosen = [id !== undefined, batch !== undefined, noLongerAllowed].filter(Boolean).length;
  if (chosen !== 1) {
    const next = 'Give one of: an ID, --batch REPORT, --partner ISSUER --no-longer-allowed.';
    return refuse('usage-invalid', '', 'What is to be taken back is not clear.', next);
  }
  if (noLongerAllowed && partner === undefined)
    return refuse('usage-invalid', '/partner', 'The partner is missing.', 'Give --partner ISSUER.');
  if (!noLongerAllowed && partner !== undefined) {
    const next = 'Leave --partner out, or give --no-longer-allowed.';
    return refuse('usage-invalid', '/partner', 'A reference is taken back from everybody who holds it.', next);
  }
  return undefined;
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
