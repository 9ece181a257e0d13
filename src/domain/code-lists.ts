import { codes } from './codes.ts';
import { type Refusal, refuse } from './refusal.ts';

/** One code of a list. A retired one keeps its meaning in what is there and is not used in what is new. */
export interface ListedCode {
  readonly code: string;
  readonly title: string;
  readonly retired?: true;
  readonly iccam?: { readonly id: number; readonly name: string };
}

/** A version of a code list, as the files of schemas/codes are. */
export interface CodeList {
  readonly list: string;
  /** The day of the version, YYYY-MM-DD: a later one is higher. */
  readonly version: string;
  readonly title: string;
  readonly codes: readonly ListedCode[];
  readonly patterns?: readonly { readonly pattern: string; readonly title: string }[];
}

type Codes = Readonly<Record<string, readonly string[]>>;

/** The codes that a node knows, by the name of their list; a scheme that has none takes any code. */
export interface CodeLists {
  readonly known: Codes;
  readonly retired: Codes;
  /** The codes of all assessment schemes that have a list here. */
  readonly outcomes: readonly string[];
}

/** The lists of this release. */
export const shippedLists: CodeLists = listsOf(
  Object.fromEntries(Object.entries(codes).map(([name, list]) => [kebab(name), list])),
  {},
);

/** The lists of this release with what was imported since: versions of lists, each of them the newest of its list. */
export function withImported(imported: readonly CodeList[]): CodeLists {
  const known: Record<string, readonly string[]> = { ...shippedLists.known };
  const retired: Record<string, readonly string[]> = {};
  for (const { list, codes: listed } of imported) {
    // A release may have grown the list since: nothing that was known is forgotten.
    known[list] = [...new Set([...(known[list] ?? []), ...listed.map(({ code }) => code)])];
    retired[list] = listed.filter((one) => one.retired === true).map(({ code }) => code);
  }
  return imported.length === 0 ? shippedLists : listsOf(known, retired);
}

function listsOf(known: Codes, retired: Codes): CodeLists {
  const outcomes = Object.entries(known).flatMap(([list, found]) => (isOutcomeList(list) ? found : []));
  return { known, retired, outcomes: [...new Set(outcomes)] };
}

/** The list of the outcomes of an assessment scheme. */
export function outcomeList(scheme: string): string {
  return `assessment-${scheme}`;
}

/** Whether a list is one of outcomes of a scheme. */
export function isOutcomeList(list: string): boolean {
  return list.startsWith('assessment-') && list !== 'assessment-scheme' && list !== 'assessment-method';
}

/** Whether a code stands in a list, retired or not. */
export function isKnownCode({ known }: CodeLists, list: string, code: string): boolean {
  return known[list]?.includes(code) ?? false;
}

/** Whether a code may be used in what is new. */
export function isUsableCode(lists: CodeLists, list: string, code: string): boolean {
  return isKnownCode(lists, list, code) && !(lists.retired[list]?.includes(code) ?? false);
}

/** That a code may not be used in what is new, with those that may; nothing where it may. */
export function refuseCode(lists: CodeLists, list: string, code: string, pointer: string): Refusal | undefined {
  if (isUsableCode(lists, list, code)) return undefined;
  const usable = (lists.known[list] ?? []).filter((one) => isUsableCode(lists, list, one));
  const next = usable.length === 0 ? undefined : `Use one of: ${usable.join(', ')}.`;
  return refuse('code-unknown', pointer, undefined, next);
}

/** The same lists where what is retired counts as well: for what is there already. */
export function withRetired({ known, outcomes }: CodeLists): CodeLists {
  return { known, outcomes, retired: {} };
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
