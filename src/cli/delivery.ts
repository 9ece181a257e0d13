import type { Command } from 'commander';
import { codeOption, type PageOptions, paged, sayMore } from './argument.ts';
import { type Cli, type Everywhere, group, leaf } from './command.ts';
import { ask } from './reach.ts';
import { deliveryTone } from './reference-view.ts';

const states = ['queued', 'sent', 'receipted', 'overdue', 'dead', 'dropped'] as const;

/** `caseref delivery`: the outbox and the receipts. */
export function deliveryCommand(cli: Cli): Command {
  return group('delivery', 'look at what was sent and send again', [listDeliveries(cli), retryDelivery(cli)]);
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
      cli.end(
        await ask(cli, { data: directory, json }, 'delivery.list', filter, ({ items, next }) => {
          if (items.length === 0) cli.terminal.say('No delivery fits.');
          else {
            cli.terminal.table(
              [
                { title: 'id', cell: ({ id }) => id },
                { title: 'partner', cell: ({ partner }) => partner },
                { title: 'event', cell: ({ event }) => event },
                { title: 'state', cell: ({ state }) => state, tone: ({ state }) => deliveryTone(state) },
                { title: 'tries', cell: ({ attempts }) => String(attempts) },
                { title: 'last answer', cell: ({ lastCode }) => lastCode ?? '' },
                {
                  title: 'receipt',
                  cell: ({ receipt }) => [receipt?.outcome, receipt?.code].filter(Boolean).join(' '),
                },
                { title: 'reference', cell: ({ reference }) => reference?.id ?? '' },
                { title: 'created', cell: ({ createdAt }) => createdAt },
              ],
              items,
            );
          }
          sayMore(cli, next);
        }),
      );
    });
}

function retryDelivery(cli: Cli): Command {
  return leaf('retry', 'put a delivery back to the front of the outbox, with the same signed bytes', [
    'caseref delivery retry ID',
  ])
    .argument('<id>', 'id of the delivery, as delivery list shows it')
    .action(async (id: string, options: Everywhere) => {
      cli.end(
        await ask(cli, options, 'delivery.retry', { id }, ({ state }) =>
          cli.terminal.step(`The delivery ${id} is ${state}; a running node sends it at once.`, 'good'),
        ),
      );
    });
}
