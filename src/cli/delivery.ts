import type { Command } from 'commander';
import { callWords } from '../domain/call.ts';
import { isRefusal } from '../domain/refusal.ts';
import { codeOption, type PageOptions, paged, sayMore } from './argument.ts';
import { answerWith, type Cli, type Everywhere, group, leaf, refuseWith, sameNode } from './command.ts';
import { dropCommand, retryCommand } from './dead-letters.ts';
import type { Exit } from './exit.ts';
import { type ReachedNode, reach, type ValueOf } from './reach.ts';
import { deliveryTone } from './reference-view.ts';
import type { Column } from './table.ts';

const states = ['queued', 'sent', 'receipted', 'overdue', 'dead', 'dropped'] as const;

/** `caseref delivery`: the outbox and the receipts. */
export function deliveryCommand(cli: Cli): Command {
  return group('delivery', 'look at what was sent, send again and give up', [
    listDeliveries(cli),
    retryCommand(cli),
    dropCommand(cli),
  ]);
}

interface ListOptions extends Everywhere, PageOptions {
  readonly state?: (typeof states)[number];
  readonly partner?: string;
}

function listDeliveries(cli: Cli): Command {
  return paged(
    leaf('list', 'list deliveries with their receipts, newest first', [
      'caseref delivery list --state dead',
      'caseref delivery list --partner https://node.police-b.example --json',
    ]),
  )
    .addOption(codeOption('--state <state>', 'state of the delivery', states))
    .option('--partner <issuer>', 'to this partner')
    .action(async ({ data: directory, json, ...filter }: ListOptions) => {
      const options = { data: directory, json };
      const node = await reach(cli, options);
      if (isRefusal(node)) return cli.end(refuseWith(cli, options, node));
      try {
        cli.end(await printDeliveries(cli, options, node, filter));
      } finally {
        await node.close();
      }
    });
}

interface ReceiptView {
  readonly outcome: string;
  readonly code?: string;
  readonly suspect?: true;
}

/** What a receipt says, and whether a lost key of the partner signed it: it is then no evidence before it is said again. */
export function receiptWords(receipt: ReceiptView | null | undefined): string {
  return [receipt?.outcome, receipt?.code, receipt?.suspect && '(suspect)'].filter(Boolean).join(' ');
}

type DeliveryRow = ValueOf<'delivery.list'>['items'][number];

/** When it is tried next, or why that is not the question. */
function nextTry({ nextAttemptAt, heldBack }: DeliveryRow): string {
  if (heldBack?.by === 'suspended') return 'stopped: suspended';
  if (heldBack?.by === 'state-lost') return 'stopped: state lost';
  // The pause is minutes long: the time of the day is enough.
  if (heldBack?.until !== undefined) return `line shut until ${heldBack.until.slice(11)}`;
  return nextAttemptAt ?? '';
}

/** Of codes that no partner answered with, what they mean. */
const answerWords: Readonly<Record<string, string>> = {
  'waits-to-be-fetched': 'waits to be fetched',
  'said-there': 'known by its receipt',
};

const columns: readonly Column<DeliveryRow>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'partner', cell: ({ partner }) => partner },
  { title: 'event', cell: ({ event }) => event },
  { title: 'state', cell: ({ state }) => state, tone: ({ state }) => deliveryTone(state) },
  { title: 'since', cell: ({ state, sentAt, createdAt }) => (waitsForReceipt(state) && sentAt) || createdAt },
  { title: 'tries', cell: ({ attempts }) => String(attempts) },
  {
    title: 'last answer',
    cell: ({ lastCode = '' }) => answerWords[lastCode] ?? lastCode,
  },
  { title: 'next try', cell: nextTry },
  {
    title: 'receipt',
    cell: ({ receipt }) => receiptWords(receipt),
    tone: ({ receipt }) => (receipt?.suspect ? 'bad' : 'plain'),
  },
  { title: 'reference', cell: ({ reference }) => reference?.id ?? '' },
];

/** What the partner has taken waits since then, and everything else since it was queued. */
function waitsForReceipt(state: string): boolean {
  return state === 'sent' || state === 'overdue';
}

async function printDeliveries(
  cli: Cli,
  options: Everywhere,
  node: ReachedNode,
  filter: Omit<ListOptions, 'data' | 'json'>,
): Promise<Exit> {
  const answer = await node.call('delivery.list', filter);
  if (!answer.ok) return refuseWith(cli, options, answer.refusals);
  const named = options.json ? new Set() : await sayStanding(cli, options, node, filter);
  return answerWith(cli, options, answer.value, ({ items, next }) => {
    // One number a partner, whatever waits there, and once.
    const calls = new Map(items.flatMap(({ call }) => (call ? [[call.partner, call] as const] : [])));
    for (const call of calls.values()) if (!named.has(call.partner)) cli.terminal.warn(callWords(call));
    if (items.length === 0) cli.terminal.say('No delivery fits.');
    else cli.terminal.table(columns, items);
    sayMore(cli, next);
  });
}

/** Alerts first, then how many messages need a person, wherever in the list they stand. Gives the partners whose number was said. */
async function sayStanding(
  cli: Cli,
  options: Everywhere,
  node: ReachedNode,
  { state }: Pick<ListOptions, 'state'>,
): Promise<ReadonlySet<string>> {
  const alerts = await node.call('alert.list', {});
  const named = alerts.ok ? warnOf(cli, options, alerts.value.items) : new Set<string>();
  const status = await node.call('status', {});
  if (!status.ok) return named;
  if (!status.value.running) cli.terminal.warn('No node runs on this directory: nothing is sent before one does.');
  if (state !== undefined) return named;
  const { queued, overdue, dead } = status.value.outbox;
  cli.terminal.say(`${queued} wait, ${overdue} without a receipt in time, ${dead} given up.`);
  const look = (wanted: string) => `caseref delivery list --state ${wanted}${sameNode(options)}`;
  const commands = [...(dead > 0 ? [look('dead')] : []), ...(overdue > 0 ? [look('overdue')] : [])];
  if (commands.length > 0) cli.terminal.next('Look at these first:', commands);
  return named;
}

const MOST_ALERTS = 5;

/** Open alerts stand above the list: who looks at the outbox must not overlook them. */
function warnOf({ terminal }: Cli, options: Everywhere, alerts: ValueOf<'alert.list'>['items']): ReadonlySet<string> {
  const shown = alerts.slice(0, MOST_ALERTS);
  for (const { code, partner, count, lastAt, message, call } of shown) {
    const who = [partner, count === 1 ? undefined : `${count} times`].filter((part) => part !== undefined);
    terminal.warn(`${[code, ...who].join(', ')}, last ${lastAt}: ${message}${call ? ` ${callWords(call)}` : ''}`);
  }
  if (alerts.length > MOST_ALERTS) terminal.warn(`${alerts.length - MOST_ALERTS} more alerts are open.`);
  if (alerts.length > 0) terminal.next('What to do about them:', [`caseref doctor${sameNode(options)}`]);
  return new Set(shown.flatMap(({ call }) => (call ? [call.partner] : [])));
}
