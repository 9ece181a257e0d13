import { parse } from 'csv-parse/sync';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { FileLine } from './lines.ts';
import type { Terminal } from './terminal.ts';

/** What every row of the file is given, since SCART's CSV says none of it. */
export interface RowDefaults {
  readonly category: string;
  readonly hosting: string;
  readonly reporting: string;
  readonly tlp: string;
}

const columns = ['URL', 'REFERER', 'WORKUSER-EMAIL', 'REFERENCE', 'SOURCE', 'TYPE'] as const;

/** The kinds of site that SCART comes with, by our codes (schemas/codes/site-type.json); an operator may have added others. */
const siteTypes: ReadonlyMap<string, string> = new Map([
  ['notdetermined', 'unknown'],
  ['website', 'website'],
  ['filehost', 'file-host'],
  ['imagehost', 'image-host'],
  ['imagestore', 'image-store'],
  ['imageboard', 'image-board'],
  ['bannersite', 'banner-site'],
  ['linksite', 'link-site'],
  ['socialsite', 'social-networking'],
  ['redirector', 'redirector'],
  ['webarchived', 'web-archive'],
  ['searchprovider', 'search-provider'],
  ['blog', 'blog'],
  ['forum', 'forum'],
]);

/** How many values of a column were left out, since no member of a case reference says the same. */
interface LeftOut {
  source: number;
  type: number;
}

/** SCART's CSV, row by row, as the JSON of submissions. */
export interface ScartCsv {
  readonly lines: AsyncIterable<FileLine>;
  /** What was left out, each column once. */
  report(terminal: Terminal): void;
}

/**
 * Reads SCART's CSV (`URL;REFERER;WORKUSER-EMAIL;REFERENCE;SOURCE;TYPE`). As in SCART a row is one line and only URL is
 * required. The address of the worker goes no further than this file: no member takes it, and no message quotes a row.
 * Refuses a file that does not begin with the header.
 */
export async function readScartCsv(
  source: AsyncIterable<FileLine>,
  defaults: RowDefaults,
): Promise<ScartCsv | Refusal> {
  const lines = source[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done || 'refusal' in first.value || !isHeader(first.value.text)) {
    const next = `Write the header as the first line: ${columns.join(';')}`;
    return refuse('schema-invalid', '', 'The file does not begin with the header of SCART’s CSV.', next);
  }
  const leftOut: LeftOut = { source: 0, type: 0 };
  async function* rows() {
    for (let next = await lines.next(); !next.done; next = await lines.next()) {
      yield 'refusal' in next.value ? next.value : readRow(next.value, defaults, leftOut);
    }
  }
  return { lines: rows(), report: (terminal) => reportLeftOut(terminal, leftOut) };
}

function isHeader(text: string): boolean {
  const names = fieldsOf(text)?.map((name) => name.trim().toUpperCase());
  return names?.length === columns.length && columns.every((name, at) => name === names[at]);
}

/** The fields of one row, or undefined where its quotes do not close. The parser's own error would quote the row. */
function fieldsOf(text: string): string[] | undefined {
  try {
    const [fields = []] = parse(text, { delimiter: ';', record_delimiter: '\n', relax_column_count: true });
    return fields;
  } catch {
    return undefined;
  }
}

function readRow({ line, text }: { line: number; text: string }, defaults: RowDefaults, leftOut: LeftOut): FileLine {
  const fields = fieldsOf(text);
  if (!fields) {
    const next = 'Put the whole field in double quotes, and write a quote inside it twice.';
    return { line, refusal: refuse('schema-invalid', '', 'A quote of the row is out of place.', next) };
  }
  if (fields.length > columns.length) {
    const next = 'Put a field that has a semicolon in double quotes.';
    const message = `The row has ${fields.length} columns instead of ${columns.length}.`;
    return { line, refusal: refuse('schema-invalid', '', message, next) };
  }
  return { line, text: JSON.stringify(submissionOf(fields, defaults, leftOut)) };
}

function submissionOf(fields: readonly string[], defaults: RowDefaults, leftOut: LeftOut) {
  const value = (column: (typeof columns)[number]) => fields[columns.indexOf(column)]?.trim() ?? '';
  const [referrer, id, type] = [value('REFERER'), value('REFERENCE'), value('TYPE')];
  const siteType = siteTypes.get(type.toLowerCase());
  if (value('SOURCE') !== '') leftOut.source += 1;
  if (type !== '' && siteType === undefined) leftOut.type += 1;
  return {
    url: fields[0],
    jurisdiction: { hosting: defaults.hosting, reporting: defaults.reporting },
    category: defaults.category,
    ...(siteType !== undefined && { site: { type: siteType } }),
    ...(referrer !== '' && { access: { referrer } }),
    ...(id !== '' && { handles: [{ system: 'scart', id }] }),
    marking: { tlp: defaults.tlp },
  };
}

function reportLeftOut(terminal: Terminal, { source, type }: LeftOut): void {
  if (source > 0) terminal.warn(`SOURCE is left out (rows: ${source}): no member says how a report came in.`);
  if (type > 0) terminal.warn(`TYPE is left out (rows: ${type}): it is none of the types that SCART comes with.`);
}
