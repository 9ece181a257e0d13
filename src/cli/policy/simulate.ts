import type { Command } from 'commander';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { wholeNumber } from '../argument.ts';
import { type Cli, type Everywhere, leaf, refuseWith, sameNode } from '../command.ts';
import { readJsonDocument } from '../document.ts';
import { type Exit, exit } from '../exit.ts';
import { instantOption } from '../instant.ts';
import type { Progress } from '../progress.ts';
import { type ReachedNode, reach } from '../reach.ts';
import {
  addUp,
  type SimulatedPage,
  type SimulatedReference,
  type Simulation,
  simulate,
  type Totals,
} from './simulation.ts';
import { printSimulated } from './simulation-view.ts';
import { sayWarnings } from './warnings.ts';

interface SimulateOptions extends Everywhere {
  readonly since?: string;
  readonly version?: number;
}

/** Changed references that are printed on a terminal; with `--json` there are all. */
const SHOWN = 50;

/** `caseref policy simulate`: what a draft would change, told before it counts. */
export function simulateCommand(cli: Cli): Command {
  return leaf('simulate', 'try a draft against the stored past; changes nothing', [
    'caseref policy simulate https://node.police-b.example draft.json',
    'caseref policy simulate https://node.police-b.example --version 4 --since 2026-01-01T00:00:00Z',
    'caseref policy simulate https://node.police-b.example draft.json --json > changes.ndjson',
  ])
    .argument('<issuer>', 'the partner')
    .argument('[file]', 'the draft; - is standard input')
    .option(
      '--version <n>',
      'a stored version instead of a file, such as one that waits for approval',
      wholeNumber(1, 1_000_000),
    )
    .option('--since <instant>', 'references stored from then on (default: the last 90 days)')
    .addHelpText(
      'after',
      '\nWith --json every reference that changes is a line of its own, as it is found, and the last line has the totals.',
    )
    .action(async (issuer: string, file: string | undefined, options: SimulateOptions) => {
      cli.end(await trySimulation(cli, issuer, file, options));
    });
}

async function trySimulation(
  cli: Cli,
  issuer: string,
  file: string | undefined,
  options: SimulateOptions,
): Promise<Exit> {
  if ((file === undefined) === (options.version === undefined)) {
    const next = 'Give a FILE, or --version N of what is stored.';
    return refuseWith(cli, options, refuse('usage-invalid', '', 'One draft is needed.', next));
  }
  const read = file === undefined ? undefined : await readJsonDocument(cli, file);
  if (isRefusal(read)) return refuseWith(cli, options, read);
  const since = instantOption(cli, options.since, '/since');
  if (isRefusal(since)) return refuseWith(cli, options, since);
  const node = await reach(cli, options);
  if (isRefusal(node)) return refuseWith(cli, options, node);
  try {
    const document = read ?? (await storedDraft(node, issuer, options.version));
    if (isRefusal(document) || Array.isArray(document)) return refuseWith(cli, options, document as Refusal[]);
    return await runSimulation(cli, node, { issuer, document, since }, options);
  } finally {
    await node.close();
  }
}

async function storedDraft(
  node: ReachedNode,
  issuer: string,
  version: number | undefined,
): Promise<object | readonly Refusal[]> {
  const answer = await node.call('policy.show', { issuer, version });
  return answer.ok ? answer.value.document : answer.refusals;
}

async function runSimulation(cli: Cli, node: ReachedNode, wanted: Simulation, options: SimulateOptions): Promise<Exit> {
  const { terminal } = cli;
  const shown: SimulatedReference[] = [];
  let first: SimulatedPage | undefined;
  let totals: Totals | undefined;
  let progress: Progress | undefined;
  const pages = simulate(node, wanted);
  try {
    for (;;) {
      const { done, value } = await pages.next();
      if (done) {
        if (value === undefined) break;
        progress?.end();
        return refuseWith(cli, options, value);
      }
      if (first === undefined && !options.json) sayWarnings(cli, value.warnings ?? []);
      first ??= value;
      progress ??= terminal.progress({ label: 'simulate', unit: 'references', total: first.references });
      totals = addUp(totals, value);
      if (options.json) for (const one of value.items) terminal.json(one);
      else shown.push(...value.items.slice(0, SHOWN - shown.length));
      progress.advance(decidedOn(value));
    }
  } finally {
    progress?.end();
  }
  if (first === undefined || totals === undefined) return exit.done;
  const { partner, partnerState, version, since, at, references, warnings } = first;
  const head = { partner, partnerState, version, since, at, references, warnings };
  if (options.json) terminal.json({ ...head, ...totals });
  else printSimulated(terminal, head, totals, shown, sameNode(options));
  return exit.done;
}

/** References of one page, left out or not. */
function decidedOn({ send, receive, leftOut }: Totals): number {
  const of = (changes: Readonly<Record<string, number>>) => Object.values(changes).reduce((sum, one) => sum + one, 0);
  return of(send.changes) + of(receive.changes) + leftOut;
}
