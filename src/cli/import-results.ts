import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { ImportResult } from '../exchange/import.ts';
import { readJson } from '../wire/strict.ts';
import type { Cli } from './command.ts';
import { pathOf, unreadable } from './document.ts';

/** A file with one result for each line of an import. */
export interface ResultFile {
  write(result: ImportResult): Promise<void>;
  close(): Promise<void>;
}

/** Results that an import left behind when it ended early. */
export interface KeptResults {
  /** The last line that has its result; 0 where there is none. */
  readonly line: number;
  /** Bytes up to the end of that result: one behind it was cut off by the kill and is written again. */
  readonly bytes: number;
}

const NONE: KeptResults = { line: 0, bytes: 0 };

/**
 * Looks which results a file has; one that is not there has none. What is no results file of this import is refused,
 * since it is about to be written to: results come after their lines are finished, so none can be of a later line.
 */
export async function keptResults(cli: Cli, file: string, upTo: number): Promise<KeptResults | Refusal> {
  let kept = NONE;
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(pathOf(cli, file)) as AsyncIterable<Buffer>) {
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
        const line = lineOf(rest.subarray(0, end));
        if (line === undefined || line <= kept.line) return foreign(file);
        if (line > upTo) return ahead(file, upTo);
        kept = { line, bytes: kept.bytes + end + 1 };
        rest = rest.subarray(end + 1);
      }
      if (rest.length > LONGEST_RESULT) return foreign(file);
    }
    const torn = rest.length === 0 || BEGINNING.startsWith(rest.subarray(0, BEGINNING.length).toString('latin1'));
    return torn ? kept : foreign(file);
  } catch (failure) {
    return (failure as NodeJS.ErrnoException).code === 'ENOENT' ? NONE : unreadable(file, failure);
  }
}

const LONGEST_RESULT = 1024 * 1024;
/** How every result begins. */
const BEGINNING = '{"line":';

function lineOf(bytes: Uint8Array): number | undefined {
  const read = readJson(bytes, { bytes: LONGEST_RESULT });
  if (isRefusal(read)) return undefined;
  const { line, status } = (read.value ?? {}) as { line?: unknown; status?: unknown };
  return Number.isSafeInteger(line) && typeof status === 'string' ? Number(line) : undefined;
}

function foreign(file: string): Refusal {
  const next = 'Name the results file of the import that was broken off, or a new one.';
  return refuse('usage-invalid', '', `${file} is not the results file of an import.`, next);
}

function ahead(file: string, upTo: number): Refusal {
  const next = 'Name a new results file: lines that are finished get their results again.';
  const message = `${file} has results behind line ${upTo}, up to which this file is finished: it is of another import.`;
  return refuse('usage-invalid', '', message, next);
}

/** Opens a results file: a new one, or one that goes on behind what it keeps. */
export async function openResults(
  cli: Cli,
  file: string,
  kept: KeptResults | undefined,
): Promise<ResultFile | Refusal> {
  const path = pathOf(cli, file);
  try {
    if (kept !== undefined && kept.bytes > 0) await truncate(path, kept.bytes);
    const flags = kept === undefined ? 'wx' : kept.bytes > 0 ? 'a' : 'w';
    const stream = createWriteStream(path, { flags, mode: 0o600 });
    await once(stream, 'open');
    return {
      async write(result) {
        if (!stream.write(`${JSON.stringify(result)}\n`)) await once(stream, 'drain');
      },
      async close() {
        stream.end();
        await once(stream, 'close');
      },
    };
  } catch (failure) {
    return unreadable(file, failure);
  }
}
