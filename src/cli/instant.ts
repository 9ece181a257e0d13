import { isDate, isInstant, isoInstant } from '../domain/instant.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { Cli } from './command.ts';

const form = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)?\s?(Z|[+-]\d\d:?\d\d)?)?$/i;

/** An instant as an operator wrote it, and what was made of it where that is not plain to see. */
export interface TypedInstant {
  readonly iso: string;
  readonly said?: string;
}

/**
 * Reads an instant as people write it: `now`, RFC 3339 with any offset, or a date with or without a time, which is then
 * meant in UTC. The refusal points to `pointer`.
 */
export function typedInstant(text: string, pointer: string, now: number): TypedInstant | Refusal {
  if (text === 'now') return { iso: isoInstant(now) };
  if (isInstant(text)) return { iso: text };
  const [, date = '', time = '00:00', seconds = ':00', zone] = form.exec(text.trim()) ?? [];
  const offset = zone?.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2').toUpperCase() ?? 'Z';
  const at = isDate(date) ? Date.parse(`${date}T${time}${seconds}${offset}`) : Number.NaN;
  if (Number.isNaN(at)) {
    const next = 'Write it such as 2026-11-22T00:30:00Z, 2026-11-22T01:30+01:00 or "2026-11-22 00:30" (UTC), or: now.';
    return refuse('usage-invalid', pointer, 'This is no instant.', next);
  }
  const iso = isoInstant(at);
  return { iso, said: `${text} is taken as ${iso}${zone === undefined ? ', in UTC' : ''}.` };
}

/** The same for an option that may be left out; says aloud what was made of it. */
export function instantOption(cli: Cli, text: string | undefined, pointer: string): string | undefined | Refusal {
  if (text === undefined) return undefined;
  const read = typedInstant(text, pointer, Date.now());
  if (isRefusal(read)) return read;
  if (read.said !== undefined) cli.terminal.say(read.said);
  return read.iso;
}
