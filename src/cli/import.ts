import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { isRefusal, type Refusal } from '../domain/refusal.ts';
import { type ImportResult, LONGEST_LINE } from '../exchange/import.ts';
import { codeOption } from './argument.ts';
import { type Cli, type Everywhere, leaf, refuseWith } from './command.ts';
import { openSource, pathOf, unreadable } from './document.ts';
import { type Exit, exit } from './exit.ts';
import { type FileLine, readLines } from './lines.ts';
import { counted, duration } from './progress.ts';
import { type ReachedNode, reach } from './reach.ts';
import type { Terminal } from './terminal.ts';

/** Lines and bytes of one call: enough to share commits, little enough to keep memory and a call small. */
const CHUNK_LINES = 200;
const CHUNK_BYTES = 1024 * 1024;
/** Refused lines that are printed one by one; a file in the wrong form would bury everything else. */
const SHOWN_REFUSALS = 50;

interface ImportOptions extends Everywhere {
  readonly results?: string;
}

/** `caseref reference import`: many references, a result for each line. */
export function importCommand(cli: Cli): Command {
  return leaf('import', 'submit one case reference a line; a refused line stops nothing', [
    'caseref reference import references.ndjson --results results.ndjson',
    'caseref reference import - --json < references.ndjson > results.ndjson',
  ])
    .argument('<file>', 'newline-delimited JSON; - is standard input')
    .addOption(codeOption('--format <format>', 'format of the file', ['ndjson']).default('ndjson'))
    .option('--results <file>', 'write a result for each line into a new file, as newline-delimited JSON')
    .action(async (file: string, options: ImportOptions) => {
      const results = await openResults(cli, options.results);
      if (isRefusal(results)) return cli.end(refuseWith(cli, options, results));
      const size = await sizeOf(cli, file);
      if (isRefusal(size)) return cli.end(refuseWith(cli, options, size));
      const node = await reach(cli, options);
      if (isRefusal(node)) return cli.end(refuseWith(cli, options, node));
      try {
        cli.end(await importFile(cli, node, { file, size, options, results }));
      } finally {
        await results?.close();
        await node.close();
      }
    });
}

interface ResultFile {
  write(result: ImportResult): Promise<void>;
  close(): Promise<void>;
}

async function openResults(cli: Cli, file: string | undefined): Promise<ResultFile | undefined | Refusal> {
  if (file === undefined) return undefined;
  const stream = createWriteStream(pathOf(cli, file), { flags: 'wx', mode: 0o600 });
  try {
    await once(stream, 'open');
  } catch (failure) {
    return unreadable(file, failure);
  }
  return {
    async write(result) {
      if (!stream.write(`${JSON.stringify(result)}\n`)) await once(stream, 'drain');
    },
    async close() {
      stream.end();
      await once(stream, 'close');
    },
  };
}

async function sizeOf(cli: Cli, file: string): Promise<number | undefined | Refusal> {
  if (file === '-') return undefined;
  try {
    const found = await stat(pathOf(cli, file));
    if (found.isDirectory()) return unreadable(file, { code: 'EISDIR' });
    return found.isFile() ? found.size : undefined;
  } catch (failure) {
    return unreadable(file, failure);
  }
}

interface Tally {
  shared: number;
  refused: number;
  known: number;
  send: number;
  hold: number;
  withhold: number;
}

interface ImportWork {
  readonly file: string;
  readonly size: number | undefined;
  readonly options: ImportOptions;
  readonly results: ResultFile | undefined;
}

async function importFile(cli: Cli, node: ReachedNode, { file, size, options, results }: ImportWork): Promise<Exit> {
  const { terminal } = cli;
  const tally: Tally = { shared: 0, refused: 0, known: 0, send: 0, hold: 0, withhold: 0 };
  const started = Date.now();
  const stopping = abortedBySignal();
  const source = measured(openSource(cli, file));
  const label = file === '-' ? 'standard input' : file;
  const progress = terminal.progress({ label, unit: 'lines', total: size, measured: source.through });
  for await (const chunk of chunksOf(readLines(source.bytes, LONGEST_LINE))) {
    const imported = await importChunk(node, chunk);
    if (isRefusal(imported)) {
      progress.end();
      summarise(terminal, options, tally, started);
      return refuseWith(cli, options, {
        ...imported,
        pointer: '',
        message: `From line ${chunk[0]?.line}: ${imported.message}`,
      });
    }
    for (const result of imported) {
      count(tally, result);
      await results?.write(result);
      report(terminal, options, tally, result);
    }
    progress.advance(chunk.length);
    if (stopping.aborted) {
      terminal.warn(`Stopped after line ${chunk.at(-1)?.line}: everything before it is done.`);
      break;
    }
  }
  progress.end();
  summarise(terminal, options, tally, started);
  if (stopping.aborted) return exit.refused;
  return tally.refused === 0 ? exit.done : exit.refused;
}

/** Ctrl-C ends an import after the lines that are under way, so that it can be said which are done. */
function abortedBySignal(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
  return stop.signal;
}

function measured(source: AsyncIterable<Uint8Array>) {
  let through = 0;
  async function* bytes() {
    for await (const part of source) {
      through += part.length;
      yield part;
    }
  }
  return { bytes: bytes(), through: () => through };
}

async function* chunksOf(lines: AsyncIterable<FileLine>): AsyncGenerator<FileLine[]> {
  let chunk: FileLine[] = [];
  let size = 0;
  for await (const line of lines) {
    const length = 'text' in line ? line.text.length : 0;
    if (chunk.length === CHUNK_LINES || (chunk.length > 0 && size + length > CHUNK_BYTES)) {
      yield chunk;
      chunk = [];
      size = 0;
    }
    chunk.push(line);
    size += length;
  }
  if (chunk.length > 0) yield chunk;
}

/** The results of a chunk in the order of its lines, those that were refused before the call among them. */
async function importChunk(node: ReachedNode, chunk: readonly FileLine[]): Promise<readonly ImportResult[] | Refusal> {
  const lines = chunk.filter((line) => 'text' in line);
  const refused = chunk
    .filter((line) => 'refusal' in line)
    .map(({ line, refusal }): ImportResult => ({ line, status: 'refused', errors: [refusal] }));
  if (lines.length === 0) return refused;
  const answer = await node.call('reference.import', { lines });
  if (!answer.ok) return answer.refusals[0] as Refusal;
  return [...answer.value.results, ...refused].sort((a, b) => a.line - b.line);
}

function count(tally: Tally, result: ImportResult): void {
  if (result.status === 'refused') {
    tally.refused += 1;
    return;
  }
  tally.shared += 1;
  tally.known += result.known > 0 ? 1 : 0;
  for (const effect of ['send', 'hold', 'withhold'] as const) tally[effect] += result.effects[effect];
}

function report(terminal: Terminal, options: ImportOptions, tally: Tally, result: ImportResult): void {
  if (options.json) terminal.json(result);
  else if (result.status === 'refused' && tally.refused <= SHOWN_REFUSALS) terminal.refused(result);
  else if (result.status === 'refused' && tally.refused === SHOWN_REFUSALS + 1) {
    terminal.warn('Further refused lines are only counted; --results FILE or --json gives each of them.');
  }
}

function summarise(terminal: Terminal, { json }: ImportOptions, tally: Tally, started: number): void {
  if (json) return;
  terminal.fields([
    ['taken', counted(tally.shared), tally.shared > 0 ? 'good' : 'plain'],
    ['refused', counted(tally.refused), tally.refused > 0 ? 'bad' : 'plain'],
    ['address known', counted(tally.known)],
    ['to send', counted(tally.send)],
    ['held', counted(tally.hold), tally.hold > 0 ? 'waiting' : 'plain'],
    ['withheld', counted(tally.withhold)],
    ['in', duration((Date.now() - started) / 1000)],
  ]);
}
