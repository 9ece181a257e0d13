import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Refusal } from '../domain/refusal.ts';
import type { Cli } from './command.ts';
import { openSource, pathOf, unreadable } from './document.ts';

/** A file that is imported: its size and the SHA-256 of its bytes, where it can be read twice. */
export interface ImportSource {
  /** What messages call it. */
  readonly label: string;
  /** Undefined for standard input and pipes: neither a share nor a repeat can be told. */
  readonly file: { readonly size: number; readonly digest: string; readonly path: string } | undefined;
  /** Reads it from its beginning; once, where it cannot be read twice. */
  open(): MeasuredBytes;
}

/** Bytes on their way, with what has come through so far. */
export interface MeasuredBytes {
  readonly bytes: AsyncIterable<Uint8Array>;
  through(): number;
  /** The SHA-256 of what has come through, in hex; ends the measure. */
  digest(): string;
}

/** Looks at a file before anything is done with it; reads it whole once for its digest. */
export async function inspectSource(cli: Cli, file: string): Promise<ImportSource | Refusal> {
  const open = () => measured(openSource(cli, file));
  if (file === '-') return { label: 'standard input', file: undefined, open };
  try {
    const path = pathOf(cli, file);
    const found = await stat(path);
    if (found.isDirectory()) return unreadable(file, { code: 'EISDIR' });
    if (!found.isFile()) return { label: file, file: undefined, open };
    const whole = open();
    for await (const _ of whole.bytes);
    return { label: file, file: { size: whole.through(), digest: whole.digest(), path }, open };
  } catch (failure) {
    return unreadable(file, failure);
  }
}

function measured(source: AsyncIterable<Uint8Array>): MeasuredBytes {
  const hash = createHash('sha256');
  let through = 0;
  async function* bytes() {
    for await (const part of source) {
      through += part.length;
      hash.update(part);
      yield part;
    }
  }
  return { bytes: bytes(), through: () => through, digest: () => hash.digest('hex') };
}
