import type { Command } from 'commander';
import { type DropReason, dropReasons } from '../domain/dropped.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { codeOption } from './argument.ts';
import { type Cli, type Everywhere, leaf, refuseWith, sameNode } from './command.ts';
import { askYes } from './prompt.ts';
import { ask } from './reach.ts';

interface RetryOptions extends Everywhere {
  readonly all?: boolean;
  readonly partner?: string;
  readonly state?: 'dead' | 'overdue' | 'queued';
}

/** `caseref delivery retry`: once more, with the same signed bytes. */
export function retryCommand(cli: Cli): Command {
  return leaf('retry', 'put a delivery back to the front of the outbox, with the same signed bytes', [
    'caseref delivery retry ID',
    'caseref delivery retry --all --partner https://node.police-b.example',
    'caseref delivery retry --all --partner https://node.police-b.example --state overdue',
    'caseref delivery retry --all --partner https://node.police-b.example --state queued     it is back: now, not at the next try',
  ])
    .argument('[id]', 'id of the delivery, as delivery list shows it')
    .option('--all', 'every one of --partner that was given up (or is in --state)')
    .option('--partner <issuer>', 'with --all: the partner')
    .addOption(codeOption('--state <state>', 'with --all: which ones (default: dead)', ['dead', 'overdue', 'queued']))
    .action(async (id: string | undefined, options: RetryOptions) => {
      const wrong = wrongChoice(id, options);
      if (wrong) return cli.end(refuseWith(cli, options, wrong));
      cli.end(id === undefined ? await retryAll(cli, options) : await retryOne(cli, options, id));
    });
}

function wrongChoice(id: string | undefined, { all = false, partner, state }: RetryOptions): Refusal | undefined {
  const isOne = id !== undefined && !all && partner === undefined && state === undefined;
  if (isOne || (id === undefined && all && partner !== undefined)) return undefined;
  const next = 'Give one of: an ID, --all --partner ISSUER.';
  return refuse('usage-invalid', '', 'What is to be sent again is not clear.', next);
}

function retryOne(cli: Cli, options: Everywhere, id: string) {
  return ask(cli, options, 'delivery.retry', { id }, ({ state }) =>
    cli.terminal.step(`The delivery ${id} is ${state}; a running node sends it at once.`, 'good'),
  );
}

/** What was not found, behind "No delivery to the partner". */
const standing = {
  dead: 'was given up',
  overdue: 'is without a receipt in time',
  queued: 'waits for its next try',
} as const;

function retryAll(cli: Cli, { partner = '', state, ...options }: RetryOptions) {
  const { terminal } = cli;
  return ask(cli, options, 'delivery.retry.all', { partner, state }, (answer) => {
    const { queued, left, waiting, nextAt } = answer;
    const others = waiting - queued;
    if (queued > 0) terminal.step(`${queued} deliveries to ${partner}: a running node sends them at once.`, 'good');
    // What is due already is not brought forward; the line to the partner is open again all the same.
    else if (state !== 'queued' || others <= 0) terminal.say(`No delivery to ${partner} ${standing[state ?? 'dead']}.`);
    if (left > 0) terminal.say(`${left} stay as they are: what they are about was withdrawn, restricted or erased.`);
    if (others <= 0) return;
    if (state === 'queued') {
      terminal.say(
        `${others} ${queued > 0 ? 'others ' : ''}to ${partner} are due already, or kept back otherwise: what is due goes now.`,
      );
      terminal.next('What still waits, and for what:', [
        `caseref delivery list --state queued --partner ${partner}${sameNode(options)}`,
      ]);
      return;
    }
    if (queued > 0 || nextAt === undefined) return void terminal.say(`${others} others wait.`);
    terminal.say(`${others} wait for their next try, the first until ${nextAt}.`);
    const command = `caseref delivery retry --all --state queued --partner ${partner}${sameNode(options)}`;
    terminal.next('To send them now:', [command]);
  });
}

interface DropOptions extends Everywhere {
  readonly reason: DropReason;
  readonly yes?: boolean;
}

/** `caseref delivery drop`: a person gives a message up. */
export function dropCommand(cli: Cli): Command {
  return leaf(
    'drop',
    'give a message up that waits or is dead: it is not tried again, and the partner is told its number',
    ['caseref delivery drop ID --reason told-otherwise --yes'],
  )
    .argument('<id>', 'id of the delivery, as delivery list shows it')
    .addOption(codeOption('--reason <code>', 'why', dropReasons).makeOptionMandatory())
    .option('--yes', 'do it')
    .action(async (id: string, { reason, yes = false, ...options }: DropOptions) => {
      const meant = yes || (!options.json && (await askYes(cli, `Give the delivery ${id} up for good?`)) === true);
      if (!meant) {
        const what = 'The message would not be sent again, and the partner would never have it. Nothing was done.';
        return cli.end(
          refuseWith(cli, options, refuse('usage-invalid', '/yes', what, 'If that is meant, give --yes.')),
        );
      }
      cli.end(
        await ask(cli, options, 'delivery.drop', { id, reason }, ({ voided }) => {
          cli.terminal.step(`The delivery ${id} is dropped (${reason}).`, 'good');
          if (voided) cli.terminal.say('The partner is told that its number never comes.');
          cli.terminal.next('What else waits:', [`caseref delivery list${sameNode(options)}`]);
        }),
      );
    });
}
