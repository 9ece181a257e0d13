import { checkJurisdiction } from '../domain/jurisdiction.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { RowDefaults } from './scart-csv.ts';

/** Options that say for every row of a CSV what the CSV does not say. */
export type RowOptions = { readonly [Name in keyof RowDefaults]?: string };

const names = ['category', 'hosting', 'reporting', 'tlp'] as const;

/**
 * What every row is given. All four are required and none has a default: a category, a country and a marking are said by
 * somebody who knows the file, never by this program.
 */
export function rowDefaults(format: 'ndjson' | 'scart-csv', given: RowOptions): RowDefaults | undefined | Refusal {
  if (format === 'ndjson') return namesNone(given);
  const { category, hosting, reporting, tlp } = given;
  if (category === undefined || hosting === undefined || reporting === undefined || tlp === undefined) {
    const missing = names.filter((name) => given[name] === undefined);
    const next =
      'Give them for the whole file, such as --category not-assessed --hosting XX --reporting NL --tlp AMBER; XX is unknown.';
    const message = `A CSV of SCART does not say ${missing.map((name) => `--${name}`).join(', ')}.`;
    return refuse('usage-invalid', `/${missing[0]}`, message, next);
  }
  return (
    checkJurisdiction(hosting, '/hosting') ??
    checkJurisdiction(reporting, '/reporting') ?? { category, hosting, reporting, tlp }
  );
}

function namesNone(given: RowOptions): Refusal | undefined {
  const named = names.find((name) => given[name] !== undefined);
  if (named === undefined) return undefined;
  const next = 'Leave it out, or name --format scart-csv.';
  return refuse('usage-invalid', `/${named}`, `--${named} is for a CSV: a line of JSON says it by itself.`, next);
}
