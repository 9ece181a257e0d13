import { describe, expect, test } from 'vitest';
import { type FileLine, readLines } from '../../src/cli/lines.ts';
import { readScartCsv } from '../../src/cli/scart-csv.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { isRefusal } from '../../src/domain/refusal.ts';

const HEADER = 'URL;REFERER;WORKUSER-EMAIL;REFERENCE;SOURCE;TYPE';
const EMAIL = 'jo.worker@hotline.example';
const defaults = { category: 'not-assessed', hosting: 'XX', reporting: 'NL', tlp: 'AMBER' };
const common = {
  jurisdiction: { hosting: 'XX', reporting: 'NL' },
  category: 'not-assessed',
  marking: { tlp: 'AMBER' },
};

interface Read {
  readonly lines: readonly FileLine[];
  readonly said: string;
}

async function read(text: string | Uint8Array): Promise<Read> {
  async function* bytes() {
    // In parts that no character, quote or line break respects.
    const whole = Buffer.from(text);
    for (let at = 0; at < whole.length; at += 7) yield whole.subarray(at, at + 7);
  }
  const csv = await readScartCsv(readLines(bytes(), 64 * 1024), defaults);
  if (isRefusal(csv)) throw new Error(csv.code);
  const lines: FileLine[] = [];
  for await (const line of csv.lines) lines.push(line);
  let said = '';
  const write = (printed: string) => {
    said += printed;
  };
  csv.report(createTerminal({ stdout: { write }, stderr: { write } }));
  return { lines, said };
}

/** The submission that a row becomes; a refused row throws. */
async function submission(row: string): Promise<unknown> {
  const [line] = (await read(`${HEADER}\n${row}\n`)).lines;
  if (!line || 'refusal' in line) throw new Error('the row was refused');
  return JSON.parse(line.text);
}

describe('a row becomes a submission', () => {
  test.each([
    ['with its URL alone', 'https://a.example/1', { url: 'https://a.example/1' }],
    ['with empty fields', 'https://a.example/1;;;;;', { url: 'https://a.example/1' }],
    ['with empty quoted fields', '"https://a.example/1";"";"";"";"";""', { url: 'https://a.example/1' }],
    [
      'with every field',
      `https://a.example/1;https://b.example/;${EMAIL};2026-4711;webform;imagehost`,
      {
        url: 'https://a.example/1',
        access: { referrer: 'https://b.example/' },
        handles: [{ system: 'scart', id: '2026-4711' }],
        site: { type: 'image-host' },
      },
    ],
    ['with a semicolon in quotes', '"https://a.example/?b;c=1";;;;;', { url: 'https://a.example/?b;c=1' }],
    ['with quotes written twice', '"https://a.example/""b""";;;;;', { url: 'https://a.example/"b"' }],
    [
      'with umlauts',
      'https://a.example/straße;;;Fall Nürnberg 12;;',
      { url: 'https://a.example/straße', handles: [{ system: 'scart', id: 'Fall Nürnberg 12' }] },
    ],
    [
      'with a type that SCART writes in another case',
      'https://a.example/1;;;;;ImageBoard',
      { url: 'https://a.example/1', site: { type: 'image-board' } },
    ],
    [
      'with a type that SCART has not determined',
      'https://a.example/1;;;;;notdetermined',
      { url: 'https://a.example/1', site: { type: 'unknown' } },
    ],
  ])('%s', async (_name, row, expected) => {
    expect(await submission(row)).toEqual({ ...common, ...expected });
  });

  test('and the address of the worker is in none of it, wherever it may stand in its field', async () => {
    const { lines, said } = await read(
      `${HEADER}\nhttps://a.example/1;;${EMAIL};;;\nhttps://a.example/2;;"Jo ""${EMAIL}""";;;\nhttps://a.example/3;;${EMAIL}"x;;;\na;;${EMAIL};;;;;\n`,
    );
    expect(lines).toHaveLength(4);
    expect(`${JSON.stringify(lines)} ${said}`).not.toMatch(/worker|hotline/);
  });
});

describe('the file', () => {
  test.each([
    ['with LF', '\n', ''],
    ['with CRLF', '\r\n', ''],
    ['with a byte order mark', '\r\n', '\ufeff'],
  ])('%s is read, blank lines are counted only', async (_name, newline, mark) => {
    const text = [HEADER, 'https://a.example/1;;;;;', '', 'https://a.example/2', ''].join(newline);
    expect((await read(mark + text)).lines.map(({ line }) => line)).toEqual([2, 4]);
  });

  test('without a newline at the end has its last row', async () => {
    expect((await read(`${HEADER}\nhttps://a.example/1`)).lines).toHaveLength(1);
  });

  test('with nothing but its header has no rows', async () => {
    expect((await read(HEADER)).lines).toEqual([]);
  });

  test('with its header in lower case and quotes is read', async () => {
    expect((await read('"url";referer;workuser-email;reference;source;type\nhttps://a.example/1')).lines).toHaveLength(
      1,
    );
  });

  test.each([
    ['nothing', ''],
    ['a row', 'https://a.example/1;;;;;'],
    ['a column too few', 'URL;REFERER;WORKUSER-EMAIL;REFERENCE;SOURCE'],
    ['a column too many', `${HEADER};NOTE`],
    ['another order', 'URL;REFERENCE;WORKUSER-EMAIL;REFERER;SOURCE;TYPE'],
    ['commas', HEADER.replaceAll(';', ',')],
    ['a quote that does not close', `"${HEADER}`],
  ])('that begins with %s is refused whole', async (_name, text) => {
    await expect(read(`${text}\nhttps://a.example/1`.trim())).rejects.toThrow('schema-invalid');
  });
});

describe('a row is refused alone', () => {
  test.each([
    ['with a column too many', 'https://a.example/1;;;;;;', 'schema-invalid', /7 columns instead of 6/],
    ['with a quote that does not close', '"https://a.example/1;;;;;', 'schema-invalid', /quote/],
    ['with a quote in the middle', 'https://a.example/"1;;;;;', 'schema-invalid', /quote/],
    ['with text behind a quote', '"https://a.example/1"2;;;;;', 'schema-invalid', /quote/],
    ['that is too long', `https://a.example/${'a'.repeat(70_000)}`, 'too-large', /65536/],
  ])('%s', async (_name, row, code, message) => {
    const { lines } = await read(`${HEADER}\n${row}\nhttps://a.example/2;;;;;\n`);
    expect(lines).toEqual([
      { line: 2, refusal: expect.objectContaining({ code, message: expect.stringMatching(message) }) },
      { line: 3, text: expect.stringContaining('https://a.example/2') },
    ]);
  });

  test('that is not UTF-8, as a spreadsheet may save it', async () => {
    const latin = Buffer.from(`${HEADER}\nhttps://a.example/stra\xdfe;;;;;\nhttps://a.example/2;;;;;\n`, 'latin1');
    const { lines } = await read(latin);
    expect(lines).toEqual([{ line: 2, refusal: expect.objectContaining({ code: 'json-invalid' }) }, expect.anything()]);
  });
});

test('what no member says is left out and told once a column, with how many rows', async () => {
  const rows = ['webform;website', 'police;cctv', ';podcast', 'analyst;'];
  const { lines, said } = await read(
    `${HEADER}\n${rows.map((row, n) => `https://a.example/${n};;;;${row}`).join('\n')}`,
  );
  expect(lines.map((line) => ('text' in line ? JSON.parse(line.text).site : line))).toEqual([
    { type: 'website' },
    undefined,
    undefined,
    undefined,
  ]);
  expect(said).toBe(
    '! SOURCE is left out (rows: 3): no member says how a report came in.\n' +
      '! TYPE is left out (rows: 2): it is none of the types that SCART comes with.\n',
  );
});
