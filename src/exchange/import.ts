import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { isJsonObject, readJson } from '../wire/strict.ts';
import type { DuplicateAnswer } from './duplicates.ts';
import type { Share } from './share.ts';

/** One line of newline-delimited JSON as it stood in the file; `line` counts from 1. */
export interface ImportLine {
  readonly line: number;
  readonly text: string;
}

/** What became of a line. A refused line stops nothing; what was taken is durable when this is returned. */
export type ImportResult =
  | {
      readonly line: number;
      readonly status: 'shared';
      readonly id: string;
      readonly effects: Effects;
      /** References to the same address, or to the same but for its fragment. */
      readonly known: number;
      /** What was known of the address: `known`, `possible`, `related` or `new`. */
      readonly answer: DuplicateAnswer['answer'];
      /** Present where the line was taken before, by an earlier import of the same file; nothing was done anew. */
      readonly replayed?: true;
    }
  | { readonly line: number; readonly status: 'refused'; readonly errors: readonly Refusal[] };

/** How many partners each outcome was decided for. */
export interface Effects {
  readonly send: number;
  readonly hold: number;
  readonly withhold: number;
}

/** The longest line that is read, in bytes. */
export const LONGEST_LINE = 64 * 1024;

/**
 * Shares each line as one reference, in groups that commit together; results are in the order of the lines. With `idOf`,
 * a line that was taken before under its id is answered as it stands, so that the same lines can be given again.
 */
export function importLines(
  share: Share,
  lines: readonly ImportLine[],
  idOf?: (line: number) => string,
): Promise<ImportResult[]> {
  return Promise.all(lines.map((line) => importLine(share, line, idOf?.(line.line))));
}

async function importLine(share: Share, { line, text }: ImportLine, id: string | undefined): Promise<ImportResult> {
  const read = readJson(text, { bytes: LONGEST_LINE });
  if (isRefusal(read)) return { line, status: 'refused', errors: [read] };
  if (!isJsonObject(read.value))
    return { line, status: 'refused', errors: [refuse('json-invalid', '', 'The line is not a JSON object.')] };
  const taken = await share(read.value, { id });
  if (Array.isArray(taken)) return { line, status: 'refused', errors: taken as Refusal[] };
  const shared = taken as Exclude<typeof taken, Refusal[]>;
  const count = (effect: keyof Effects) => shared.decisions.filter(({ decision }) => decision.effect === effect).length;
  const effects = { send: count('send'), hold: count('hold'), withhold: count('withhold') };
  const known = shared.duplicates.filter(({ match }) => match !== 'related').length;
  const { answer } = shared.duplicateAnswer;
  const result = { line, status: 'shared', id: shared.id, effects, known, answer } as const;
  return shared.replayed ? { ...result, replayed: true } : result;
}
