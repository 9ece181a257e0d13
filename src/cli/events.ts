import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { isRefusal } from '../domain/refusal.ts';
import { wholeNumber } from './argument.ts';
import { type Cli, type Everywhere, leaf, refuseWith } from './command.ts';
import { type Exit, exit } from './exit.ts';
import { type ReachedNode, reach, reachRunning, type ValueOf } from './reach.ts';

interface EventsOptions extends Everywhere {
  readonly follow?: boolean;
  readonly after?: string;
  readonly limit?: number;
}

/** How often a followed feed is asked, and how much it gives at a time. */
const FOLLOW_MS = 1000;
const FOLLOW_LIMIT = 500;

/** `caseref events`: everything that happened, in order. */
export function eventsCommand(cli: Cli): Command {
  return leaf('events', 'print what happened, oldest first', [
    'caseref events',
    'caseref events --after CURSOR --limit 500 --json',
    'caseref events --follow',
  ])
    .option('--follow', 'keep printing what happens on the running node, until Ctrl-C')
    .option('--after <cursor>', 'only what came after this cursor (default: from the beginning)')
    .option('--limit <n>', 'events of a page, 1 to 500 (default: 50)', wholeNumber(1, 500))
    .action(async (options: EventsOptions) => {
      // A node opened for this alone would lock out the one that is to be followed.
      const node = await (options.follow ? reachRunning(cli, options) : reach(cli, options));
      if (isRefusal(node)) return cli.end(refuseWith(cli, options, node));
      try {
        cli.end(await (options.follow ? followEvents(cli, node, options) : printPage(cli, node, options)));
      } finally {
        await node.close();
      }
    });
}

async function printPage(cli: Cli, node: ReachedNode, options: EventsOptions): Promise<Exit> {
  const { after, limit } = options;
  const answer = await node.call('events', { after, limit });
  if (!answer.ok) return refuseWith(cli, options, answer.refusals);
  const { items, next } = answer.value;
  if (options.json) cli.terminal.json({ items, next });
  else {
    for (const event of items) printEvent(cli, event);
    cli.terminal.say(items.length === 0 ? 'Nothing has happened since.' : `Go on with: --after ${next}`);
  }
  return exit.done;
}

/** Asks the running node again and again, until Ctrl-C or until it is gone. */
async function followEvents(cli: Cli, node: ReachedNode, options: EventsOptions): Promise<Exit> {
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  let { after } = options;
  while (!stop.signal.aborted) {
    const answer = await node.call('events', { after, limit: FOLLOW_LIMIT });
    if (!answer.ok) return refuseWith(cli, options, answer.refusals);
    for (const event of answer.value.items) {
      if (options.json) cli.terminal.json(event);
      else printEvent(cli, event);
    }
    after = answer.value.next;
    if (answer.value.items.length < FOLLOW_LIMIT) await sleep(FOLLOW_MS, undefined, { signal: stop.signal }).catch(end);
  }
  return exit.done;
}

function printEvent({ terminal }: Cli, event: ValueOf<'events'>['items'][number]): void {
  const { at, type, partner, reference, code, detail } = event;
  const { urgency, step, action, standing, state, until } = detail ?? {};
  const what = [urgency, step, action, standing, state, until === undefined ? undefined : `until ${until}`];
  const where = reference && `${reference.originator} ${reference.id}`;
  terminal.line([at, type, where, partner, code, what.filter(Boolean).join(' ')].filter(Boolean).join('  '));
}
