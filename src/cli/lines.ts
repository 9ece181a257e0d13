import { type Refusal, refuse } from '../domain/refusal.ts';

/** One line of a file, counted from 1: its text, or why it is not even read. */
export type FileLine =
  | { readonly line: number; readonly text: string }
  | { readonly line: number; readonly refusal: Refusal };

const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** A byte order mark, which some editors put in front of a file (RFC 8259, section 8.1, lets a reader ignore it). */
const MARK = [0xef, 0xbb, 0xbf] as const;

/**
 * Splits bytes into lines, of which none is ever held beyond `longest` bytes: the rest of a longer one is skipped as it
 * arrives. Empty lines are counted and left out. Invalid UTF-8 refuses its line, since a replacement character would
 * change what is stored.
 */
export async function* readLines(source: AsyncIterable<Uint8Array>, longest: number): AsyncGenerator<FileLine> {
  let line = 1;
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, end));
      yield* lineOf(line, parts, size, longest);
      from = end + 1;
      line += 1;
      parts = [];
      size = 0;
    }
    keep(chunk.subarray(from));
  }
  yield* lineOf(line, parts, size, longest);

  function keep(part: Uint8Array): void {
    // A line that ends in \r\n may be a byte longer before the \r is cut off; beyond that only the length is counted.
    if (size <= longest + 1 && part.length > 0) parts.push(part.slice(0, longest + 2 - size));
    size += part.length;
  }
}

function* lineOf(line: number, parts: readonly Uint8Array[], size: number, longest: number): Generator<FileLine> {
  const bytes = trimmed(Buffer.concat(parts), line === 1);
  const cutOff = size - Math.min(size, longest + 2);
  if (bytes.length + cutOff > longest) {
    const next = 'A reference takes a few kilobytes: look whether a line break is missing.';
    yield { line, refusal: refuse('too-large', '', `The line is longer than ${longest} bytes.`, next) };
    return;
  }
  const text = decode(bytes);
  if (text === undefined) {
    const next = 'Save the file as UTF-8.';
    yield { line, refusal: refuse('json-invalid', '', 'The line is not valid UTF-8.', next) };
  } else if (text.trim() !== '') yield { line, text };
}

function trimmed(bytes: Uint8Array, first: boolean): Uint8Array {
  const from = first && MARK.every((byte, at) => bytes[at] === byte) ? MARK.length : 0;
  return bytes.subarray(from, bytes.at(-1) === RETURN ? bytes.length - 1 : bytes.length);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
