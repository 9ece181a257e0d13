import { codes } from './codes.ts';
import { type Refusal, refuse } from './refusal.ts';

const listed: ReadonlySet<string> = new Set(codes.jurisdiction);
/** Codes without territory, which no subdivision belongs to: unknown, and onion service. */
const placeless = new Set(['XX', 'XO', 'unknown']);
const subdivision = /^([A-Z]{2})-([A-Z0-9]{1,3})$/;
/** Abbreviations in use that are not the country's code. */
const mistaken: ReadonlyMap<string, string> = new Map([
  ['UK', 'GB'],
  ['EL', 'GR'],
]);

/**
 * A jurisdiction is a country of ISO 3166-1 alpha-2, a subdivision of ISO 3166-2 (`DE-BY`), `XK`, `XX` (unknown) or `XO` (onion
 * service). Anything else is `jurisdiction-invalid`; the next step names the code that was meant where that is plain.
 */
export function checkJurisdiction(code: string, at: string): Refusal | undefined {
  if (isJurisdiction(code)) return undefined;
  const upper = code.toUpperCase();
  const [country = '', ...rest] = upper.split('-');
  const meant = mistaken.get(country);
  if (meant !== undefined) {
    const right = [meant, ...rest].join('-');
    const named = isJurisdiction(right) ? right : meant;
    return refuse('jurisdiction-invalid', at, undefined, `Write "${named}": that is the code of ISO 3166-1.`);
  }
  if (isJurisdiction(upper))
    return refuse('jurisdiction-invalid', at, 'The jurisdiction is not in upper case.', `Write "${upper}".`);
  return refuse('jurisdiction-invalid', at);
}

/** True when the code is a country of the list, or has the form of a subdivision of one. */
export function isJurisdiction(code: string): boolean {
  const country = subdivision.exec(code)?.[1];
  return listed.has(country ?? code) && !(country !== undefined && placeless.has(country));
}

/** True when a place lies in, or is, another: `DE-BY` within `DE`, never the reverse. */
export function within(code: string, container: string): boolean {
  return code === container || code.startsWith(`${container}-`);
}
