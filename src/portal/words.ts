import type { Texts } from './texts/en.ts';

type CodeList = keyof Texts['codes'];

/** Words of a code; never a member that every object has: `constructor` is a code like any other. */
function listed(words: Readonly<Record<string, string>>, code: string): string | undefined {
  return Object.hasOwn(words, code) ? words[code] : undefined;
}

/** A code as people read it; one that no list names is shown as it came, and as unknown. */
export function word(texts: Texts, list: CodeList, code: string): string {
  return listed(texts.codes[list], code) ?? texts.unknownCode(code);
}

/** A country by its name in the language of the page, with its code; a subdivision by its code. */
export function place(texts: Texts, code: string | null | undefined): string {
  if (code === null || code === undefined || code === 'XX' || code === 'unknown') return texts.noCountry;
  const country = code.split('-')[0] ?? code;
  const name = countryName(texts.lang, country);
  return name === undefined || name === country ? code : `${name} (${code})`;
}

function countryName(lang: string, country: string): string | undefined {
  try {
    return new Intl.DisplayNames([lang], { type: 'region' }).of(country);
  } catch {
    return undefined;
  }
}

/** What was said by code, where this node's lists may have codes that no language here has words for: `unknown` says which they have not. */
export function said(texts: Texts, text: string, unknown: readonly string[] | undefined, member: string): string {
  return unknown?.includes(member) ? texts.unknownCode(text) : text;
}

/** The outcome of an assessment, given as `scheme:code`; the scheme itself may have a colon. */
export function outcome(texts: Texts, named: string): string {
  const at = named.lastIndexOf(':');
  return listed(texts.codes.outcome, named) ?? `${scheme(texts, named.slice(0, at))}: ${named.slice(at + 1)}`;
}

export function scheme(texts: Texts, code: string): string {
  const country = /^national:([A-Z]{2})$/.exec(code)?.[1];
  return country === undefined
    ? (listed(texts.codes.scheme, code) ?? code)
    : texts.nationalScheme(place(texts, country));
}

export function places(texts: Texts, codes: readonly string[]): string {
  return codes.length === 0 ? texts.none : codes.map((code) => place(texts, code)).join('; ');
}

/** Who said it, and who only told it. */
export function speaker(
  texts: Texts,
  names: ReadonlyMap<string, string>,
  { by, toldBy }: { readonly by: string; readonly toldBy?: { readonly unit?: string } },
): string {
  const name = names.get(by) ?? by;
  return toldBy?.unit === undefined ? name : texts.statedOf(name, toldBy.unit);
}

/** An instant in words, always in UTC: readers sit in several time zones and quote it to each other. */
export function instant(texts: Texts, at: Date): string {
  const [day, month, year, time] = partsOf(texts, at);
  return texts.utc(day, month, year, time);
}

export function date(texts: Texts, at: Date): string {
  const [day, month, year] = partsOf(texts, at);
  return texts.date(day, month, year);
}

function partsOf(texts: Texts, at: Date): [string, string, string, string] {
  const month = texts.months[at.getUTCMonth()] ?? '';
  return [String(at.getUTCDate()), month, String(at.getUTCFullYear()), at.toISOString().slice(11, 16)];
}
