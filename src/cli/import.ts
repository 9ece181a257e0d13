import { access } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { codes } from '../domain/codes.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { LONGEST_LINE } from '../exchange/import.ts';
import { codeOption } from './argument.ts';
import { type Cli, type Everywhere, leaf, refuseWith } from './command.ts';
import { pathOf, unreadable } from './document.ts';
import type { Exit } from './exit.ts';
import { keptResults, openResults, type ResultFile } from './import-results.ts';
import { importRun } from './import-run.ts';
import { type ImportSource, inspectSource } from './import-source.ts';
import { type FileLine, readLines } from './lines.ts';
import { type ReachedNode, reach } from './reach.ts';
import { type RowOptions, rowDefaults } from './row-defaults.ts';
import { type RowDefaults, readScartCsv } from './scart-csv.ts';

interface ImportOptions extends Everywhere, RowOptions {
  readonly format: 'ndjson' | 'scart-csv';
  readonly results?: string;
  readonly resume?: boolean;
}

/** A marking is somebody's decision, and `unknown` is none. */
const labels = codes.markingTlp.filter((label) => label !== 'unknown');

/** `caseref reference import`: many references, a result for each line. */
export function importCommand(cli: Cli): Command {
  return leaf('import', 'submit many case references from a file; a refused line stops nothing', [
    'caseref reference import references.ndjson --results results.ndjson',
    'caseref reference import references.ndjson --results results.ndjson --resume',
    'caseref reference import - --json < references.ndjson > results.ndjson',
    'caseref reference import inputs.csv --format scart-csv --category not-assessed --hosting XX --reporting NL --tlp AMBER',
  ])
    .argument('<file>', 'one reference a line; - is standard input. A line of the same file is never taken twice')
    .addOption(
      codeOption('--format <format>', 'ndjson: JSON; scart-csv: CSV of SCART', ['ndjson', 'scart-csv']).default(
        'ndjson',
      ),
    )
    .option('--results <file>', 'write a result for each line into a new file, as newline-delimited JSON')
    .option('--resume', 'go on where an import of this file ended early, and with its results file')
    .addOption(
      codeOption('--category <code>', 'CSV: what every row is; not-assessed fits what nobody saw', codes.category),
    )
    .option('--hosting <cc>', 'CSV: where every row is hosted; XX is unknown')
    .option('--reporting <cc>', 'CSV: where every row was reported')
    .addOption(new Option('--tlp <label>', 'CSV: marking of every row; AMBER fits most').choices(labels))
    .action(async (file: string, options: ImportOptions) => {
      const ended = await importFrom(cli, file, options);
      cli.end(isRefusal(ended) ? refuseWith(cli, options, ended) : ended);
    });
}

/** Checks everything that can be checked before the first line, in the order of what costs least, then imports. */
async function importFrom(cli: Cli, file: string, options: ImportOptions): Promise<Exit | Refusal> {
  const defaults = rowDefaults(options.format, options);
  if (isRefusal(defaults)) return defaults;
  const source = await inspectSource(cli, file);
  if (isRefusal(source)) return source;
  if (options.resume && !source.file) {
    const next = 'Save it as a file and import that.';
    return refuse('usage-invalid', '/resume', 'Only a file can be resumed: what was piped in is gone.', next);
  }
  if (!options.resume && options.results !== undefined && (await exists(pathOf(cli, options.results)))) {
    return unreadable(options.results, { code: 'EEXIST' });
  }
  const opened = source.open();
  const input = await readInput(cli, readLines(opened.bytes, LONGEST_LINE), defaults);
  if (isRefusal(input)) return input;
  const node = await reach(cli, options);
  if (isRefusal(node)) return node;
  try {
    const begun = await begin(cli, node, source, options);
    if (isRefusal(begun)) return begun;
    try {
      return await importRun({ cli, node, source, opened, ...input, ...begun, json: options.json === true });
    } finally {
      await begun.results?.close();
    }
  } finally {
    await node.close();
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

interface Input {
  readonly lines: AsyncIterable<FileLine>;
  /** Says, at the end, what of the file no reference carries. */
  report(): void;
}

async function readInput(
  cli: Cli,
  lines: AsyncIterable<FileLine>,
  defaults: RowDefaults | undefined,
): Promise<Input | Refusal> {
  if (!defaults) return { lines, report: () => {} };
  const csv = await readScartCsv(lines, defaults);
  if (isRefusal(csv)) return csv;
  cli.terminal.warn('WORKUSER-EMAIL is dropped: addresses of staff are neither sent nor stored.');
  return { lines: csv.lines, report: () => csv.report(cli.terminal) };
}

interface Begun {
  /** Lines up to this one have been dealt with. */
  readonly after: number;
  readonly results: ResultFile | undefined;
}

async function begin(
  cli: Cli,
  node: ReachedNode,
  { file }: ImportSource,
  { resume = false, results }: ImportOptions,
): Promise<Begun | Refusal> {
  const done = file === undefined ? undefined : await progressOf(node, file, resume);
  if (isRefusal(done)) return done;
  const line = done?.line ?? 0;
  const kept = resume && results !== undefined ? await keptResults(cli, results, line) : undefined;
  if (isRefusal(kept)) return kept;
  // Lines whose results are lost are given again: they are answered as they stand, and the file becomes whole.
  const after = resume ? (kept?.line ?? line) : 0;
  if (!resume && line > 0) {
    const told = done?.finishedAt
      ? `This file was imported before (${done.finishedAt})`
      : `An import of this file ended early, after line ${line} (--resume goes on there)`;
    cli.terminal.warn(`${told}: lines that were taken are not taken again.`);
  }
  if (resume) cli.terminal.say(after > 0 ? `Goes on after line ${after}.` : 'Nothing of it is finished: from line 1.');
  const opened = results === undefined ? undefined : await openResults(cli, results, kept);
  return isRefusal(opened) ? opened : { after, results: opened };
}

async function progressOf(node: ReachedNode, { digest, path }: { digest: string; path: string }, resume: boolean) {
  const answer = await node.call('reference.import.begin', { file: digest, path, resume });
  return answer.ok ? answer.value : (answer.refusals[0] as Refusal);
}
