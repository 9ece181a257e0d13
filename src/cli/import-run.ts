import { isRefusal, type Refusal } from '../domain/refusal.ts';
import type { ImportResult } from '../exchange/import.ts';
import { type Cli, refuseWith } from './command.ts';
import { type Exit, exit } from './exit.ts';
import type { ResultFile } from './import-results.ts';
import type { ImportSource, MeasuredBytes } from './import-source.ts';
import type { FileLine } from './lines.ts';
import { counted, duration, type Progress } from './progress.ts';
import type { ReachedNode } from './reach.ts';
import type { Terminal } from './terminal.ts';

/** Lines and bytes of one call: enough to share commits, little enough to keep memory and a call small. */
const CHUNK_LINES = 200;
const CHUNK_BYTES = 1024 * 1024;
/** Refused lines that are printed one by one; a file in the wrong form would bury everything else. */
const SHOWN_REFUSALS = 50;

/** An import with everything open. */
export interface ImportRun {
  readonly cli: Cli;
  readonly node: ReachedNode;
  readonly source: ImportSource;
  readonly opened: MeasuredBytes;
  readonly lines: AsyncIterable<FileLine>;
  /** Lines up to this one are finished and left out. */
  readonly after: number;
  readonly results: ResultFile | undefined;
  readonly json: boolean;
  report(): void;
}

interface Tally {
  shared: number;
  replayed: number;
  refused: number;
  known: number;
  send: number;
  hold: number;
  withhold: number;
}

/** Imports line by line to the end, or to the signal that stops it; prints what became of it. */
export async function importRun(run: ImportRun): Promise<Exit> {
  const { cli, node, source, json } = run;
  const tally: Tally = { shared: 0, replayed: 0, refused: 0, known: 0, send: 0, hold: 0, withhold: 0 };
  const started = Date.now();
  const stopping = abortedBySignal();
  let progress: Progress | undefined;
  let last = run.after;
  let stopped: Refusal | undefined;
  for await (const chunk of chunksOf(run.lines, run.after)) {
    // Begun only now: what was skipped would make the rate and the remaining time look better than they are.
    progress ??= progressOf(cli.terminal, source, run.opened);
    const imported = await importChunk(node, chunk, source);
    if (isRefusal(imported)) {
      stopped = brokenOff(imported, chunk[0]?.line ?? 0, source);
      break;
    }
    for (const result of imported) {
      count(tally, result);
      await run.results?.write(result);
      report(cli.terminal, json, tally, result);
    }
    last = chunk.at(-1)?.line ?? last;
    progress.advance(chunk.length);
    if (stopping.aborted) break;
  }
  progress?.end();
  run.report();
  if (!json) summarise(cli.terminal, tally, started);
  if (stopped) return refuseWith(cli, { json }, stopped);
  if (stopping.aborted) return sayStopped(cli.terminal, source, last);
  if (!(await finish(run, last))) return exit.refused;
  return tally.refused === 0 ? exit.done : exit.refused;
}

/** Ctrl-C ends an import after the lines that are under way, so that it can be said which are done. */
function abortedBySignal(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
  return stop.signal;
}

function sayStopped(terminal: Terminal, { file }: ImportSource, last: number): Exit {
  const next = file ? ' --resume goes on there.' : '';
  terminal.warn(`Stopped after line ${last}: everything before it is done.${next}`);
  return exit.refused;
}

/** Notes that the file is finished, unless it is not the file that was looked at before the first line. */
async function finish({ cli, node, source, opened }: ImportRun, last: number): Promise<boolean> {
  if (!source.file) return true;
  const { digest } = source.file;
  if (opened.digest() !== digest) {
    cli.terminal.warn('The file was changed while it was read: import it again once it stays as it is.');
    return false;
  }
  return (await node.call('reference.import.finish', { file: digest, line: last })).ok;
}

function progressOf(terminal: Terminal, { label, file }: ImportSource, opened: MeasuredBytes): Progress {
  // About a chunk of the file is read ahead of the first line; it belongs to what is still to be done.
  const skipped = Math.max(0, opened.through() - READ_AHEAD);
  const total = file === undefined ? undefined : file.size - skipped;
  return terminal.progress({ label, unit: 'lines', total, measured: () => opened.through() - skipped });
}

const READ_AHEAD = 64 * 1024;

async function* chunksOf(lines: AsyncIterable<FileLine>, after: number): AsyncGenerator<FileLine[]> {
  let chunk: FileLine[] = [];
  let size = 0;
  for await (const line of lines) {
    if (line.line <= after) continue;
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
async function importChunk(
  node: ReachedNode,
  chunk: readonly FileLine[],
  { file }: ImportSource,
): Promise<readonly ImportResult[] | Refusal> {
  const lines = chunk.filter((line) => 'text' in line);
  const refused = chunk
    .filter((line) => 'refusal' in line)
    .map(({ line, refusal }): ImportResult => ({ line, status: 'refused', errors: [refusal] }));
  if (lines.length === 0) return refused;
  const answer = await node.call('reference.import', { lines, ...(file && { file: file.digest }) });
  if (!answer.ok) return answer.refusals[0] as Refusal;
  return [...answer.value.results, ...refused].sort((a, b) => a.line - b.line);
}

/** Why an import ended early; from a file it can go on, whatever became of the lines under way. */
function brokenOff(refusal: Refusal, line: number, { file }: ImportSource): Refusal {
  const next = file ? 'See that the node runs, and give the same command with --resume.' : refusal.next;
  return { ...refusal, pointer: '', message: `From line ${line}: ${refusal.message}`, next };
}

function count(tally: Tally, result: ImportResult): void {
  if (result.status === 'refused') {
    tally.refused += 1;
    return;
  }
  if (result.replayed) {
    tally.replayed += 1;
    return;
  }
  tally.shared += 1;
  tally.known += result.known > 0 ? 1 : 0;
  for (const effect of ['send', 'hold', 'withhold'] as const) tally[effect] += result.effects[effect];
}

function report(terminal: Terminal, json: boolean, tally: Tally, result: ImportResult): void {
  if (json) terminal.json(result);
  else if (result.status === 'refused' && tally.refused <= SHOWN_REFUSALS) terminal.refused(result);
  else if (result.status === 'refused' && tally.refused === SHOWN_REFUSALS + 1) {
    terminal.warn('Further refused lines are only counted; --results FILE or --json gives each of them.');
  }
}

function summarise(terminal: Terminal, tally: Tally, started: number): void {
  const seconds = (Date.now() - started) / 1000;
  terminal.fields([
    ['taken', counted(tally.shared), tally.shared > 0 ? 'good' : 'plain'],
    ['refused', counted(tally.refused), tally.refused > 0 ? 'bad' : 'plain'],
    ['taken before', tally.replayed > 0 ? counted(tally.replayed) : undefined],
    ['address known', counted(tally.known)],
    ['to send', counted(tally.send)],
    ['held', counted(tally.hold), tally.hold > 0 ? 'waiting' : 'plain'],
    ['withheld', counted(tally.withhold)],
    ['in', duration(seconds)],
  ]);
}
