import { createReadStream } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { readJson } from '../wire/strict.ts';
import type { Cli } from './command.ts';

/** The largest document that is read whole: policies, denies, cards and single references, in bytes. */
const LARGEST = 256 * 1024;

/** A path as the caller meant it: npm runs the program in another directory than it was called from. */
export function pathOf(cli: Cli, file: string): string {
  return isAbsolute(file) ? file : resolve(cli.environment.startedIn, file);
}

/** Opens a file, or standard input where it is named `-`. */
export function openSource(cli: Cli, file: string): AsyncIterable<Uint8Array> {
  return file === '-' ? cli.stdin : createReadStream(pathOf(cli, file));
}

/** Reads a document whole; a file that cannot be read is a refusal, since the caller named it. */
export async function readDocument(cli: Cli, file: string): Promise<Uint8Array | Refusal> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of openSource(cli, file)) {
      parts.push(part);
      size += part.length;
      if (size > LARGEST) return refuse('too-large', '', `The document is larger than ${LARGEST} bytes.`);
    }
  } catch (failure) {
    return unreadable(file, failure);
  }
  return Buffer.concat(parts);
}

/** Reads a JSON document by the strict gate: no duplicate members, nothing that two readers take differently. */
export async function readJsonDocument(cli: Cli, file: string): Promise<object | Refusal> {
  const bytes = await readDocument(cli, file);
  if (isRefusal(bytes)) return bytes;
  const read = readJson(bytes, { bytes: LARGEST });
  if (isRefusal(read)) return { ...read, message: read.message.replace('The body', 'The document') };
  const { value } = read;
  if (typeof value === 'object' && value !== null) return value;
  return refuse('json-invalid', '', 'The document is not a JSON object.', 'Give one JSON object.');
}

/** Why a file that was named cannot be read or written. */
export function unreadable(file: string, failure: unknown): Refusal {
  const code = (failure as NodeJS.ErrnoException).code;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'does not exist',
    EISDIR: 'is a directory',
    EACCES: 'may not be opened by this account',
    EEXIST: 'exists already and is not overwritten',
  };
  const why = code === undefined ? undefined : (known[code] ?? `cannot be opened (${code})`);
  if (why === undefined) throw failure;
  const next =
    code === 'EEXIST' ? 'Name another file, or take that one away.' : 'Name another file; - is standard input.';
  return refuse('usage-invalid', '', `${file} ${why}.`, next);
}
