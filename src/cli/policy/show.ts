import { type Command, Option } from 'commander';
import { type PageOptions, paged, sayMore, wholeNumber } from '../argument.ts';
import { type Cli, type Everywhere, leaf } from '../command.ts';
import type { Exit } from '../exit.ts';
import { ask, type ValueOf } from '../reach.ts';
import type { Column, Tone } from '../table.ts';

interface ShowOptions extends Everywhere, PageOptions {
  readonly version?: number;
  readonly versions?: boolean;
}

/** `caseref policy show`. */
export function showCommand(cli: Cli): Command {
  const command = leaf('show', 'print the policy of a partner, or list its versions', [
    'caseref policy show https://node.police-b.example',
    'caseref policy show https://node.police-b.example --version 2',
    'caseref policy show https://node.police-b.example --versions',
  ])
    .argument('<issuer>', 'the partner')
    .option('--version <n>', 'a version (default: the one in force)', wholeNumber(1, 1_000_000))
    .addOption(
      new Option('--versions', 'every version, newest first: its state, who signed it, and when').conflicts('version'),
    );
  return paged(command).action(async (issuer: string, options: ShowOptions) => {
    cli.end(options.versions ? await listVersions(cli, issuer, options) : await showVersion(cli, issuer, options));
  });
}

function showVersion(cli: Cli, issuer: string, options: ShowOptions): Promise<Exit> {
  return ask(cli, options, 'policy.show', { issuer, version: options.version }, (shown) => {
    cli.terminal.say(standingOf(shown));
    for (const line of JSON.stringify(shown.document, null, 2).split('\n')) cli.terminal.line(line);
  });
}

type Version = ValueOf<'policy.versions'>['items'][number];

const tones: Readonly<Record<Version['state'], Tone>> = { active: 'good', pending: 'waiting', superseded: 'quiet' };

const columns: readonly Column<Version>[] = [
  { title: 'version', cell: ({ version }) => String(version) },
  { title: 'state', cell: ({ state }) => state, tone: ({ state }) => tones[state] },
  { title: 'set', cell: ({ createdAt }) => createdAt },
  { title: 'author', cell: ({ author }) => author ?? '-' },
  { title: 'in force from', cell: ({ activatedAt }) => activatedAt ?? 'never' },
  { title: 'approver', cell: ({ approver }) => approver ?? '-' },
  { title: 'digest', cell: ({ digest }) => digest, tone: () => 'quiet', shrinks: true },
];

function listVersions(cli: Cli, issuer: string, { limit, cursor, ...options }: ShowOptions): Promise<Exit> {
  return ask(cli, options, 'policy.versions', { issuer, limit, cursor }, ({ items, next }) => {
    if (items.length === 0) cli.terminal.say('There is no version.');
    else cli.terminal.table(columns, items);
    sayMore(cli, next);
  });
}

/** Whose version it is, since when, and what the signatures are over. */
function standingOf({ state, createdAt, activatedAt, author, approver, digest }: Omit<Version, 'version'>): string {
  const set = `set ${createdAt}${author === undefined ? '' : ` by ${author}`}`;
  const approved = approver === undefined ? '' : ` (approved by ${approver})`;
  const force = activatedAt === undefined ? '' : `, in force from ${activatedAt}${approved}`;
  return `${state}: ${set}${force}, ${digest}`;
}
