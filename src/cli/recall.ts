import type { Command } from 'commander';
import { codes } from '../domain/codes.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { codeOption } from './argument.ts';
import { answerWith, type Cli, type Everywhere, leaf, refuseWith } from './command.ts';
import { type Exit, exit } from './exit.ts';
import { ask, reach, type ValueOf } from './reach.ts';

const listed = (list: readonly string[]) => list.filter((code) => code !== 'unknown');

function unconfirmed(what: string): Refusal {
  return refuse('usage-invalid', '', `${what} Nothing was done.`, 'Look once more, then give --yes.');
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

type Waiting = ValueOf<'reference.held'>['items'][number];

function ageOf({ hours }: Waiting): string {
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

/** What must be seen before anything else of a row. */
function markOf({ urgency, suspect, overdue }: Waiting): string {
  const marks = [urgency === 'emergency' && 'emergency', suspect && 'suspect', overdue && 'overdue'];
  return marks.filter((mark) => mark !== false && mark !== undefined).join(', ');
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
        await ask(cli, options, 'reference.held', { partner, rule }, ({ items, waiting, overdue, withdrawals }) => {
          if (items.length + withdrawals.length === 0) return cli.terminal.say('Nothing waits.');
          cli.terminal.table<Waiting>(
            [
              { title: 'since', cell: (row) => row.since },
              { title: 'age', cell: ageOf, tone: (row) => (row.overdue ? 'bad' : 'plain') },
              { title: 'id', cell: (row) => row.id },
              { title: 'way', cell: (row) => (row.direction === 'out' ? 'to' : 'from') },
              { title: 'partner', cell: (row) => row.partner, shrinks: true },
              { title: 'held by', cell: (row) => row.rule },
              { title: '', cell: markOf, tone: () => 'bad' },
            ],
            items,
          );
          if (waiting > items.length) cli.terminal.say(`The oldest ${items.length} of ${waiting} are listed.`);
          if (overdue > 0) cli.terminal.warn(`${overdue} have waited for more than a day.`);
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
      cli.end(await decide(cli, options, { id, originator, partner, rule, then }));
    });
}

type Ruling = Pick<DecideOptions, 'originator' | 'partner' | 'rule' | 'then'> & { readonly id: string | undefined };

/** Where everything stays held, nothing was done: that is no success, printed as JSON or not. */
async function decide(cli: Cli, options: DecideOptions, ruling: Ruling): Promise<Exit> {
  const node = await reach(cli, options);
  if (isRefusal(node)) return refuseWith(cli, options, node);
  try {
    const answer = await node.call('reference.decide', ruling);
    if (!answer.ok) return refuseWith(cli, options, answer.refusals);
    const { decided, keptCount } = answer.value;
    const code = answerWith(cli, options, answer.value, (value) => sayDecided(cli, value, ruling.then));
    return decided === 0 && keptCount > 0 ? exit.refused : code;
  } finally {
    await node.close();
  }
}

function sayDecided({ terminal }: Cli, { decided, kept, keptCount }: ValueOf<'reference.decide'>, then: string): void {
  terminal.say(`${decided} decided: ${then}.`);
  for (const one of kept)
    terminal.warn(
      `${one.id} stays held for ${one.partner}: ${one.rule} stands in the way, which no person may pass over.`,
    );
  if (keptCount > kept.length) terminal.warn(`${keptCount - kept.length} more stay held in the same way.`);
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
