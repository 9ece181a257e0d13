import { isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { advanceImportFile, beginImportFile, isImportBegun, unfinishedElsewhere } from '../store/imports.ts';
import type { Exchange } from './context.ts';
import { type ImportLine, type ImportResult, importLines } from './import.ts';
import type { Share } from './share.ts';

/** A file as the importing program names it: the SHA-256 of its bytes in hex, and its absolute path. */
export interface NamedFile {
  readonly digest: string;
  readonly path: string;
}

/** How far a file was imported; every line up to `line` is finished. */
export interface FileProgress {
  readonly line: number;
  readonly begunAt: string;
  readonly finishedAt: string | null;
}

function keyed(exchange: Exchange, { digest, path }: NamedFile) {
  const { vault } = exchange;
  return { digest: vault.digest('import-file', digest), path: vault.digest('import-path', path) };
}

/**
 * Begins the import of a file, or says how far an earlier one came. Going on (`resume`) is refused where an unfinished
 * import of the same path was of other bytes: by its line numbers every line would then be taken a second time.
 */
export async function beginImport(
  exchange: Exchange,
  file: NamedFile,
  resume: boolean,
): Promise<FileProgress | Refusal> {
  const { db } = exchange.store;
  const names = keyed(exchange, file);
  if (resume && !(await isImportBegun(db, names.digest)) && (await unfinishedElsewhere(db, names))) {
    const next = 'Restore the file as it was and resume, or import the changed one without --resume: all of its lines.';
    return refuse('state-conflict', '', 'The file is not what it was when its import began.', next);
  }
  const { line, begunAt, finishedAt } = await beginImportFile(db, names, new Date(exchange.clock()));
  return {
    line,
    begunAt: isoInstant(begunAt.getTime()),
    finishedAt: finishedAt && isoInstant(finishedAt.getTime()),
  };
}

/**
 * Shares the next lines of a file, each under an id that follows from the file and the line. The reference itself is
 * therefore the record that the line was taken: it holds for as long as the reference or its tombstone does, costs no
 * look-up of its own, and a line that was recalled is not brought back by a second import. The lines of a file are given
 * in their order: when this returns, every line up to the last one given counts as finished.
 */
export async function importFileLines(
  exchange: Exchange,
  share: Share,
  digest: string,
  lines: readonly ImportLine[],
): Promise<ImportResult[]> {
  const results = await importLines(share, lines, (line) => lineId(exchange, digest, line));
  // After the commit of the lines and never before it: too little costs a repeat, too much would lose a line.
  await advance(exchange, digest, { line: lines.at(-1)?.line ?? 0, whole: false });
  return results;
}

/** Notes that the whole file is finished, of which `last` is the last line. */
export function finishImport(exchange: Exchange, digest: string, last: number): Promise<void> {
  return advance(exchange, digest, { line: last, whole: true });
}

async function advance(exchange: Exchange, digest: string, to: { line: number; whole: boolean }): Promise<void> {
  const key = exchange.vault.digest('import-file', digest);
  await advanceImportFile(exchange.store.db, key, to, new Date(exchange.clock()));
}

/** A UUID in the form of version 4 (RFC 9562, section 5.4): 122 bits of a keyed digest, which nobody else can foretell. */
function lineId(exchange: Exchange, digest: string, line: number): string {
  const bytes = Buffer.from(exchange.vault.digest('import-line', `${digest} ${line}`)).subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
